/** JSON without loss and without surprises: strict parsing, decimals that keep their digits. https://hl7.org/fhir/R4/json.html */

import { scanJson } from './json-scan.ts';
import { fault } from './outcome.ts';

/** A number whose digits a JavaScript number would lose (6.30, 1e-7, 0.000); JSON.stringify writes it as it was read. */
export interface RawJson {
  readonly rawJSON: string;
}

type Reviver = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** Node 24 has JSON.parse source text access (ES2026); TypeScript's lib of es2024 does not declare it. */
declare global {
  interface JSON {
    rawJSON(text: string): RawJson;
    isRawJSON(value: unknown): value is RawJson;
    parse(text: string, reviver: Reviver): unknown;
  }
}

export const jsonDepthMax = 64;

/**
 * Parses one JSON text. A leading byte order mark is skipped, as RFC 8259 section 8.1 allows.
 * @throws FhirError `malformed` for everything else that is not clean JSON: syntax, invalid UTF-8, duplicate keys, `__proto__`, too deep,
 * lone surrogates and U+0000 (FHIR strings and utf8mb4 hold neither). One issue, naming line and column.
 */
export function parseJson(text: string | Uint8Array, limits: { readonly depthMax?: number } = {}): unknown {
  const source = typeof text === 'string' ? withoutMark(text) : decode(text);
  const allNumbersCanonical = scanJson(source, limits.depthMax ?? jsonDepthMax);
  return allNumbersCanonical ? (JSON.parse(source) as unknown) : JSON.parse(source, keepDigits);
}

const keepDigits: Reviver = (_key, value, { source }) =>
  typeof value === 'number' && source !== undefined && String(value) !== source ? JSON.rawJSON(source) : value;

function withoutMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decode(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch {
    throw fault('malformed', 'structure', 'The body is not valid UTF-8; JSON must be sent as UTF-8.');
  }
}

export function stringifyJson(value: unknown, pretty = false): string {
  return pretty ? JSON.stringify(value, undefined, 2) : JSON.stringify(value);
}

/** The same value with ordinary numbers in place of raw ones, for ajv and fhirpath; the very same object when it has none. */
export function plain<T>(value: T): T;
export function plain(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (JSON.isRawJSON(value)) return Number(value.rawJSON);
  return Array.isArray(value) ? plainArray(value) : isJsonObject(value) ? plainObject(value) : value;
}

export type JsonObject = Readonly<Record<string, unknown>>;

/** Whether it is a JSON object: no array, no null, no raw number. */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !JSON.isRawJSON(value);
}

function plainArray(list: readonly unknown[]): readonly unknown[] {
  let copy: unknown[] | undefined;
  for (let i = 0; i < list.length; i++) {
    const item = plain(list[i]);
    if (item === list[i]) continue;
    copy ??= list.slice();
    copy[i] = item;
  }
  return copy ?? list;
}

function plainObject(value: JsonObject): JsonObject {
  let copy: Record<string, unknown> | undefined;
  for (const key in value) {
    const item = value[key];
    if (typeof item !== 'object' || item === null) continue;
    const replaced = plain(item);
    if (replaced === item) continue;
    copy ??= { ...value };
    copy[key] = replaced;
  }
  return copy ?? value;
}

/** Deep equality as FHIR sees it: the order of keys is nothing, that of arrays everything; 6.30 is not 6.3; undefined is absent. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (JSON.isRawJSON(a) || JSON.isRawJSON(b)) return JSON.isRawJSON(a) && JSON.isRawJSON(b) && a.rawJSON === b.rawJSON;
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((item, i) => sameJson(item, b[i]));
  }
  return isJsonObject(a) && isJsonObject(b) && sameObject(a, b);
}

function sameObject(a: JsonObject, b: JsonObject): boolean {
  let surplus = 0;
  for (const key in a) {
    if (a[key] === undefined) continue;
    surplus++;
    if (!Object.hasOwn(b, key) || !sameJson(a[key], b[key])) return false;
  }
  for (const key in b) if (b[key] !== undefined) surplus--;
  return surplus === 0;
}

export function isDecimal(value: unknown): value is number | RawJson {
  return typeof value === 'number' || JSON.isRawJSON(value);
}

/** The digits as written. */
export function decimalText(value: number | RawJson): string {
  return typeof value === 'number' ? String(value) : value.rawJSON;
}

const decimalPattern = /^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?$/;

/** A FHIR decimal of exactly these digits: an ordinary number where that loses nothing. Throws a TypeError for other text. */
export function decimalFrom(text: string): number | RawJson {
  if (!decimalPattern.test(text)) throw new TypeError('not a decimal');
  const number = Number(text);
  return String(number) === text ? number : JSON.rawJSON(text);
}
