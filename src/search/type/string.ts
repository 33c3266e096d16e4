/** String parameters: names, addresses, texts. https://hl7.org/fhir/R4/search.html#string */
import { isJsonObject } from '../../fhir/json.ts';
import { bytes, type Sql, sql } from '../condition.ts';
import type { Leaf } from '../expression.ts';
import { foldText } from '../fold-text.ts';
import { digest, foldedBytesMax, foldedKey, type IndexRows, type StringRow } from '../index-rows.ts';

export interface StringTest {
  readonly kind: 'string';
  readonly match: 'start' | 'contains' | 'exact';
  /** Folded, but for `exact`. */
  readonly text: string;
}

/** Which parts of a composite type a string search looks at. */
const partsOf: Readonly<Record<string, readonly string[]>> = {
  HumanName: ['text', 'family', 'given', 'prefix', 'suffix'],
  Address: ['text', 'line', 'city', 'district', 'state', 'postalCode', 'country'],
};

export function indexString(param: number, { value, type, place }: Leaf, rows: IndexRows): void {
  const texts = isJsonObject(value) ? (partsOf[type] ?? []).flatMap((part) => value[part]) : [value];
  for (const text of new Set(texts)) if (typeof text === 'string') indexText(param, text, place, rows);
}

export function indexText(param: number, text: string, place: number, rows: IndexRows): void {
  const { folded, exact, whole } = keysOf(text);
  rows.string.push({ param, place, edge: 0, folded, exact, whole });
}

type TextKeys = Pick<StringRow, 'folded' | 'exact' | 'whole'>;

/** Many resources say the same: names of tests, units, places. */
const keptKeys = new Map<string, TextKeys>();
const keptMax = 1000;
const keptLengthMax = 200;

function keysOf(text: string): TextKeys {
  const known = keptKeys.get(text);
  if (known) return known;
  const whole = foldText(text);
  const folded = foldedKey(whole);
  const made = { folded, exact: digest(text), whole: folded === whole ? null : whole };
  if (text.length <= keptLengthMax) {
    if (keptKeys.size >= keptMax) keptKeys.clear();
    keptKeys.set(text, made);
  }
  return made;
}

export type StringFault = 'empty' | 'too-long';

export function parseString(text: string, modifier: string | undefined): StringTest | StringFault {
  if (modifier === 'exact') return text === '' ? 'empty' : { kind: 'string', match: 'exact', text };
  const folded = foldText(text);
  if (folded === '') return 'empty';
  if (Buffer.byteLength(folded) > foldedBytesMax - 4) return 'too-long';
  return { kind: 'string', match: modifier === 'contains' ? 'contains' : 'start', text: folded };
}

export function stringCondition({ match, text }: StringTest): Sql {
  if (match === 'exact') return sql('i.exact = ?', bytes(digest(text)));
  if (match === 'start') return sql('i.folded BETWEEN ? AND ?', bytes(text), afterAll(text));
  return sql('(LOCATE(?, i.folded) > 0 OR LOCATE(?, i.whole) > 0)', bytes(text), bytes(text));
}

/** Above every text that begins with this one: no UTF-8 holds the byte 0xff. */
export function afterAll(text: string): Buffer {
  return Buffer.concat([bytes(text), Buffer.from([0xff])]);
}
