/**
 * Rows that lie under a parent row whose own resource lists them: findings of a report. They are taken in, let go or kept without a row; what
 * their resources say does not change by that, so it makes no versions of them: only what is kept beside the columns is written anew.
 */
import { fault } from '../fhir/outcome.ts';
import type { CompiledVariant } from '../mapping/compile.ts';
import type { JsonObject } from '../mapping/lift.ts';
import { neededReferences } from '../mapping/plan.ts';
import type { ChildSource, Columns, StoredChild } from '../mapping/types.ts';
import type { Writing } from './books.ts';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';
import { patientKeyOf } from './relative-versions.ts';
import { variantOfChildRows } from './relatives.ts';
import type { ResourceRecord } from './repository.ts';
import { addressOf } from './resolve-references.ts';
import { type Holder, regainRow, restate, type Taken } from './restate.ts';
import { updateRow } from './rows.ts';
import { datetimeOf } from './select.ts';
import { findOrCreateParent, lockParents, lockPatient, removeIfEmpty } from './shared-parent.ts';

export interface TakenIn {
  readonly children: readonly StoredChild[];
  /** Ids it names that have no row now: they come under it when they get one. */
  readonly open: readonly string[];
}

/** What `taken` children are: their variant and where they hang. */
export function takenChildren(parts: DatabaseParts, variant: CompiledVariant): Taken | null {
  const { child } = variant.variant.source;
  const childVariant = child?.taken ? variantOfChildRows(parts.registry, variant) : undefined;
  return child && childVariant ? { child, variant: childVariant } : null;
}

/** Ids of the resources that a resource names as its taken children. */
export function idsNamed(parts: DatabaseParts, variant: CompiledVariant, lifted: JsonObject): readonly string[] {
  const needed = neededReferences(variant, lifted).filter(({ optional }) => optional);
  const ids = needed.flatMap(({ reference }) => addressOf(reference.reference, parts.references.baseUrl)?.id ?? []);
  return [...new Set(ids)];
}

/**
 * Puts the rows of these resources under the holder, unless they lie under a report of somebody else's: a row lies under one.
 * @throws FhirError 422 for a resource of another patient
 */
export async function takeIn(
  parts: DatabaseParts,
  session: Session,
  holder: Holder,
  ids: readonly string[],
  writing: Writing,
): Promise<TakenIn> {
  const taken = takenChildren(parts, holder.variant);
  if (!taken || ids.length === 0) return { children: [], open: [] };
  const patientKey = Number(holder.row['patient_id']);
  await lockPatient(session, patientKey);
  const marks = ids.map(() => '?').join(', ');
  const found = await session.once(
    `SELECT id, variant, source_key, rid FROM fhir_resource WHERE type = ? AND state = 0 AND id IN (${marks})`,
    [taken.variant.resourceType, ...ids],
  );
  const withRow = found.filter(([, name, key]) => name === taken.variant.name && key !== null).map(([, , key]) => Number(key));
  await lockAbove(session, taken, withRow, holder.key);
  const records = await recordsBy(parts, session, taken.variant, taken.child.key, withRow);
  for (const record of records) refuseOtherPatient(holder, record, patientKey);
  const free = await hiddenParents(session, taken, records);
  const children: StoredChild[] = [];
  const emptied = new Set<number>();
  for (const record of records) {
    const from = Number(record.stored?.row[taken.child.foreignKey]);
    if (from !== holder.key && !free.has(from)) continue;
    if (from !== holder.key) emptied.add(from);
    children.push(await moveUnder(parts, session, taken, record, holder.row, holder.key));
  }
  for (const key of emptied) await removeIfEmpty(session, taken.variant, key);
  const open = ids.filter((id) => !found.some(([other, , key]) => other === id && key !== null));
  const kept = found.filter(([, , key]) => key === null).map(([, , , rid]) => Number(rid));
  for (const record of await keptRecords(parts, session, taken.variant.resourceType, kept)) {
    const child = await regainRow(parts, session, taken, record, holder, writing);
    if (child) children.push(child);
  }
  const there = new Set(children.map(({ id }) => id));
  return { children: inOrder(taken.child, children), open: open.filter((id) => !there.has(id)) };
}

/** Those of the ids whose resources have no row (or are not there). */
export async function withoutRow(session: Session, resourceType: string, ids: readonly string[]): Promise<readonly string[]> {
  if (ids.length === 0) return [];
  const rows = await session.once(
    `SELECT id FROM fhir_resource WHERE type = ? AND state = 0 AND source_key IS NOT NULL AND id IN (${ids.map(() => '?').join(', ')})`,
    [resourceType, ...ids],
  );
  const there = new Set(rows.map(([id]) => String(id)));
  return ids.filter((id) => !there.has(id));
}

