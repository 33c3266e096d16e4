/**
 * Keeps the gateway's own writes behind MediMax's: a transaction that ends a version must not commit while the journal holds something of the
 * same rows, or the two versions would change places. It holds the locks of these resources, so whatever was noted before is still there.
 */
import { type TableName, tables } from '../../mapping/tables.ts';
import type { Session } from '../pool.ts';
import type { ResourceRecord } from '../repository.ts';
import { entryColumns, entryOf, type JournalEntry } from './entry.ts';
import type { Guarded } from './guarded.ts';

/** Something of these rows must be entered first: the whole transaction is to be run again after that. */
export class BehindJournal extends Error {}

/** With so many entries waiting it is no use to ask which rows they are of. */
const entriesMax = 1000;

/** A version of this record ends with the transaction. */
export function guardRecord(session: Session, { variant, stored }: ResourceRecord): void {
  const { guarded } = session;
  if (!guarded || !stored) return;
  const { source } = variant.variant;
  const patient = stored.row['patient_id'];
  if (source.rowless) {
    if (typeof patient === 'number') guard(guarded, 'Patient', patient, false);
    return;
  }
  guard(guarded, source.table, Number(stored.row[source.key]), source.child !== undefined && !source.child.linked);
  for (const { row } of source.child ? stored.children : [])
    guard(guarded, source.child?.table ?? source.table, Number(row[source.child?.key ?? '']), false);
  if (source.parent) guard(guarded, source.parent.table, Number(stored.row[source.parent.foreignKey]), false);
}

/** Nothing of this row may be behind; `below`: nor of the rows that belong to it. */
export function guardRow(session: Session, table: TableName, key: number, below = false): void {
  if (session.guarded) guard(session.guarded, table, key, below);
}

function guard(guarded: Guarded, table: TableName, key: number, below: boolean): void {
  const name = `${table}/${key}`;
  guarded.set(name, { below: below || (guarded.get(name)?.below ?? false) });
}

/** Run last in the transaction. @throws BehindJournal */
export async function refuseIfBehind(session: Session, guarded: Guarded): Promise<void> {
  if (guarded.size === 0) return;
  const rows = await session.rows(`SELECT ${entryColumns.replace('doc', 'NULL')} FROM fhir_journal LIMIT ${entriesMax + 1}`);
  if (rows.length > entriesMax || rows.some((row) => concerns(guarded, entryOf(row)))) throw new BehindJournal();
}

function concerns(guarded: Guarded, { table, key, above }: JournalEntry): boolean {
  if (guarded.has(`${table}/${key}`)) return true;
  const { belongsTo } = tables[table];
  return belongsTo !== undefined && above !== null && (guarded.get(`${belongsTo.table}/${above}`)?.below ?? false);
}
