/** What is kept beside the columns when the first of a resource's rows is gone and a further one takes its place: what was said of that one, and of the whole. */
import type { CompiledPair, CompiledVariant, Overlay } from './compile.ts';
import type { JsonObject } from './lift.ts';
import { mergeInto } from './paths.ts';
import { complement, renderLifted } from './render.ts';
import type { Env, Stored } from './types.ts';

export interface Kept {
  readonly overlay: Overlay | null;
  readonly refined: number;
}

/** `before`: the rows with the first that is gone; `now`: the rows that are left, with the one that takes its place as the first. */
export function replaceFirst(variant: CompiledVariant, before: Stored, now: Stored, kept: Kept, env: Env): Kept {
  const { child, key } = variant.variant.source;
  const first = child?.linked?.first;
  if (!child || first === undefined) return kept;
  const array = first.slice(0, first.indexOf(':'));
  const render = (children: Stored['children']) =>
    renderLifted(variant, { ...before, children }, kept.overlay, kept.refined, env);
  const isNext = (row: Stored['row']) => row[child.key] === now.row[key];
  const next = render(before.children.filter(({ row }) => isNext(row)))[array];
  const others = render(before.children.filter(({ row }) => !isNext(row)))[array];
  const whole = render(before.children);

  const lifted: JsonObject = {};
  for (const compiled of variant.pairs) {
    if (compiled.pair.list || compiled.pair.elements.some((element) => element.startsWith(first))) continue;
    mergeInto(lifted, isAsBefore(compiled, kept, now) ? compiled.paths.pick(whole) : compiled.pair.toFhir(now, env));
  }
  const { [first]: _gone, ...rest } = variant.split(whole).rest;
  mergeInto(lifted, rest);
  // The list begins with the place of the first.
  if (Array.isArray(next) && next[1] !== undefined) lifted[first] = next[1];
  if (others !== undefined) lifted[array] = others;
  return complement(variant, lifted, now, env);
}

/** No column says it, or the client's words still fit what the columns say now. */
function isAsBefore({ reads, name, bit, fingerprint }: CompiledPair, { overlay, refined }: Kept, now: Stored): boolean {
  if (reads.row.length === 0) return true;
  const refinement = refined & bit ? overlay?.refined[name] : undefined;
  return refinement !== undefined && refinement.fp === fingerprint(now);
}