/** Puts rows of a report under another one that looks the same, made for them where there is none; `except` is the report they leave. */
export async function letGo(
  parts: DatabaseParts,
  session: Session,
  holder: Holder,
  records: readonly ResourceRecord[],
  writing: Writing,
): Promise<void> {
  const taken = takenChildren(parts, holder.variant);
  const parent = taken?.variant.variant.source.parent;
  if (!taken || !parent) return;
  for (const record of records) {
    const timestamp = String(holder.row['created_at'] ?? datetimeOf(writing.lastUpdated).slice(0, 19));
    const row = await findOrCreateParent(session, parent, holder.row, writing, timestamp, holder.key);
    await moveUnder(parts, session, taken, record, row, Number(row[parent.key]));
  }
}

/** The records of all rows under this one, locked. */
export async function recordsUnder(parts: DatabaseParts, session: Session, holder: Holder): Promise<readonly ResourceRecord[]> {
  const taken = takenChildren(parts, holder.variant);
  return taken ? recordsBy(parts, session, taken.variant, taken.child.foreignKey, [holder.key]) : [];
}

/** What hangs on the row now. */
export async function childrenUnder(parts: DatabaseParts, session: Session, holder: Holder): Promise<readonly StoredChild[]> {
  const taken = takenChildren(parts, holder.variant);
  const records = await recordsUnder(parts, session, holder);
  const children = records.flatMap(({ stored, id }): StoredChild[] => (stored ? [{ row: stored.row, id }] : []));
  return taken ? inOrder(taken.child, children) : [];
}

/** The living report of this key, locked with its findings; null where it is none, or not served. */
export async function lockHolder(
  parts: DatabaseParts,
  session: Session,
  resourceType: string,
  table: string,
  key: number,
): Promise<ResourceRecord | null> {
  const variant = parts.registry.variant(resourceType, table);
  if (!variant) return null;
  const [record] = await recordsBy(parts, session, variant, variant.variant.source.key, [key]);
  return record ?? null;
}

export function inOrder(child: ChildSource, children: readonly StoredChild[]): readonly StoredChild[] {
  return children.toSorted((a, b) => Number(a.row[child.key]) - Number(b.row[child.key]));
}

async function recordsBy(
  parts: DatabaseParts,
  session: Session,
  variant: CompiledVariant,
  column: string,
  keys: readonly number[],
): Promise<readonly ResourceRecord[]> {
  const records: ResourceRecord[] = [];
  const sorted = [...new Set(keys)].sort((a, b) => a - b);
  for (let start = 0; start < sorted.length; start += 100) {
    const chunk = sorted.slice(start, start + 100);
    const select = parts.select(variant);
    records.push(...select.decode(await session.rows(select.lockBy(column, chunk.length), chunk)));
  }
  return records;
}

async function keptRecords(
  parts: DatabaseParts,
  session: Session,
  resourceType: string,
  rids: readonly number[],
): Promise<readonly ResourceRecord[]> {
  const kept = parts.registry.get(resourceType)?.kept;
  return kept ? recordsBy(parts, session, kept, kept.variant.source.key, rids) : [];
}

/** The rows that these lie under, and the one they come under. */
async function lockAbove(session: Session, { child, variant }: Taken, keys: readonly number[], to: number): Promise<void> {
  const { parent } = variant.variant.source;
  if (!parent || keys.length === 0) return;
  const marks = keys.map(() => '?').join(', ');
  const above = await session.once(`SELECT ${child.foreignKey} FROM ${child.table} WHERE ${child.key} IN (${marks})`, keys);
  await lockParents(session, parent, [to, ...above.map(([key]) => Number(key))]);
}

function refuseOtherPatient({ variant }: Holder, record: ResourceRecord, patientKey: number): void {
  if (patientKeyOf(record) === patientKey) return;
  const text = `${record.resourceType}/${record.id} belongs to another patient than this ${variant.resourceType}`;
  throw fault('unprocessable', 'business-rule', text, `${variant.resourceType}.result`);
}

/** Keys of parent rows that the gateway made for others: what lies there has no report of its own. */
async function hiddenParents(
  session: Session,
  { child, variant }: Taken,
  records: readonly ResourceRecord[],
): Promise<ReadonlySet<number>> {
  const { parent } = variant.variant.source;
  const keys = [...new Set(records.map(({ stored }) => Number(stored?.row[child.foreignKey])))];
  if (!parent?.resourceType || keys.length === 0) return new Set();
  const rows = await session.once(
    `SELECT source_key FROM fhir_resource WHERE type = ? AND variant = ? AND state = 2 AND source_key IN (${keys.map(() => '?').join(', ')})`,
    [parent.resourceType, parent.table, ...keys],
  );
  return new Set(rows.map(([key]) => Number(key)));
}

async function moveUnder(
  parts: DatabaseParts,
  session: Session,
  { child, variant }: Taken,
  record: ResourceRecord,
  parent: Columns,
  parentKey: number,
): Promise<StoredChild> {
  const before = record.stored;
  if (!before) throw new Error(`${record.resourceType}/${record.id} has no row`);
  const row = { ...before.row, [child.foreignKey]: parentKey };
  if (before.row[child.foreignKey] !== parentKey) {
    await updateRow(session, variant.variant.source.table, Number(row[child.key]), { [child.foreignKey]: parentKey });
    await restate(parts, session, record, { ...before, row, parent });
  }
  return { row, id: record.id };
}
