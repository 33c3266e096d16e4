/** Looks up many identifiers at once in the search index: what `findByIdentifier` does for one. */
import { digest, keyText, parameterId } from '../search/index-rows.ts';
import { rowsOfParts } from './in-list.ts';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';

export interface SoughtIdentifier {
  readonly system: string;
  readonly value: string;
}

/** Keys of the living resources of a type that have each identifier, in the order of the identifiers. */
export async function findByIdentifiers(
  parts: Pick<DatabaseParts, 'findByIdentifier'>,
  session: Session,
  resourceType: string,
  identifiers: readonly SoughtIdentifier[],
): Promise<readonly (readonly number[])[]> {
  const [first, ...others] = identifiers;
  if (!first) return [];
  // The look-up of the first one brings the index up to date for all.
  const found = [await parts.findByIdentifier(session, resourceType, first.system, first.value)];
  const keys = new Map<string, Set<number>>();
  const rows = await rowsOfParts(
    session,
    'SELECT HEX(i.code), HEX(i.system), r.source_key FROM fhir_search_token i JOIN fhir_resource r ON r.rid = i.rid AND r.state = 0 WHERE i.param = ? AND i.code IN (?)',
    others.map(({ value }) => Buffer.from(keyText(value))),
    { before: [parameterId(`${resourceType}.identifier`)] },
  );
  for (const [code, system, key] of rows) {
    const name = `${code}|${system}`;
    const known = keys.get(name) ?? new Set();
    keys.set(name, known.add(Number(key)));
  }
  const hex = (text: string) => Buffer.from(text).toString('hex').toUpperCase();
  for (const { system, value } of others) found.push([...(keys.get(`${hex(keyText(value))}|${hex(digest(system))}`) ?? [])]);
  return found;
}
