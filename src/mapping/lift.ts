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
  const resource: JsonObject = {};
  for (const key in lifted) {
    if (!slices.has(key) && !isSlice(key, slices)) resource[key] = lifted[key];
  }
  for (const [array, ofArray] of slices) {
    const whole = lowered(lifted, array, ofArray);
    if (whole.length > 0) resource[array] = whole;
  }
  return resource;
}

/** Only slices have a colon in their name, so that nearly all keys need no look. */
function isSlice(key: string, slices: SlicesByArray): boolean {
  const colon = key.indexOf(':');
  return colon > 0 && (slices.get(key.slice(0, colon))?.some(({ name }) => name === key) ?? false);
}

function lowered(lifted: JsonObject, array: string, ofArray: readonly Slice[]): unknown[] {
  const rest = lifted[array];
  const items: readonly unknown[] = Array.isArray(rest) ? rest : [];
  const whole: unknown[] = [];
  for (const { name } of ofArray) {
    const value = lifted[name];
    if (!isEmpty(value) && !items.some((item) => isPlaceholder(item) && item.$slice === name)) whole.push(value);
  }
  for (const item of items) {
    const value = isPlaceholder(item) ? lifted[item.$slice] : item;
    if (!isPlaceholder(item) || !isEmpty(value)) whole.push(value);
  }
  return whole;
}

function defaultOrder(lifted: JsonObject, slices: readonly Slice[]): Placeholder[] {
  return slices.filter((slice) => !isEmpty(lifted[slice.name])).map((slice) => ({ $slice: slice.name }));
}

function arrayOf(sliceName: string): string {
  return sliceName.slice(0, sliceName.indexOf(':'));
}

/** Where a slice stands among the other items of its array, for pairs that own these. */
export function placeholder(sliceName: string): JsonObject {
  return { $slice: sliceName };
}

export function isPlaceholder(item: unknown): item is Placeholder {
  return isObject(item) && typeof item['$slice'] === 'string';
}

function isEmpty(value: unknown): boolean {
  return value === undefined || (isObject(value) && !JSON.isRawJSON(value) && Object.keys(value).length === 0);
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
