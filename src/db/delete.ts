/** Deletes a resource with what hangs on its row: every one of them leaves its last version and a tombstone. */
import { fault } from '../fhir/outcome.ts';
import { tables } from '../mapping/tables.ts';
import { newTransactionMark, supersede, type Writing } from './books.ts';
import { after } from './clock.ts';
import { translate } from './errors.ts';
import { guardRow } from './journal/guard.ts';
import { markDeleted } from './mark-deleted.ts';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';
import { removeRows } from './remove-rows.ts';
import type { ResourceRecord, WriteOptions, WriteResult } from './repository.ts';
import { inTransaction } from './transaction.ts';
import { checkIfMatch, lockRecord } from './update.ts';

export async function deleteResource(
  parts: DatabaseParts,
  found: ResourceRecord,
  options: WriteOptions & { readonly cascade: boolean },
): Promise<WriteResult> {
  const tx = newTransactionMark();
  const committed = async (session: Session) => {
    const [row] = await session.rows('SELECT tx FROM fhir_resource WHERE rid = ?', [found.rid]);
    return row !== undefined && Number(row[0]) === tx;
  };
  try {
    return await inTransaction(
      parts.pool,
      { deadline: options.deadline, timeoutMs: parts.timeoutMs, committed, journal: parts.journal },
      async (session) => {
        const current = await lockRecord(parts, session, found);
        checkIfMatch(current, options.ifMatch);
        return removeRecord(
          parts,
          session,
          current,
          { lastUpdated: parts.clock.now(), origin: options.origin, tx },
          options.cascade,
        );
      },
    );
  } catch (failure) {
    throw translate(failure);
  }
}

/** Deletes a locked record, inside the caller's transaction. */
export async function removeRecord(
  parts: DatabaseParts,
  session: Session,
  current: ResourceRecord,
  writing: Writing,
  cascade: boolean,
): Promise<WriteResult> {
  const { source } = current.variant.variant;
  const key = Number(current.stored?.row[source.key]);
  const isPatient = source.patient === 'self';
  const chart = isPatient ? await lockChart(parts, session, key) : [];
  if (isPatient && !cascade) await refuseIfChartHolds(session, key, chart.length);
  if (isPatient) await guardChart(session, key);
  await supersede(session, [current, ...chart]);
  await removeRows(parts, session, current, writing, { taken: 'let go' });
  await markDeleted(session, [current, ...chart], writing);
  const record: ResourceRecord = {
    ...current,
    version: current.version + 1,
    lastUpdated: after(current.lastUpdated, writing.lastUpdated),
    state: 'deleted',
    origin: writing.origin,
    refined: 0,
    overlay: null,
    stored: null,
  };
  return { outcome: 'deleted', record, issues: [] };
}

/** No row of the patient's may be behind, nor one under a report that is no resource itself. */
async function guardChart(session: Session, patientKey: number): Promise<void> {
  guardRow(session, 'Patient', patientKey, true);
  const hidden = await session.rows('SELECT source_key FROM fhir_resource WHERE patient_key = ? AND state = 2', [patientKey]);
  for (const [key] of hidden) guardRow(session, 'Lab_Report', Number(key), true);
}

/** Every living resource of the patient, locked. */
async function lockChart(parts: DatabaseParts, session: Session, patientKey: number): Promise<ResourceRecord[]> {
  const rows = await session.rows(
    "SELECT rid, type, variant FROM fhir_resource WHERE patient_key = ? AND state = 0 AND type <> 'Patient' FOR UPDATE",
    [patientKey],
  );
  const records: ResourceRecord[] = [];
  for (const { all } of parts.registry.mappings) {
    for (const variant of all) {
      const rids = rows
        .filter(([, type, name]) => type === variant.resourceType && name === variant.name)
        .map(([rid]) => Number(rid));
      for (let start = 0; start < rids.length; start += 500) {
        const chunk = rids.slice(start, start + 500);
        const select = parts.select(variant);
        records.push(...select.decode(await session.rows(select.byRids(chunk.length), chunk)));
      }
    }
  }
  return records;
}

/** Rows of types that are not served count as well. */
async function refuseIfChartHolds(session: Session, patientKey: number, resources: number): Promise<void> {
  const holding: string[] = [];
  for (const table of Object.values(tables)) {
    if (table.belongsTo?.table !== 'Patient') continue;
    const [row] = await session.rows(`SELECT 1 FROM ${table.name} WHERE patient_id = ? LIMIT 1`, [patientKey]);
    if (row) holding.push(table.name);
  }
  if (resources === 0 && holding.length === 0) return;
  const text = `The patient's chart is not empty (${resources} resources). Deleting the patient erases the whole chart: delete its resources first, or ask for it with the header X-Cascade: delete.`;
  throw fault('conflict', 'conflict', text, 'Patient');
}
