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

export function indexToken(ids: TokenIds, leaf: Leaf, rows: IndexRows): void {
  const { value, place } = leaf;
  const add = (code: unknown, system: unknown) => pushToken(rows, ids.own, place, code, system);
  const text = (said: unknown) => {
    if (typeof said === 'string') indexText(ids.text, said, place, rows);
  };
  if (typeof value === 'boolean') add(String(value), booleanSystem);
  else if (typeof value === 'string') add(value, leaf.type === 'code' ? implicitSystem(leaf, value) : undefined);
  else if (!isJsonObject(value)) return;
  else if (leaf.type === 'CodeableConcept') {
    for (const coding of codingsOf(value)) {
      add(coding['code'], coding['system']);
      text(coding['display']);
    }
    text(value['text']);
  } else if (leaf.type === 'Coding') {
    add(value['code'], value['system']);
    text(value['display']);
  } else if (leaf.type === 'Identifier') {
    add(value['value'], value['system']);
    const type = value['type'];
    if (!isJsonObject(type)) return;
    text(type['text']);
    for (const coding of codingsOf(type)) {
      if (typeof value['value'] === 'string' && typeof coding['code'] === 'string')
        pushToken(rows, ids.ofType, place, ofTypeCode(coding['code'], value['value']), coding['system']);
    }
  } else if (leaf.type === 'ContactPoint') add(value['value'], undefined);
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

function implicitSystem({ codes }: Leaf, code: string): string | undefined {
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
