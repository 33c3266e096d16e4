/** A parent row that several resources share (Lab_Report): found or created by its columns, never edited, removed when the gateway made it and it is empty. */
import type { CompiledVariant } from '../mapping/compile.ts';
import { tables } from '../mapping/tables.ts';
import type { Columns, ColumnValue, ParentSource } from '../mapping/types.ts';
import { insertResource, type Writing } from './books.ts';
import { guardRow } from './journal/guard.ts';
import type { Session } from './pool.ts';
import { insertRow } from './rows.ts';

/** The columns by which a shared parent is one and the same: all but its key and its timestamps. */
export function identifying(parent: ParentSource): readonly string[] {
  return Object.entries(tables[parent.table].columns)
    .filter(([name, column]) => name !== parent.key && column.type !== 'timestamp')
    .map(([name]) => name);
}

/**
 * The row with exactly these columns, byte for byte; made when there is none. Works under a lock on the patient's resource, so that
 * two writers do not make two. A row made here is kept as state 2 until a client sends the resource for it. A row whose resource's client
 * has listed what lies under it is not found: that list is whole.
 */
export async function findOrCreateParent(
  session: Session,
  parent: ParentSource,
  wanted: Columns,
  writing: Writing,
  timestamp: string,
  except?: number,
): Promise<Columns> {
  const columns = identifying(parent);
  const patientKey = Number(wanted['patient_id']);
  await lockPatient(session, patientKey);
  const all = Object.keys(tables[parent.table].columns);
  const tests = columns.map((column) =>
    tables[parent.table].columns[column]?.type === 'varchar'
      ? `CAST(${column} AS BINARY) <=> CAST(? AS BINARY)`
      : `${column} <=> ?`,
  );
  const values = columns.map((column): ColumnValue => wanted[column] ?? null);
  const alike = await session.rows(
    `SELECT ${[...all, isListedSql(parent)].join(', ')} FROM ${parent.table} t WHERE ${tests.join(' AND ')} ORDER BY ${parent.key} FOR UPDATE`,
    values,
  );
  const found = alike.find((row) => !row[all.length] && row[all.indexOf(parent.key)] !== except);
  if (found) {
    guardRow(session, parent.table, Number(found[all.indexOf(parent.key)]));
    return Object.fromEntries(all.map((column, index) => [column, found[index] ?? null]));
  }

  const row: Record<string, ColumnValue> = {};
  for (const column of all) {
    if (column === parent.key) continue;
    row[column] = columns.includes(column) ? (wanted[column] ?? null) : timestamp;
  }
  const key = await insertRow(session, parent.table, row);
  if (parent.resourceType && parent.idPrefix) {
    const id = `${parent.idPrefix}-${key}`;
    const resource = {
      resourceType: parent.resourceType,
      id,
      variantName: parent.table,
      sourceKey: key,
      patientKey,
      refined: 0,
      overlay: null,
    };
    await insertResource(session, { ...resource, state: 2 }, writing);
  }
  return { ...row, [parent.key]: key };
}

/** 1 where a client has listed the rows below; a scalar subquery, which takes no lock. `t` is the parent row. */
export function isListedSql({ resourceType, table, key, listedBy }: ParentSource): string {
  if (!listedBy || !resourceType) return '0';
  return `(SELECT JSON_EXTRACT(x.overlay, '$.refined.${listedBy}') IS NOT NULL FROM fhir_resource x WHERE x.type = '${resourceType}' AND x.variant = '${table}' AND x.source_key = t.${key})`;
}

/** Whether a client has listed what lies under this row. */
export async function isListed(session: Session, parent: ParentSource, key: number): Promise<boolean> {
  if (!parent.listedBy) return false;
  const [row] = await session.rows(`SELECT ${isListedSql(parent)} FROM ${parent.table} t WHERE t.${parent.key} = ?`, [key]);
  return Number(row?.[0] ?? 0) === 1;
}

/** Parent rows first, as MediMax locks them when it changes one: before the rows below and all resources. */
export async function lockParents(session: Session, { table, key }: ParentSource, keys: readonly number[]): Promise<void> {
  const sorted = [...new Set(keys)].sort((a, b) => a - b);
  if (sorted.length === 0) return;
  const marks = sorted.map(() => '?').join(', ');
  await session.once(`SELECT ${key} FROM ${table} WHERE ${key} IN (${marks}) ORDER BY ${key} FOR UPDATE`, sorted);
}

/** Writers of one patient's reports and results go one after another. */
export async function lockPatient(session: Session, patientKey: number): Promise<void> {
  await session.rows(
    "SELECT rid FROM fhir_resource WHERE type = 'Patient' AND variant = 'Patient' AND source_key = ? FOR UPDATE",
    [patientKey],
  );
}

/**
 * Removes the parent row when the gateway made it for others and none is left. The row is locked before it is looked under: whoever
 * is putting another row there is waited for, as its row would fall with this one.
 */
export async function removeIfEmpty(session: Session, { variant }: CompiledVariant, parentKey: number): Promise<void> {
  const { parent, table } = variant.source;
  if (!parent?.shared || !parent.resourceType) return;
  const ofOthers = 'FROM fhir_resource WHERE type = ? AND variant = ? AND source_key = ? AND state = 2';
  const name = [parent.resourceType, parent.table, parentKey];
  const [kept] = await session.rows(`SELECT rid ${ofOthers}`, name);
  if (!kept) return;
  await session.rows(`SELECT ${parent.key} FROM ${parent.table} WHERE ${parent.key} = ? FOR UPDATE`, [parentKey]);
  const [still] = await session.rows(`SELECT rid ${ofOthers} FOR UPDATE`, name);
  const [child] = await session.rows(`SELECT 1 FROM ${table} WHERE ${parent.foreignKey} = ? LIMIT 1`, [parentKey]);
  if (!still || child) return;
  await session.modify(`DELETE FROM ${parent.table} WHERE ${parent.key} = ?`, [parentKey]);
  await session.modify('DELETE FROM fhir_resource WHERE rid = ?', [Number(still[0])]);
}
