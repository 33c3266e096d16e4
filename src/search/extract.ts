/** All values a resource is found by, from the resource exactly as it is served: what search finds follows from what is read. */
import type { JsonObject } from '../fhir/json.ts';
import type { SearchEnv } from './env.ts';
import type { Evaluate, Leaf } from './expression.ts';
import {
  type DateRow,
  type IndexRows,
  noRows,
  parameterId,
  type QuantityRow,
  type StringRow,
  type TokenRow,
} from './index-rows.ts';
import { parametersOf, type SearchParameter } from './parameter.ts';
import { soundexRows } from './phonetic.ts';
import { indexDate } from './type/date.ts';
import { indexQuantity } from './type/quantity.ts';
import { indexReference } from './type/reference.ts';
import { indexString } from './type/string.ts';
import { indexToken } from './type/token.ts';
import { indexUri } from './type/uri.ts';

export function extractIndex(resource: JsonObject, env: SearchEnv): IndexRows {
  const rows = noRows();
  for (const extractor of extractorsOf(String(resource['resourceType']))) {
    const leaves = extractor.evaluate(resource);
    if (leaves.length > 0) indexParameter(extractor, leaves, rows, env, resource);
  }
  markEdges(rows);
  return rows;
}

interface Numbers {
  readonly own: number;
  readonly text: number;
  readonly ofType: number;
  readonly identifier: number;
}

/** What is known of a parameter before there is a resource. */
interface Extractor {
  readonly name: string;
  readonly type: SearchParameter['type'];
  readonly evaluate: Evaluate;
  readonly ids: Numbers;
}

const extractors = new Map<string, readonly Extractor[]>();

function extractorsOf(resourceType: string): readonly Extractor[] {
  const known = extractors.get(resourceType);
  if (known) return known;
  const made = [...parametersOf(resourceType).values()].flatMap(({ name, type, evaluate }): Extractor[] =>
    evaluate ? [{ name, type, evaluate, ids: numbersOf(`${resourceType}.${name}`) }] : [],
  );
  extractors.set(resourceType, made);
  return made;
}

function numbersOf(name: string): Numbers {
  return {
    own: parameterId(name),
    text: parameterId(`${name}:text`),
    ofType: parameterId(`${name}:of-type`),
    identifier: parameterId(`${name}:identifier`),
  };
}

function indexParameter(
  { name, type, ids }: Extractor,
  leaves: readonly Leaf[],
  rows: IndexRows,
  env: SearchEnv,
  resource: JsonObject,
): void {
  const table = type === 'composite' ? undefined : tables[type](rows);
  const before = table?.length ?? 0;
  for (const leaf of leaves) {
    if (name === 'phonetic') soundexRows(ids.own, leaf, rows);
    else if (type === 'token') indexToken(ids, leaf, rows);
    else if (type === 'string') indexString(ids.own, leaf, rows);
    else if (type === 'date') indexDate(ids.own, leaf, rows, env);
    else if (type === 'quantity' || type === 'number') indexQuantity(ids.own, leaf, rows, env);
    else if (type === 'reference') indexReference(ids, leaf, rows, env, resource);
    else if (type === 'uri') indexUri(ids.own, leaf, rows);
  }
  if (table && !hasRowOf(table, ids.own, before)) pushMark(type, ids.own, rows);
}

function hasRowOf(table: readonly { readonly param: number }[], param: number, from: number): boolean {
  for (let at = from; at < table.length; at += 1) if (table[at]?.param === param) return true;
  return false;
}

const tables = {
  token: (rows: IndexRows) => rows.token,
  uri: (rows: IndexRows) => rows.token,
  string: (rows: IndexRows) => rows.string,
  date: (rows: IndexRows) => rows.date,
  number: (rows: IndexRows) => rows.quantity,
  quantity: (rows: IndexRows) => rows.quantity,
  reference: (rows: IndexRows) => rows.reference,
} as const;

/** There is something, although nothing that can be compared: `:missing` must know. */
function pushMark(type: SearchParameter['type'], param: number, rows: IndexRows): void {
  const mark = { param, place: 0, edge: 0 };
  if (type === 'token' || type === 'uri') rows.token.push({ ...mark, code: null, system: null });
  else if (type === 'string') rows.string.push({ ...mark, folded: null, exact: null, whole: null });
  else if (type === 'date') rows.date.push({ ...mark, low: null, high: null });
  else if (type === 'reference') rows.reference.push({ ...mark, type: null, id: null, url: null });
  else if (type !== 'composite') {
    const none = { system: null, code: null, unit: null, canonical: null, canonicalLow: null, canonicalHigh: null };
    rows.quantity.push({ ...mark, low: null, high: null, ...none });
  }
}

/** Marks of each parameter the least value and the greatest, once each, for `_sort`. */
function markEdges(rows: IndexRows): void {
  markTable(rows.token, codeOf, codeOf);
  markTable(rows.string, foldedOf, foldedOf);
  markTable(rows.date, lowOf, highOf);
  markTable(rows.quantity, lowOf, highOf);
}

type Key = string | number | null;

const codeOf = ({ code }: TokenRow): Key => code;
const foldedOf = ({ folded }: StringRow): Key => folded;
const lowOf = ({ low }: DateRow | QuantityRow): Key => low;
const highOf = ({ high }: DateRow | QuantityRow): Key => high;

function markTable<Row extends { readonly param: number; edge: number }>(
  table: readonly Row[],
  leastKey: (row: Row) => Key,
  greatestKey: (row: Row) => Key,
): void {
  const [first] = table;
  if (table.length <= 1) {
    if (first && leastKey(first) !== null) first.edge = 3;
    return;
  }
  const least = new Map<number, Row>();
  const greatest = new Map<number, Row>();
  for (const row of table) {
    if (leastKey(row) === null) continue;
    const low = least.get(row.param);
    const high = greatest.get(row.param);
    if (!low || compare(leastKey(row), leastKey(low)) < 0) least.set(row.param, row);
    if (!high || compare(greatestKey(row), greatestKey(high)) > 0) greatest.set(row.param, row);
  }
  for (const row of least.values()) row.edge |= 1;
  for (const row of greatest.values()) row.edge |= 2;
}

/** Texts as the database orders them: by their UTF-8 bytes. */
function compare(a: Key, b: Key): number {
  if (typeof a === 'string' && typeof b === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return Number(a) - Number(b);
}
