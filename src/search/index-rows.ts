/** The values a resource is found by, as the index keeps them: one kind of row for each kind of comparison. */
import { hash } from 'node:crypto';

/**
 * `param`: see `parameterId`. `place` ties the parts of composites together. `edge`: 1 the least value of its parameter in the resource,
 * 2 the greatest, 3 both: what `_sort` goes by. A row whose value is null says only that the parameter is not missing.
 */
interface Row {
  readonly param: number;
  readonly place: number;
  edge: number;
}

/** The place of values that a parameter has and the composites made of it do not: it is no code's place. */
export const apart = 4_294_967_295;

export interface TokenRow extends Row {
  readonly code: string | null;
  readonly system: string | null;
}

export interface StringRow extends Row {
  /** Folded; its first part where it is long. */
  readonly folded: string | null;
  /** Digest of the exact text. */
  readonly exact: string | null;
  /** The whole folded text where `folded` is only a part. */
  readonly whole: string | null;
}

/** Half-open, in microseconds since 1970 UTC. */
export interface DateRow extends Row {
  readonly low: number | null;
  readonly high: number | null;
}

export interface QuantityRow extends Row {
  readonly low: number | null;
  readonly high: number | null;
  readonly system: string | null;
  readonly code: string | null;
  readonly unit: string | null;
  /** The canonical UCUM unit of its kind, and the bounds in it. */
  readonly canonical: string | null;
  readonly canonicalLow: number | null;
  readonly canonicalHigh: number | null;
}

export interface ReferenceRow extends Row {
  /** Type and id of a resource of this server, whether or not it holds it. */
  readonly type: string | null;
  readonly id: string | null;
  /** Anything else: the URL as written. */
  readonly url: string | null;
}

export interface IndexRows {
  readonly token: TokenRow[];
  readonly string: StringRow[];
  readonly date: DateRow[];
  readonly quantity: QuantityRow[];
  readonly reference: ReferenceRow[];
}

export type IndexTable = keyof IndexRows;

export function noRows(): IndexRows {
  return { token: [], string: [], date: [], quantity: [], reference: [] };
}

/** A stable number for a parameter of a type (`Observation.code`), so that rows are small. */
export function parameterId(name: string): number {
  return Buffer.from(hash('sha1', name, 'hex').slice(0, 8), 'hex').readUInt32BE();
}

/** A digest for exact comparison of what may be long. */
export function digest(text: string): string {
  return hash('sha1', text, 'base64url').slice(0, 12);
}

const systemDigests = new Map<string, string>();
const systemsMax = 1000;

/** The digest of a code system's URL, of which there are few. */
export function systemDigest(system: string): string {
  const known = systemDigests.get(system);
  if (known !== undefined) return known;
  const made = digest(system);
  if (systemDigests.size < systemsMax) systemDigests.set(system, made);
  return made;
}

/** Texts up to this many bytes are kept as they are. */
const keptBytesMax = 400;
const shortenedBytes = 410;

/** A text that may be long as a key: itself, or its beginning with a digest; the latter is longer than any of the former. */
export function keyText(text: string): string {
  if (text.length <= keptBytesMax / 4 || Buffer.byteLength(text) <= keptBytesMax) return text;
  const beginning = `${upTo(text, keptBytesMax - 50)}#${hash('sha1', text, 'base64url')}`;
  return beginning + '#'.repeat(shortenedBytes - Buffer.byteLength(beginning));
}

/** As many characters as fit into so many bytes. */
function upTo(text: string, bytesMax: number): string {
  return Buffer.from(text)
    .subarray(0, bytesMax)
    .toString('utf8')
    .replace(/\ufffd+$/u, '');
}

export const foldedBytesMax = 700;

/** As much of a folded text as the index holds, cut between characters. */
export function foldedKey(folded: string): string {
  if (Buffer.byteLength(folded) <= foldedBytesMax) return folded;
  return upTo(folded, foldedBytesMax);
}
