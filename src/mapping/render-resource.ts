/** A record as the resource that is served: type, id, meta and content in the specification's order of elements. */
import { shapeOf } from '../fhir/structure.ts';
import type { CompiledVariant, Overlay } from './compile.ts';
import { isObject, type JsonObject } from './lift.ts';
import { sourceOf } from './origin.ts';
import { renderContent } from './render.ts';
import type { Env, Stored } from './types.ts';

export interface Rendered {
  readonly id: string;
  readonly variant: CompiledVariant;
  readonly version: number;
  readonly lastUpdated: string;
  readonly origin: string;
  readonly refined: number;
  readonly overlay: Overlay | null;
  readonly stored: Stored | null;
}

/** @throws Error when the record is deleted, which has no content. */
export function renderResource(record: Rendered, env: Env): JsonObject {
  const { variant, stored } = record;
  if (!stored) throw new Error(`${variant.resourceType}/${record.id} is deleted`);
  const content = renderContent(variant, stored, record.overlay, record.refined, env);
  const said = content['meta'];
  const meta = { versionId: String(record.version), lastUpdated: record.lastUpdated, source: sourceOf(record.origin, env) };
  const resource: JsonObject = {
    resourceType: variant.resourceType,
    id: record.id,
    meta: isObject(said) ? { ...meta, ...said } : meta,
  };
  for (const key of inOrder(Object.keys(content), variant.resourceType)) if (key !== 'meta') resource[key] = content[key];
  return resource;
}

const ranks = new Map<string, ReadonlyMap<string, number>>();

/** Place of each key in the specification; a primitive's extensions stand behind it. */
function ranksOf(resourceType: string): ReadonlyMap<string, number> {
  const known = ranks.get(resourceType);
  if (known) return known;
  const keys = [...(shapeOf(resourceType)?.slots.keys() ?? [])].flatMap((key) => [key, `_${key}`]);
  const made = new Map(keys.map((key, rank) => [key, rank]));
  ranks.set(resourceType, made);
  return made;
}

/** Most resources of a type have one of a few sets of elements, so that their order is looked up rather than made. */
const orders = new Map<string, readonly string[]>();
const ordersMax = 1000;

function inOrder(keys: readonly string[], resourceType: string): readonly string[] {
  const shape = `${resourceType} ${keys.join(' ')}`;
  const known = orders.get(shape);
  if (known) return known;
  const rank = ranksOf(resourceType);
  const ordered = keys.toSorted((a, b) => (rank.get(a) ?? 0) - (rank.get(b) ?? 0));
  if (orders.size < ordersMax) orders.set(shape, ordered);
  return ordered;
}
