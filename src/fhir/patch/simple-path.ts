/** The FHIRPath that FHIRPath Patch allows: elements, `[n]`, `first()`, `last()`, `where(a = 'b' and …)`, `extension('url')`, `ofType(T)`. https://hl7.org/fhir/R4/fhirpatch.html */
import { isJsonObject, type JsonObject } from '../json.ts';
import { shapeOf, type TypeShape } from '../structure.ts';

/** A node of a resource: where it is, and what R4 says of it. */
export interface PathNode {
  readonly path: readonly (string | number)[];
  readonly value: unknown;
  readonly shape: TypeShape | undefined;
}

type Step =
  | { readonly is: 'element'; readonly name: string }
  | { readonly is: 'index'; readonly at: number }
  | { readonly is: 'where'; readonly tests: readonly { readonly path: readonly string[]; readonly literal: string }[] }
  | { readonly is: 'type'; readonly name: string };

export type SimplePath = readonly Step[];

const literal = String.raw`'((?:[^'\\]|\\.)*)'|(true|false|-?\d+(?:\.\d+)?)`;
const token = new RegExp(
  String.raw`\s*\.?\s*(?:\[\s*(\d+)\s*\]|(first|last)\(\s*\)|where\(((?:'(?:[^'\\]|\\.)*'|[^()'])*)\)|extension\(\s*'((?:[^'\\]|\\.)*)'\s*\)|(?:ofType|as)\(\s*(?:FHIR\.)?([A-Za-z]+)\s*\)|(?:` +
    '`([A-Za-z_]\\w*)`|([A-Za-z_]\\w*)))',
  'y',
);
const comparison = new RegExp(String.raw`^\s*([A-Za-z_][\w.]*)\s*=\s*(?:${literal})\s*$`);

/** Null when it is more than this kind of path. */
export function parseSimplePath(text: string, resourceType: string): SimplePath | null {
  const steps: Step[] = [];
  let at = 0;
  while (at < text.trimEnd().length) {
    token.lastIndex = at;
    const match = token.exec(text);
    if (!match) return null;
    at = token.lastIndex;
    const [, index, end, where, extension, type, quoted, name = quoted] = match;
    if (index !== undefined) steps.push({ is: 'index', at: Number(index) });
    else if (end !== undefined) steps.push({ is: 'index', at: end === 'first' ? 0 : -1 });
    else if (where !== undefined) {
      const tests = testsOf(where);
      if (!tests) return null;
      steps.push({ is: 'where', tests });
    } else if (extension !== undefined) {
      steps.push({ is: 'element', name: 'extension' });
      steps.push({ is: 'where', tests: [{ path: ['url'], literal: unescaped(extension) }] });
    } else if (type !== undefined) steps.push({ is: 'type', name: type });
    else if (name !== undefined) {
      if (steps.length > 0 || (name !== resourceType && name !== 'Resource' && name !== 'DomainResource'))
        steps.push({ is: 'element', name });
    }
  }
  return steps;
}

function testsOf(text: string): { readonly path: readonly string[]; readonly literal: string }[] | null {
  const tests = text.split(/\s+and\s+(?=(?:[^']*'[^']*')*[^']*$)/).map((part) => comparison.exec(part));
  if (tests.some((test) => test === null)) return null;
  return tests.map((test) => ({ path: (test?.[1] ?? '').split('.'), literal: test?.[3] ?? unescaped(test?.[2] ?? '') }));
}

function unescaped(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}

export function evaluate(resource: JsonObject, steps: SimplePath): readonly PathNode[] {
  const root: PathNode = { path: [], value: resource, shape: shapeOf(String(resource['resourceType'])) };
  return steps.reduce<readonly PathNode[]>((nodes, step) => next(nodes, step), [root]);
}

function next(nodes: readonly PathNode[], step: Step): readonly PathNode[] {
  if (step.is === 'element') return nodes.flatMap((node) => elementsOf(node, step.name));
  if (step.is === 'index') return nodes.at(step.at) ? [nodes.at(step.at) as PathNode] : [];
  if (step.is === 'type') return nodes.filter((node) => isOfType(node, step.name));
  return nodes.filter((node) =>
    step.tests.every(({ path, literal: wanted }) =>
      path
        .reduce<readonly PathNode[]>((found, name) => found.flatMap((one) => elementsOf(one, name)), [node])
        .some(({ value }) => textOf(value) === wanted),
    ),
  );
}

function textOf(value: unknown): string | undefined {
  if (JSON.isRawJSON(value)) return value.rawJSON;
  return typeof value === 'object' || value === undefined ? undefined : String(value);
}

function isOfType({ path, value, shape }: PathNode, name: string): boolean {
  const key = path.findLast((part) => typeof part === 'string') ?? '';
  const suffix = name.charAt(0).toUpperCase() + name.slice(1);
  return shape?.name === name || String(key).endsWith(suffix) || (isJsonObject(value) && value['resourceType'] === name);
}

function elementsOf({ path, value, shape }: PathNode, name: string): readonly PathNode[] {
  if (!isJsonObject(value)) return [];
  const key = keyOf(value, shape, name);
  if (key === undefined) return [];
  const child = value[key];
  const childShape = (one: unknown) => shapeBelow(shape, key, one);
  if (Array.isArray(child))
    return child.map((item: unknown, at) => ({ path: [...path, key, at], value: item, shape: childShape(item) }));
  return [{ path: [...path, key], value: child, shape: childShape(child) }];
}

/** `value` is `valueQuantity` where the resource has one. */
function keyOf(value: JsonObject, shape: TypeShape | undefined, name: string): string | undefined {
  if (Object.hasOwn(value, name)) return name;
  return Object.keys(value).find((key) => {
    const slot = shape?.slots.get(key);
    return slot ? slot.choice && slot.element === name : new RegExp(`^${name}[A-Z]`).test(key) && name === 'value';
  });
}

export function shapeBelow(shape: TypeShape | undefined, key: string, child: unknown): TypeShape | undefined {
  const slot = shape?.slots.get(key);
  const type = slot?.type ?? (key === 'extension' || key === 'modifierExtension' ? 'Extension' : undefined);
  if (type === 'Resource' && isJsonObject(child)) return shapeOf(String(child['resourceType']));
  return type === undefined ? undefined : shapeOf(type);
}
