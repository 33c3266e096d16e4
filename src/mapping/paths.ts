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
  /** What is owned of this key: `true` all of it, names these members of it, null nothing. */
  owns(key: string): true | ReadonlySet<string> | null;
  pick(lifted: JsonObject): JsonObject;
  omit(lifted: JsonObject): JsonObject;
}

/** What every set of a variant owns of a lifted resource, in the order of the sets, and what none owns. */
export interface Split {
  readonly parts: readonly JsonObject[];
  readonly rest: JsonObject;
}

/** Keys that are remembered; those of resources are few, but nobody promises that of what clients send. */
const keysMax = 500;

const nothing: JsonObject = Object.freeze({});

export function pathSet(paths: readonly string[]): PathSet {
  const owned = paths.map(compile);
  const whole = new Set(owned.filter((path) => path.below === null && !path.choice).map((path) => path.key));
  const choices = owned.filter((path) => path.choice).map((path) => path.key);
  const partial = new Map<string, Set<string>>();
  for (const { key, below } of owned) {
    if (below !== null) partial.set(key, (partial.get(key) ?? new Set()).add(below));
  }
  const owns = remembered((key) => {
    const bare = bareName(key);
    if (whole.has(bare) || choices.some((choice) => isChoiceOf(bare, choice))) return true;
    return partial.get(key) ?? null;
  });

  return {
    owns,
    pick(lifted) {
      let picked = nothing;
      for (const key in lifted) {
        const value = lifted[key];
        const share = value === undefined ? null : owns(key);
        if (share === null) continue;
        const part = share === true ? value : membersOf(value, share);
        if (part === undefined) continue;
        if (picked === nothing) picked = {};
        picked[key] = part;
      }
      return picked;
    },
    omit(lifted) {
      const rest: JsonObject = {};
      for (const key in lifted) {
        const value = lifted[key];
        const share = value === undefined ? true : owns(key);
        if (share === true) continue;
        const part = share === null || !isObject(value) ? value : othersOf(value, share);
        if (part !== undefined) rest[key] = part;
      }
      return rest;
    },
  };
}

/** Every set's `pick`, and the `omit` of all of them one after the other, in one pass. */
export function splitter(sets: readonly PathSet[]): (lifted: JsonObject) => Split {
  const ownersOf = remembered((key) =>
    sets.flatMap(({ owns }, index) => {
      const share = owns(key);
      return share === null ? [] : [{ index, share }];
    }),
  );
  return (lifted) => {
    const parts: JsonObject[] = sets.map(() => nothing);
    const rest: JsonObject = {};
    for (const key in lifted) {
      const value = lifted[key];
      if (value === undefined) continue;
      let left: unknown = value;
      for (const { index, share } of ownersOf(key)) {
        const part = share === true ? value : membersOf(value, share);
        if (share === true) left = undefined;
        else if (isObject(left)) left = othersOf(left, share);
        if (part === undefined) continue;
        if (parts[index] === nothing) parts[index] = {};
        (parts[index] ?? {})[key] = part;
      }
      if (left !== undefined) rest[key] = left;
    }
    return { parts, rest };
  };
}

function remembered<Answer>(ask: (key: string) => Answer): (key: string) => Answer {
  const answers = new Map<string, Answer>();
  return (key) => {
    const known = answers.get(key);
    if (known !== undefined) return known;
    const answer = ask(key);
    if (answers.size < keysMax) answers.set(key, answer);
    return answer;
  };
}

/** Undefined when it has none of them. */
function membersOf(value: unknown, names: ReadonlySet<string>): JsonObject | undefined {
  return isObject(value) ? filled(value, (name) => names.has(bareName(name))) : undefined;
}

function othersOf(value: JsonObject, names: ReadonlySet<string>): JsonObject | undefined {
  return filled(value, (name) => !names.has(bareName(name)));
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

function filled(object: JsonObject, keep: (name: string) => boolean): JsonObject | undefined {
  const kept = Object.entries(object).filter(([name, value]) => value !== undefined && keep(name));
  return kept.length > 0 ? Object.fromEntries(kept) : undefined;
}
