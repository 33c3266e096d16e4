/** Who a patient is, as far as a dry run has come: the identifiers of those whom it would have made. */
import type { Session } from '../db/pool.ts';
import type { Predicted } from './keep-aliases.ts';
import { addressKey, findAliases, type Identifier, identifierDigest, identifiersOf, type Known } from './look-up.ts';
import type { Parsed } from './parse-line.ts';

/** No resource type. */
const identifierType = '#identifier';

export function predictedIdentifiers({ resource }: Parsed, localId: string): readonly Predicted[] {
  return identifiersOf(resource).map((identifier) => ({
    id: identifierDigest(identifier),
    type: identifierType,
    localType: 'Patient',
    localId,
    digest: null,
    lineNo: 0,
  }));
}

/** By `system|value`. They have no row: their key is a stand-in. */
export async function predictedPatients(
  session: Session,
  source: string,
  identifiers: readonly Identifier[],
): Promise<readonly (readonly [name: string, patients: readonly Known[]])[]> {
  const aliases = await findAliases(session, source, identifiers.map(identifierDigest));
  const rids = new Map<string, number>();
  return identifiers.flatMap((identifier): [string, Known[]][] => {
    const id = aliases.get(addressKey(identifierType, identifierDigest(identifier)))?.localId;
    if (!id) return [];
    const rid = rids.get(id) ?? -1 - rids.size;
    rids.set(id, rid);
    const known = { rid, type: 'Patient', id, variant: 'Patient', key: 0, state: 0, version: 0, origin: '', digest: null };
    return [[`${identifier.system}|${identifier.value}`, [{ ...known, jobId: null, lineNo: 0, alias: false }]]];
  });
}
