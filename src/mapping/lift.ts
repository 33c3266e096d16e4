/** Lifting: array items that pairs own on their own become keys (`participant:patient`), so that everything is owned by a plain path. */
import { sameJson } from '../fhir/json.ts';
import type { Env, Slice } from './types.ts';

export type JsonObject = { [key: string]: unknown };

/** Stands in an array of the lifted resource where a lifted item was. */
interface Placeholder {
  readonly $slice: string;
}

/** Slices of one mapping by the array they are items of; made once per variant. */
export type SlicesByArray = ReadonlyMap<string, readonly Slice[]>;

export function slicesByArray(slices: readonly Slice[]): SlicesByArray {
  const byArray = new Map<string, Slice[]>();
  for (const slice of slices) {
    const array = arrayOf(slice.name);
    byArray.set(array, [...(byArray.get(array) ?? []), slice]);
  }
  return byArray;
}

/** The resource with its slices as keys; where the array then says nothing more than their default order, it is left out. */
export function lift(resource: JsonObject, slices: SlicesByArray, env: Env): JsonObject {
  const lifted: JsonObject = { ...resource };
  for (const [array, ofArray] of slices) {
    const items = resource[array];
    if (!Array.isArray(items)) continue;
    const rest: unknown[] = [...items];
    for (const slice of ofArray) {
      const index = rest.findIndex((item, at) => !isPlaceholder(item) && slice.match(item, at, resource, env));
      if (index < 0) continue;
      lifted[slice.name] = rest[index];
      rest[index] = { $slice: slice.name } satisfies Placeholder;
    }
    if (sameJson(rest, defaultOrder(lifted, ofArray))) delete lifted[array];
    else lifted[array] = rest;
  }
  return lifted;
}

/** The inverse of `lift`: placeholders become their slices, slices without a placeholder come first, empty ones vanish. */
export function lower(lifted: JsonObject, slices: SlicesByArray): JsonObject {
  const resource: JsonObject = { ...lifted };
  for (const [array, ofArray] of slices) {
    const rest = resource[array];
    const items = Array.isArray(rest) ? rest : [];
    const placed = new Set(items.filter(isPlaceholder).map((item) => item.$slice));
    const missing = defaultOrder(lifted, ofArray).filter((item) => !placed.has(item.$slice));
    const whole = [...missing, ...items].flatMap((item) => {
      if (!isPlaceholder(item)) return [item];
      const value = lifted[item.$slice];
      return isEmpty(value) ? [] : [value];
    });
    for (const slice of ofArray) delete resource[slice.name];
    if (whole.length > 0) resource[array] = whole;
    else delete resource[array];
  }
  return resource;
}

function defaultOrder(lifted: JsonObject, slices: readonly Slice[]): Placeholder[] {
  return slices.filter((slice) => !isEmpty(lifted[slice.name])).map((slice) => ({ $slice: slice.name }));
}

function arrayOf(sliceName: string): string {
  return sliceName.slice(0, sliceName.indexOf(':'));
}

function isPlaceholder(item: unknown): item is Placeholder {
  return isObject(item) && typeof item['$slice'] === 'string';
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (isObject(value) && !JSON.isRawJSON(value) && Object.keys(value).length === 0);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
