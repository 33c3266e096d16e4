/** Inserts many new resources of rows that are there: their resource rows and what the change feed says of them. */
import { enterChanges, overlayText } from './books.ts';
import { insertManyReturning } from './bulk-insert.ts';
import { withoutNotes } from './index-fresh.ts';
import type { DatabaseParts } from './parts.ts';
import type { Bound, Session } from './pool.ts';
import { patientKeyOf } from './relative-versions.ts';
import type { ResourceRecord } from './repository.ts';
import { datetimeOf } from './select.ts';

/** Before it has its number. */
export type NewRecord = Omit<ResourceRecord, 'rid'>;

const columns = 'type, id, variant, source_key, patient_key, version, last_updated, state, tx, refined, origin, overlay'.split(
  ', ',
);

/** Answers in the order given. */
export async function insertResourceRows(
  { insertReturns }: Pick<DatabaseParts, 'insertReturns'>,
  session: Session,
  records: readonly NewRecord[],
  tx: number,
): Promise<readonly ResourceRecord[]> {
  const rows = records.map((record): Bound[] => [
    record.resourceType,
    record.id,
    record.variant.name,
    Number(record.stored?.row[record.variant.variant.source.key]),
    patientKeyOf(record),
    record.version,
    datetimeOf(record.lastUpdated),
    0,
    tx,
    record.refined,
    record.origin,
    overlayText(record.overlay),
  ]);
  const rids = await insertManyReturning(session, 'fhir_resource', 'rid', columns, rows, insertReturns);
  return records.map((record, at) => ({ ...record, rid: rids[at] ?? 0 }));
}

export async function enterNew(session: Session, records: readonly ResourceRecord[]): Promise<void> {
  await enterChanges(
    session,
    records.map((record) => ({ rid: record.rid, version: record.version, patientKey: patientKeyOf(record) })),
  );
}

/**
 * All of it, and the search index of those whose content depends on their rows alone; the others, which come first, are noted for it.
 * Answers rids in the order given.
 */
export async function insertIndexed(
  parts: DatabaseParts,
  session: Session,
  records: readonly NewRecord[],
  tx: number,
): Promise<readonly number[]> {
  const rids = new Map<NewRecord, number>();
  for (const isIndexed of [false, true]) {
    const group = records.filter(({ variant }) => parts.index.covers(variant) === isIndexed);
    if (group.length === 0) continue;
    if (isIndexed) await withoutNotes(session, tx);
    const made = await insertResourceRows(parts, session, group, tx);
    if (isIndexed) await parts.index.insert(session, made);
    await enterNew(session, made);
    group.forEach((record, at) => {
      rids.set(record, made[at]?.rid ?? 0);
    });
  }
  return records.map((record) => rids.get(record) ?? 0);
}
