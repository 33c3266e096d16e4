/** Who says each part of a resource: the pair that speaks last, or the overlay. It follows `renderLifted` step by step. */
import type { CompiledPair, CompiledVariant, Overlay } from '../mapping/compile.ts';
import { dropDangling } from '../mapping/contained.ts';
import { isObject, type JsonObject, lower } from '../mapping/lift.ts';
import { mergeInto } from '../mapping/paths.ts';
import type { Env, Stored } from '../mapping/types.ts';
import type { Step } from './leaves.ts';

/** A pair from its columns, a pair from its overlay entry, or elements that no pair owns. */
export interface Owner {
  readonly pair: CompiledPair | null;
  readonly isKept: boolean;
}

export interface Owned {
  /** Content as served, without resourceType, id and the server's part of meta. */
  readonly content: JsonObject;
  /** Owner of a path of the content, and the path in the lifted resource. */
  ownerOf(steps: readonly Step[]): { readonly owner: Owner; readonly liftedSteps: readonly Step[] };
}

const beside: Owner = { pair: null, isKept: true };

export function ownersOf(variant: CompiledVariant, stored: Stored, overlay: Overlay | null, refined: number, env: Env): Owned {
  const lifted: JsonObject = {};
  const owners = new Map<string, Owner>();
  let hasLapsed = false;
  const add = (part: JsonObject, owner: Owner) => {
    for (const [key, value] of Object.entries(part)) {
      if (value === undefined) continue;
      const isMerged = key.includes(':') && isObject(value);
      if (!isMerged) owners.set(key, owner);
      else for (const below of Object.keys(value)) owners.set(`${key}.${below}`, owner);
    }
    mergeInto(lifted, part);
  };
  for (const compiled of variant.pairs) {
    const said = overlay?.refined[compiled.name];
    const refinement = refined & compiled.bit ? said : undefined;
    const { list } = compiled.pair;
    const isKept = refinement !== undefined && (list !== undefined || refinement.fp === compiled.fingerprint(stored));
    if (isKept && list) add({ ...list.merge(refinement.el, refinement.fp, stored, env) }, { pair: compiled, isKept });
    else add(isKept ? refinement.el : { ...compiled.pair.toFhir(stored, env) }, { pair: compiled, isKept });
    hasLapsed ||= said !== undefined && !isKept;
  }
  if (overlay) add(overlay.rest, beside);
  if (hasLapsed) dropDangling(lifted);
  const content = lower(lifted, variant.slices);
  return {
    content,
    ownerOf(steps) {
      const liftedSteps = liftedPath(variant, content, lifted, steps);
      const [key = '', below = ''] = liftedSteps.map(String);
      return { owner: owners.get(`${key}.${below}`) ?? owners.get(key) ?? beside, liftedSteps };
    },
  };
}

/** `participant[1].actor` → `participant:doctor`.actor, where that item is the slice. */
function liftedPath(variant: CompiledVariant, content: JsonObject, lifted: JsonObject, steps: readonly Step[]): readonly Step[] {
  const [array, index, ...below] = steps;
  if (typeof array !== 'string' || typeof index !== 'number') return steps;
  const items = content[array];
  const item: unknown = Array.isArray(items) ? items[index] : undefined;
  const slice = variant.slices.get(array)?.find(({ name }) => lifted[name] !== undefined && lifted[name] === item);
  return slice ? [slice.name, ...below] : steps;
}
