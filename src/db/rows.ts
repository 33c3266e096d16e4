/** Writing MediMax's rows: whole rows in, changed columns only, children matched so that their keys survive. */
import { fault } from '../fhir/outcome.ts';
import type { CompiledVariant } from '../mapping/compile.ts';
import { tables } from '../mapping/tables.ts';
import type { ChildSource, Columns, ColumnValue, Source, StoredChild } from '../mapping/types.ts';
import { link, linkedRow, unlink } from './linked-rows.ts';
import type { Session } from './pool.ts';

/** Inserts a row naming every given column; returns its key. `key` restores a row under the key it had. */
export async function insertRow(session: Session, table: keyof typeof tables, columns: Columns, key?: number): Promise<number> {
  const names = Object.keys(columns);
  const values = Object.values(columns);
  if (key !== undefined) {
    names.push(tables[table].key);
    values.push(key);
  }
  const marks = names.map(() => '?').join(', ');
  const { insertId } = await session.modify(`INSERT INTO ${table} (${names.join(', ')}) VALUES (${marks})`, values);
  return key ?? insertId;
}

/** Updates these columns of one row; nothing at all when there are none. */
export async function updateRow(session: Session, table: keyof typeof tables, key: number, columns: Columns): Promise<void> {
  const names = Object.keys(columns);
  if (names.length === 0) return;
  const sets = names.map((name) => `${name} = ?`).join(', ');
  await session.modify(`UPDATE ${table} SET ${sets} WHERE ${tables[table].key} = ?`, [...Object.values(columns), key]);
}

/** The whole row, kept from being deleted or changed until the transaction ends. */
export async function readRow(session: Session, table: keyof typeof tables, key: number): Promise<Columns> {
  const columns = Object.keys(tables[table].columns);
  const [found] = await session.rows(
    `SELECT ${columns.join(', ')} FROM ${table} WHERE ${tables[table].key} = ? LOCK IN SHARE MODE`,
    [key],
  );
  if (!found) throw fault('conflict', 'conflict', 'A record this one belongs to has just been deleted');
  return Object.fromEntries(columns.map((column, index) => [column, found[index] ?? null]));
}

export async function deleteRow(session: Session, table: keyof typeof tables, key: number): Promise<void> {
  await session.modify(`DELETE FROM ${table} WHERE ${tables[table].key} = ?`, [key]);
}

/** What must happen to the child rows so that they are the wanted ones. */
export interface ChildChanges {
  readonly kept: readonly StoredChild[];
  readonly updated: readonly { readonly child: StoredChild; readonly columns: Columns }[];
  readonly inserted: readonly Columns[];
  readonly deleted: readonly StoredChild[];
}

/** Matches wanted children to existing ones: equal ones first, then those equal in `matchOn`; keys and foreign columns survive. */
export function matchChildren(child: ChildSource, existing: readonly StoredChild[], wanted: readonly Columns[]): ChildChanges {
  const free = new Set(existing);
  const open = new Set(wanted);
  const kept: StoredChild[] = [];
  const updated: { child: StoredChild; columns: Columns }[] = [];
  const pairUp = (columns: readonly string[], take: (child: StoredChild, wish: Columns) => void) => {
    for (const wish of open) {
      for (const candidate of free) {
        if (!columns.every((column) => (candidate.row[column] ?? null) === (wish[column] ?? null))) continue;
        free.delete(candidate);
        open.delete(wish);
        take(candidate, wish);
        break;
      }
    }
  };
  pairUp(child.columns, (same) => kept.push(same));
  pairUp(child.matchOn, (matched, columns) => updated.push({ child: matched, columns }));
  return { kept, updated, inserted: [...open], deleted: [...free] };
}

export function childrenChanged(changes: ChildChanges): boolean {
  return changes.updated.length + changes.inserted.length + changes.deleted.length > 0;
}

/**
 * Carries out `changes` below the row `owner` of this source; returns the children as they then are, in the order of their keys. Ids of new
 * ones follow the id rule.
 */
export async function writeChildren(
  session: Session,
  source: Source & { readonly child: ChildSource },
  parentKey: number,
  owner: Columns,
  changes: ChildChanges,
  childVariant: CompiledVariant | undefined,
): Promise<{ readonly children: readonly StoredChild[]; readonly inserted: readonly StoredChild[] }> {
  const { child } = source;
  const gone = changes.deleted.map(({ row }) => Number(row[child.key]));
  for (const key of gone) await deleteRow(session, child.table, key);
  if (child.linked) await unlink(session, child, gone);
  const updated: StoredChild[] = [];
  for (const change of changes.updated) {
    await updateRow(session, child.table, Number(change.child.row[child.key]), change.columns);
    updated.push({ ...change.child, row: { ...change.child.row, ...change.columns } });
  }
  const inserted: StoredChild[] = [];
  for (const columns of changes.inserted) {
    const row = child.linked ? linkedRow(source, owner, columns) : wholeChildRow(child, parentKey, columns);
    const key = await insertRow(session, child.table, row);
    if (child.linked) await link(session, child, [{ key, owner: parentKey }]);
    const prefix = childVariant?.variant.source.idPrefix;
    inserted.push({ row: { ...row, [child.key]: key }, id: prefix === undefined ? null : `${prefix}-${key}` });
  }
  const children = [...changes.kept, ...updated, ...inserted];
  return { children: children.toSorted((a, b) => Number(a.row[child.key]) - Number(b.row[child.key])), inserted };
}

/** Every column is named on insert, as a default is a statement nobody made. */
function wholeChildRow(child: ChildSource, parentKey: number, written: Columns): Columns {
  const row: Record<string, ColumnValue> = {};
  for (const column of Object.keys(tables[child.table].columns)) {
    if (column !== child.key) row[column] = written[column] ?? null;
  }
  row[child.foreignKey] = parentKey;
  return row;
}
