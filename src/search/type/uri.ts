/** URI parameters, kept with the tokens. https://hl7.org/fhir/R4/search.html#uri */
import { anyOf, bytes, type Sql, sql } from '../condition.ts';
import type { Leaf } from '../expression.ts';
import { type IndexRows, keyText } from '../index-rows.ts';
import { afterAll } from './string.ts';
import { pushToken } from './token.ts';

export interface UriTest {
  readonly kind: 'uri';
  readonly match: 'exact' | 'above' | 'below';
  readonly uri: string;
}

export function indexUri(param: number, { value, place }: Leaf, rows: IndexRows): void {
  pushToken(rows, param, place, value, undefined);
}

/** `:below` is the URI itself or what continues it after a slash, `:above` the other way round. */
export function uriCondition({ match, uri }: UriTest): Sql {
  const exact = sql('i.code = ?', bytes(keyText(uri)));
  const bare = uri.replace(/\/+$/, '');
  if (match === 'below') return anyOf([exact, sql('i.code BETWEEN ? AND ?', bytes(`${bare}/`), afterAll(`${bare}/`))]);
  if (match === 'exact') return exact;
  const above = [...bare.matchAll(/\//g)].map(({ index }) => bare.slice(0, index)).filter((part) => /[^:/]\/?[^:/]$/.test(part));
  return anyOf([exact, ...above.map((part) => sql('i.code = ?', bytes(keyText(part))))]);
}
