/** Token parameters: codes, identifiers, flags. https://hl7.org/fhir/R4/search.html#token */
import { isJsonObject, type JsonObject } from '../../fhir/json.ts';
import { allOf, bytes, type Sql, sql } from '../condition.ts';
import type { Leaf } from '../expression.ts';
import { digest, type IndexRows, keyText, systemDigest } from '../index-rows.ts';
import { splitEscaped, unescapeValue } from '../values.ts';
import { indexText } from './string.ts';

export interface TokenTest {
  readonly kind: 'token';
  /** Absent: any code of the system. */
  readonly code?: string;
  /** Absent: any system; null: none. */
  readonly system?: string | null;
}

/** Parameters that stand beside a token parameter in the index. */
export interface TokenIds {
  readonly own: number;
  /** Its texts, for `:text`. */
  readonly text: number;
  /** Identifiers with their types, for `:of-type`. */
  readonly ofType: number;
}

const booleanSystem = 'http://hl7.org/fhir/special-values';

export function indexToken(ids: TokenIds, { value, type, codes, place }: Leaf, rows: IndexRows): void {
  if (typeof value === 'boolean') pushToken(rows, ids.own, place, String(value), booleanSystem);
  else if (typeof value === 'string')
    pushToken(rows, ids.own, place, value, type === 'code' ? implicitSystem(codes, value) : undefined);
  else if (!isJsonObject(value)) return;
  else if (type === 'CodeableConcept') {
    for (const coding of codingsOf(value)) indexCoding(ids, coding, place, rows);
    pushText(rows, ids.text, place, value['text']);
  } else if (type === 'Coding') indexCoding(ids, value, place, rows);
  else if (type === 'Identifier') {
    pushToken(rows, ids.own, place, value['value'], value['system']);
    const typed = value['type'];
    if (!isJsonObject(typed)) return;
    pushText(rows, ids.text, place, typed['text']);
    for (const coding of codingsOf(typed)) {
      if (typeof value['value'] === 'string' && typeof coding['code'] === 'string')
        pushToken(rows, ids.ofType, place, ofTypeCode(coding['code'], value['value']), coding['system']);
    }
  } else if (type === 'ContactPoint') pushToken(rows, ids.own, place, value['value'], undefined);
}

function indexCoding(ids: TokenIds, coding: JsonObject, place: number, rows: IndexRows): void {
  pushToken(rows, ids.own, place, coding['code'], coding['system']);
  pushText(rows, ids.text, place, coding['display']);
}

function pushText(rows: IndexRows, param: number, place: number, text: unknown): void {
  if (typeof text === 'string') indexText(param, text, place, rows);
}

export function pushToken(rows: IndexRows, param: number, place: number, code: unknown, system: unknown): void {
  if (typeof code !== 'string' && typeof system !== 'string') return;
  rows.token.push({
    param,
    place,
    edge: 0,
    code: typeof code === 'string' ? keyText(code) : '',
    system: typeof system === 'string' ? systemDigest(system) : null,
  });
}

function codingsOf(concept: JsonObject): readonly JsonObject[] {
  return Array.isArray(concept['coding']) ? concept['coding'].filter(isJsonObject) : [];
}

function implicitSystem(codes: Leaf['codes'], code: string): string | undefined {
  for (const [system, known] of codes ?? []) if (known.has(code)) return system;
  return undefined;
}

function ofTypeCode(type: string, value: string): string {
  return `${digest(type)}|${value}`;
}

/** `code`, `system|code`, `|code`, `system|`; undefined when it is none of them. */
export function parseToken(text: string): TokenTest | undefined {
  const [first = '', second, ...more] = splitEscaped(text, '|').map(unescapeValue);
  if (more.length > 0) return undefined;
  if (second === undefined) return first === '' ? undefined : { kind: 'token', code: first };
  if (second === '') return first === '' ? undefined : { kind: 'token', system: first };
  return { kind: 'token', code: second, system: first === '' ? null : first };
}

/** `system|code|value`: an identifier of this type. */
export function parseOfType(text: string): TokenTest | undefined {
  const [system = '', code = '', value = '', ...more] = splitEscaped(text, '|').map(unescapeValue);
  if (more.length > 0 || code === '' || value === '') return undefined;
  return { kind: 'token', code: ofTypeCode(code, value), ...(system === '' ? {} : { system }) };
}

export function tokenCondition({ code, system }: TokenTest): Sql {
  const parts: Sql[] = [];
  if (code !== undefined) parts.push(sql('i.code = ?', bytes(keyText(code))));
  if (system === null) parts.push(sql('i.system IS NULL'));
  else if (system !== undefined) parts.push(sql('i.system = ?', bytes(digest(system))));
  return allOf(parts);
}
