/** Which pair owns which part of a lifted resource: paths such as `birthDate`, `onset[x]` and `participant:patient.status`. */
import { isObject, type JsonObject } from './lift.ts';

/** A compiled element path: the key (or choice prefix), and what is owned below it when not all of it is. */
interface Owned {
  readonly key: string;
  readonly choice: boolean;
  readonly below: string | null;
}

/** Picks and omits the parts that the paths own; compiled once per pair. */
export interface PathSet {
  pick(lifted: JsonObject): JsonObject;
  omit(lifted: JsonObject): JsonObject;
}

export function pathSet(paths: readonly string[]): PathSet {
  const owned = paths.map(compile);
  const whole = new Set(owned.filter((path) => path.below === null && !path.choice).map((path) => path.key));
  const choices = owned.filter((path) => path.choice).map((path) => path.key);
  const partial = new Map<string, string[]>();
  for (const path of owned) {
    if (path.below !== null) partial.set(path.key, [...(partial.get(path.key) ?? []), path.below]);
  }
  const isWhole = (key: string): boolean => {
    const bare = key.startsWith('_') ? key.slice(1) : key;
    return whole.has(bare) || choices.some((choice) => isChoiceOf(bare, choice));
  };

  return {
    pick(lifted) {
      const picked: JsonObject = {};
      for (const key of Object.keys(lifted)) {
        const value = lifted[key];
        if (value === undefined) continue;
        const below = partial.get(key);
        if (isWhole(key)) picked[key] = value;
        else if (below && isObject(value)) {
          const part = only(value, (name) => below.includes(bareName(name)));
          if (Object.keys(part).length > 0) picked[key] = part;
        }
      }
      return picked;
    },
    omit(lifted) {
      const rest: JsonObject = {};
      for (const key of Object.keys(lifted)) {
        const value = lifted[key];
        if (value === undefined || isWhole(key)) continue;
        const below = partial.get(key);
        if (below && isObject(value)) {
          const part = only(value, (name) => !below.includes(bareName(name)));
          if (Object.keys(part).length > 0) rest[key] = part;
        } else rest[key] = value;
      }
      return rest;
    },
  };
}

/** Puts a part back in place; parts of the same slice (`participant:patient`) are merged. */
export function mergeInto(target: JsonObject, part: JsonObject): void {
  for (const key of Object.keys(part)) {
    const value = part[key];
    const there = target[key];
    if (value === undefined) continue;
    target[key] = isObject(there) && isObject(value) && key.includes(':') ? { ...there, ...value } : value;
  }
}

function compile(path: string): Owned {
  const dot = path.indexOf('.');
  if (dot >= 0) return { key: path.slice(0, dot), choice: false, below: path.slice(dot + 1) };
  return path.endsWith('[x]') ? { key: path.slice(0, -3), choice: true, below: null } : { key: path, choice: false, below: null };
}

function isChoiceOf(key: string, prefix: string): boolean {
  const next = key.charCodeAt(prefix.length);
  return key.startsWith(prefix) && next >= 65 && next <= 90;
}

function bareName(name: string): string {
  return name.startsWith('_') ? name.slice(1) : name;
}

function only(object: JsonObject, keep: (name: string) => boolean): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name, value]) => value !== undefined && keep(name)));
}
