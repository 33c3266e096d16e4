/**
 * Contained resources go with what refers to them (R4's dom-3): where a column speaks anew, what the client had said of it lapses, and with it
 * what only that referred to. What a slice owns is referred to by nothing else, so that nothing is left without its target.
 */
import { isObject, isPlaceholder, type JsonObject } from './lift.ts';

/** Takes contained resources that nothing refers to any more out of a lifted resource. */
export function dropDangling(lifted: JsonObject): void {
  for (;;) {
    const dangling = listIn(lifted).find((item) => isObject(item) && !isPlaceholder(item) && !isReferredTo(item, lifted));
    if (dangling === undefined) return;
    const left = listIn(lifted).filter((item) => item !== dangling);
    if (left.length > 0) lifted['contained'] = left;
    else delete lifted['contained'];
  }
}

function listIn(lifted: JsonObject): readonly unknown[] {
  const list = lifted['contained'];
  return Array.isArray(list) ? list : [];
}

function isReferredTo(item: JsonObject, lifted: JsonObject): boolean {
  const others = { ...lifted, contained: listIn(lifted).filter((other) => other !== item) };
  return fragmentsOf(others).has(`#${item['id']}`) || fragmentsOf(item).has('#');
}

/** All local references, `#id` or `#`, wherever they are. */
function fragmentsOf(node: unknown, found = new Set<string>()): Set<string> {
  if (typeof node === 'string') {
    if (node.startsWith('#')) found.add(node);
  } else if (typeof node === 'object' && node !== null) for (const value of Object.values(node)) fragmentsOf(value, found);
  return found;
}
