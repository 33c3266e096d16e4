/** Reference parameters. https://hl7.org/fhir/R4/search.html#reference */
import { isJsonObject } from '../../fhir/json.ts';
import { parseReference } from '../../fhir/references.ts';
import { allOf, bytes, type Sql, sql } from '../condition.ts';
import type { SearchEnv } from '../env.ts';
import { type Leaf, resolvedType } from '../expression.ts';
import { type IndexRows, keyText } from '../index-rows.ts';
import { pushToken } from './token.ts';

export interface ReferenceTest {
  readonly kind: 'reference';
  readonly type?: string;
  /** Of a resource of this server. */
  readonly id?: string;
  /** Anywhere else. */
  readonly url?: string;
}

export interface ReferenceIds {
  readonly own: number;
  /** Logical references, for `:identifier`. */
  readonly identifier: number;
}

export function indexReference(
  ids: ReferenceIds,
  { value, type, place }: Leaf,
  rows: IndexRows,
  env: SearchEnv,
  resource: object,
): void {
  if (typeof value === 'string') {
    rows.reference.push({ param: ids.own, place, edge: 0, type: null, id: null, url: keyText(value) });
    return;
  }
  if (!isJsonObject(value) || type !== 'Reference') return;
  const identifier = value['identifier'];
  if (isJsonObject(identifier)) pushToken(rows, ids.identifier, place, identifier['value'], identifier['system']);
  const text = value['reference'];
  if (typeof text !== 'string') return;
  const target = targetOf(text, env);
  const contained = text.startsWith('#') ? resolvedType(value, { ...resource }) : undefined;
  rows.reference.push({
    param: ids.own,
    place,
    edge: 0,
    type: target.type ?? contained ?? null,
    id: target.id ?? null,
    url: target.url === undefined ? null : keyText(target.url),
  });
}

/** Our own absolute references are the same as relative ones; a version is not looked at. */
function targetOf(text: string, { baseUrl }: SearchEnv): { readonly type?: string; readonly id?: string; readonly url?: string } {
  const parsed = parseReference(text);
  if (parsed?.kind === 'relative') return { type: parsed.type, id: parsed.id };
  if (parsed?.kind !== 'absolute') return { url: text };
  const type = parsed.type === undefined ? {} : { type: parsed.type };
  if (parsed.base === baseUrl && parsed.id !== undefined) return { ...type, id: parsed.id };
  return { ...type, url: text };
}

/** `[id]`, `[type]/[id]`, a URL; with the modifier `:[type]` an id. */
export function parseReferenceValue(text: string, type: string | undefined, env: SearchEnv): ReferenceTest | undefined {
  if (/^[A-Za-z0-9\-.]{1,64}$/.test(text)) return { kind: 'reference', id: text, ...(type === undefined ? {} : { type }) };
  const target = targetOf(text, env);
  if (type !== undefined && target.type !== undefined && target.type !== type) return undefined;
  if (target.id !== undefined && target.type !== undefined) return { kind: 'reference', type: target.type, id: target.id };
  return target.url !== undefined && /^[a-z][a-z0-9+.-]*:\S+$/i.test(text) ? { kind: 'reference', url: text } : undefined;
}

export function referenceCondition({ type, id, url }: ReferenceTest): Sql {
  if (url !== undefined) return sql('i.url = ?', bytes(keyText(url)));
  const parts = id === undefined ? [] : [sql('i.id = ?', id)];
  return allOf([...parts, ...(type === undefined ? [] : [sql('i.type = ?', type)])]);
}
