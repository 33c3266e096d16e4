/** Reading elements of JSON that may be anything: an invariant never throws, whatever else is wrong with the resource. */
import { rangeOf } from '../date.ts';
import { isJsonObject, type JsonObject } from '../json.ts';

/** Whether an element exists: by value, by extension, or (for a choice) in any of its types. */
export function has(node: JsonObject, element: string): boolean {
  return node[element] !== undefined || node[`_${element}`] !== undefined;
}

/** Whether a choice element `value[x]` exists; `value` of a resource without other keys that start so. */
export function hasChoice(node: JsonObject, element: string): boolean {
  for (const key in node) {
    const at = key.startsWith('_') ? 1 : 0;
    if (key.startsWith(element, at) && /[A-Z]/.test(key.charAt(at + element.length)) && node[key] !== undefined) return true;
  }
  return false;
}

export function text(node: unknown, element: string): string | undefined {
  const value = isJsonObject(node) ? node[element] : undefined;
  return typeof value === 'string' ? value : undefined;
}

/** The number of a decimal or integer; undefined where there is none. */
export function number(node: unknown, element: string): number | undefined {
  const value = isJsonObject(node) ? node[element] : undefined;
  if (JSON.isRawJSON(value)) return Number(value.rawJSON);
  return typeof value === 'number' ? value : undefined;
}

export function list(node: unknown, element: string): readonly unknown[] {
  const value = isJsonObject(node) ? node[element] : undefined;
  return Array.isArray(value) ? value : [];
}

export function codings(concept: unknown): readonly unknown[] {
  return list(concept, 'coding');
}

export function hasCoding(concept: unknown, system: string, ...codes: readonly string[]): boolean {
  return codings(concept).some((coding) => text(coding, 'system') === system && codes.includes(text(coding, 'code') ?? ''));
}

export function implies(condition: boolean, consequence: boolean): boolean {
  return !condition || consequence;
}

const slackUs = 14 * 3600 * 1_000_000;

/** Whether one date is after another for certain: partial dates overlap, and a date without offset may be anywhere on earth. */
export function certainlyAfter(later: string, earlier: string): boolean {
  const from = rangeOf(later, 'UTC');
  const to = rangeOf(earlier, 'UTC');
  if (!from || !to) return false;
  const slack = later.includes('T') === earlier.includes('T') ? 0 : slackUs;
  return from.start - slack >= to.end;
}
