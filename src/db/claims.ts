/** Claims: what reports name that has no row under them yet. A row that comes is put under the first report of its patient that claims it. */
import { valueLists } from './books.ts';
import { rowsOfParts } from './in-list.ts';
import type { Bound, Session } from './pool.ts';

/** The report that claims a resource: its own rid and row. */
export interface Claim {
  readonly rid: number;
  readonly sourceKey: number;
}

/** By id of the resource; only reports that have a row and belong to this patient count. */
export async function claimsOn(
  session: Session,
  resourceType: string,
  ids: readonly string[],
  parent: { readonly resourceType: string; readonly table: string },
): Promise<ReadonlyMap<string, readonly (Claim & { readonly patientKey: number })[]>> {
  const rows = await rowsOfParts(
    session,
    'SELECT c.id, r.rid, r.source_key, r.patient_key FROM fhir_claim c JOIN fhir_resource r ON r.rid = c.rid ' +
      'WHERE c.type = ? AND c.id IN (?) AND r.type = ? AND r.variant = ? AND r.state = 0 AND r.source_key IS NOT NULL ORDER BY c.rid',
    ids,
    { before: [resourceType], after: [parent.resourceType, parent.table] },
  );
  const claims = rows.map(([id, rid, sourceKey, patientKey]) => ({
    id: String(id),
    rid: Number(rid),
    sourceKey: Number(sourceKey),
    patientKey: Number(patientKey),
  }));
  return Map.groupBy(claims, ({ id }) => id);
}

/** From now on this report claims these, and nothing else that it claimed before. */
export async function replaceClaims(session: Session, rid: number, resourceType: string, ids: readonly string[]): Promise<void> {
  await session.modify('DELETE FROM fhir_claim WHERE rid = ?', [rid]);
  await addClaims(session, rid, resourceType, ids);
}

export async function addClaims(session: Session, rid: number, resourceType: string, ids: readonly string[]): Promise<void> {
  const distinct = [...new Set(ids)];
  if (distinct.length === 0) return;
  await session.once(
    `INSERT IGNORE INTO fhir_claim (type, id, rid) VALUES ${valueLists(distinct.length, 3)}`,
    distinct.flatMap((id): Bound[] => [resourceType, id, rid]),
  );
}

/** It has its row: who else named it keeps the mere reference. */
export async function dropClaims(session: Session, resourceType: string, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await session.once(`DELETE FROM fhir_claim WHERE type = ? AND id IN (${ids.map(() => '?').join(', ')})`, [
    resourceType,
    ...ids,
  ]);
}
