/** Finds or creates the shared parent rows (Lab_Report) of many rows at once: what shared-parent.ts does for one. */
import { tables } from '../mapping/tables.ts';
import type { Columns, ColumnValue, ParentSource } from '../mapping/types.ts';
import type { Writing } from './books.ts';
import { insertMany, insertManyReturning } from './bulk-insert.ts';
import { inList } from './in-list.ts';
import { guardRow } from './journal/guard.ts';
import type { Bound, Session } from './pool.ts';
import { datetimeOf } from './select.ts';
import { isListedSql } from './shared-parent.ts';

export interface FoundParents {
  /** The parent row of each wanted set of columns, in the same order. */
  readonly rows: readonly Columns[];
  /** Keys of those that were there before. */
  readonly old: readonly number[];
}

/** Locks the resources of the patients in the order of their keys. */
export async function findOrCreateParents(
  session: Session,
  parent: ParentSource,
  wanted: readonly Columns[],
  writing: Writing,
  timestamp: string,
  canReturn: boolean,
): Promise<FoundParents> {
  const described = Object.entries(tables[parent.table].columns);
  const all = described.map(([name]) => name);
  const identifying = described.filter(([name, { type }]) => name !== parent.key && type !== 'timestamp').map(([name]) => name);
  const markOf = (row: Columns) => JSON.stringify(identifying.map((column) => row[column] ?? null));

  const open = new Map<string, Columns>();
  for (const columns of wanted) open.set(markOf(columns), columns);
  const patients = [...new Set([...open.values()].map((columns) => Number(columns['patient_id'])))].sort((a, b) => a - b);
  const found = new Map<string, Columns>();
  if (patients.length > 0) {
    await session.once(
      "SELECT rid FROM fhir_resource WHERE type = 'Patient' AND variant = 'Patient' AND source_key IN (?) ORDER BY source_key FOR UPDATE",
      inList(patients),
    );
    const days = described.filter(([, { type }]) => type === 'date').map(([name]) => name);
    const [day] = days;
    const values = day ? [...new Set([...open.values()].map((columns) => String(columns[day])))] : [];
    const rows = await session.once(
      `SELECT ${all.join(', ')}, ${isListedSql(parent)} FROM ${parent.table} t WHERE patient_id IN (?)${day ? ` AND ${day} IN (?)` : ''} ORDER BY ${parent.key} FOR UPDATE`,
      [...inList(patients), ...(day ? inList(values) : [])],
    );
    for (const values of rows) {
      if (values[all.length]) continue; // a client has listed what lies under it
      const row = Object.fromEntries(all.map((column, index) => [column, values[index] ?? null]));
      const mark = markOf(row);
      if (!found.has(mark)) found.set(mark, row);
    }
  }

  const old = [...found.values()].map((row) => Number(row[parent.key]));
  const missing = [...open].filter(([mark]) => !found.has(mark));
  const columns = all.filter((column) => column !== parent.key);
  const made = missing.map(([, wish]): Columns => {
    const row: Record<string, ColumnValue> = {};
    for (const column of columns) row[column] = identifying.includes(column) ? (wish[column] ?? null) : timestamp;
    return row;
  });
  const keys = await insertManyReturning(
    session,
    parent.table,
    parent.key,
    columns,
    made.map((row) => columns.map((column): Bound => row[column] ?? null)),
    canReturn,
  );
  missing.forEach(([mark], index) => {
    found.set(mark, { ...made[index], [parent.key]: keys[index] ?? null });
  });
  if (parent.resourceType && parent.idPrefix && made.length > 0) await keepForOthers(session, parent, made, keys, writing);
  const wishedFor = new Set(open.keys());
  const rows = wanted.map((wish) => {
    const row = found.get(markOf(wish));
    if (!row) throw new Error(`${parent.table}: a parent row is missing`);
    return row;
  });
  for (const row of found.values()) guardRow(session, parent.table, Number(row[parent.key]));
  const used = new Set([...found].filter(([mark]) => wishedFor.has(mark)).map(([, row]) => Number(row[parent.key])));
  return { rows, old: old.filter((key) => used.has(key)) };
}

/** Rows of `fhir_resource` in state 2: kept until a client sends the resource itself. */
async function keepForOthers(
  session: Session,
  parent: ParentSource,
  made: readonly Columns[],
  keys: readonly number[],
  writing: Writing,
): Promise<void> {
  await insertMany(
    session,
    'fhir_resource',
    [
      'type',
      'id',
      'variant',
      'source_key',
      'patient_key',
      'version',
      'last_updated',
      'state',
      'tx',
      'refined',
      'origin',
      'overlay',
    ],
    made.map((row, index): Bound[] => [
      parent.resourceType ?? '',
      `${parent.idPrefix}-${keys[index]}`,
      parent.table,
      keys[index] ?? null,
      row['patient_id'] ?? null,
      1,
      datetimeOf(writing.lastUpdated),
      2,
      writing.tx,
      0,
      writing.origin,
      null,
    ]),
  );
}
