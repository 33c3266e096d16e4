/** The gateway's books of its own writes: superseded versions, resource rows, the change feed. The triggers keep them for MediMax's. */
import { randomInt } from 'node:crypto';
import { stringifyJson } from '../fhir/json.ts';
import type { Overlay } from '../mapping/compile.ts';
import { insertMany } from './bulk-insert.ts';
import { guardRecord } from './journal/guard.ts';
import type { Bound, Session } from './pool.ts';
import type { ResourceRecord } from './repository.ts';
import { datetimeOf } from './select.ts';

/** A random mark of one transaction, above every connection id (which marks MediMax's statements). */
export function newTransactionMark(): number {
  return 2 ** 40 + randomInt(2 ** 47);
}

/** `(?, ?), (?, ?)` for so many rows of so many values. */
export function valueLists(rows: number, columns: number): string {
  const one = `(${Array.from({ length: columns }, () => '?').join(', ')})`;
  return Array.from({ length: rows }, () => one).join(', ');
}

export function overlayText(overlay: Overlay | null): string | null {
  return overlay === null ? null : stringifyJson(overlay);
}

/** Writes the given versions, about to be superseded, as documents. */
export async function supersede(session: Session, records: readonly ResourceRecord[]): Promise<void> {
  for (const record of records) guardRecord(session, record);
  if (session.gathered) {
    session.gathered.superseded.push(...records);
    return;
  }
  await insert(
    session,
    'fhir_version',
    ['rid', 'version', 'variant', 'last_updated', 'state', 'refined', 'origin', 'doc', 'overlay'],
    records.map((record) => [
      record.rid,
      record.version,
      record.variant.name,
      datetimeOf(record.lastUpdated),
      record.state === 'living' ? 0 : 1,
      record.refined,
      record.origin,
      record.stored === null ? null : JSON.stringify(record.stored),
      overlayText(record.overlay),
    ]),
  );
}

export interface NewResource {
  readonly resourceType: string;
  readonly id: string;
  readonly variantName: string;
  /** Null for what has no row. */
  readonly sourceKey: number | null;
  readonly patientKey: number | null;
  readonly refined: number;
  readonly overlay: Overlay | null;
  /** 2: a row kept for others, not served as a resource of its own. */
  readonly state?: 0 | 2;
}

export interface Writing {
  readonly lastUpdated: string;
  readonly origin: string;
  readonly tx: number;
}

/** Inserts resource rows at version 1; returns the first rid (the others follow only where the server numbers them so: not assumed). */
export async function insertResource(session: Session, resource: NewResource, writing: Writing): Promise<number> {
  const { insertId } = await session.modify(
    'INSERT INTO fhir_resource (type, id, variant, source_key, patient_key, version, last_updated, state, tx, refined, origin, overlay) ' +
      'VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?)',
    [
      resource.resourceType,
      resource.id,
      resource.variantName,
      resource.sourceKey,
      resource.patientKey,
      datetimeOf(writing.lastUpdated),
      resource.state ?? 0,
      writing.tx,
      resource.refined,
      writing.origin,
      overlayText(resource.overlay),
    ],
  );
  return insertId;
}

export interface Change {
  readonly rid: number;
  readonly version: number;
  readonly patientKey: number | null;
}

/** Enters new versions into the change feed; their place in the sequence is given after the commit. */
export async function enterChanges(session: Session, changes: readonly Change[]): Promise<void> {
  if (session.gathered) {
    session.gathered.changes.push(...changes);
    return;
  }
  await insert(
    session,
    'fhir_change',
    ['rid', 'version', 'patient_key'],
    changes.map((change) => [change.rid, change.version, change.patientKey]),
  );
}

/** Prepared for the one row of a single write; a statement for each number of rows would only fill the caches on both sides. */
async function insert(
  session: Session,
  table: string,
  columns: readonly string[],
  rows: readonly (readonly Bound[])[],
): Promise<void> {
  const [only] = rows;
  if (rows.length === 1 && only)
    await session.modify(`INSERT INTO ${table} (${columns.join(', ')}) VALUES ${valueLists(1, columns.length)}`, only);
  else await insertMany(session, table, columns, rows);
}
