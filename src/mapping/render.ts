/** The lens: columns and overlay to resource (get), and what a resource says beyond its columns (the complement). */
import { sameJson } from '../fhir/json.ts';
import type { CompiledVariant, Overlay, Refinement } from './compile.ts';
import { dropDangling } from './contained.ts';
import { isObject, type JsonObject, lift, lower } from './lift.ts';
import { isOurSource } from './origin.ts';
import { mergeInto } from './paths.ts';
import type { Env, Stored } from './types.ts';

/**
 * The lifted content of a resource: each pair speaks from its columns unless a refinement still holds.
 * A refinement holds while its pair's bit is set (no other writer touched the columns) and the fingerprint matches.
 */
export function renderLifted(
  variant: CompiledVariant,
  stored: Stored,
  overlay: Overlay | null,
  refined: number,
  env: Env,
): JsonObject {
  const lifted: JsonObject = {};
  let hasLapsed = false;
  for (const compiled of variant.pairs) {
    const said = overlay?.refined[compiled.name];
    const refinement = refined & compiled.bit ? said : undefined;
    const { list } = compiled.pair;
    if (refinement && list) {
      mergeInto(lifted, list.merge(refinement.el, refinement.fp, stored, env));
      continue;
    }
    const holds = refinement !== undefined && refinement.fp === compiled.fingerprint(stored);
    mergeInto(lifted, holds ? refinement.el : compiled.pair.toFhir(stored, env));
    hasLapsed ||= said !== undefined && !holds;
  }
  if (overlay) mergeInto(lifted, overlay.rest);
  if (hasLapsed) dropDangling(lifted);
  return lifted;
}

/** Content as served, without resourceType, id and the server's part of meta. */
export function renderContent(
  variant: CompiledVariant,
  stored: Stored,
  overlay: Overlay | null,
  refined: number,
  env: Env,
): JsonObject {
  return lower(renderLifted(variant, stored, overlay, refined, env), variant.slices);
}

/** What a client sent, reduced to what it may say: no resourceType, id, versionId, lastUpdated, nor elements only the server says. */
export function contentOf(variant: CompiledVariant, resource: JsonObject, env: Env): JsonObject {
  const content = clientPart(resource, env);
  const lifted = lift(content, variant.slices, env);
  const own = withoutServerOwned(variant, lifted);
  return own === lifted ? content : lower(own, variant.slices);
}

/** The same, lifted. */
export function liftedContentOf(variant: CompiledVariant, resource: JsonObject, env: Env): JsonObject {
  const lifted = lift(clientPart(resource, env), variant.slices, env);
  const own = withoutServerOwned(variant, lifted);
  return own === lifted ? lifted : lift(lower(own, variant.slices), variant.slices, env);
}

function clientPart(resource: JsonObject, env: Env): JsonObject {
  const { resourceType: _type, id: _id, meta, ...content } = resource;
  if (isObject(meta)) {
    const { versionId: _version, lastUpdated: _updated, ...kept } = meta;
    if (isOurSource(kept['source'], env)) delete kept['source'];
    if (Object.keys(kept).length > 0) content['meta'] = kept;
  }
  return content;
}

/** Lifted content without what only the server says; the same object where it says nothing of that. */
export function withoutServerOwned(variant: CompiledVariant, lifted: JsonObject): JsonObject {
  let rest = lifted;
  for (const { paths } of variant.serverOwned) if (Object.keys(paths.pick(rest)).length > 0) rest = paths.omit(rest);
  return rest;
}

/** The complement: whatever the columns, read back, do not say the way the client said it. Law 1 holds by this function. */
export function complement(
  variant: CompiledVariant,
  lifted: JsonObject,
  stored: Stored,
  env: Env,
): { readonly overlay: Overlay | null; readonly refined: number } {
  const refinements: Record<string, Refinement> = {};
  let refined = 0;
  const { parts, rest } = variant.split(lifted);
  variant.pairs.forEach(({ pair, name, bit, paths, fingerprint }, index) => {
    if (pair.serverOwned) return;
    const said = parts[index] ?? {};
    const isListed = pair.list !== undefined && Object.keys(said).length > 0; // kept always: it says that a client made the list
    if (!pair.volatile && !isListed && sameJson(said, paths.pick(pair.toFhir(stored, env)))) return;
    refinements[name] = { fp: fingerprint(stored), el: said };
    refined |= bit;
  });
  const empty = refined === 0 && Object.keys(rest).length === 0;
  return { overlay: empty ? null : { refined: refinements, rest }, refined };
}
