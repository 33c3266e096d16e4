/** Inserts the child rows of many rows that were just inserted. */
import { tables } from '../mapping/tables.ts';
import type { ChildSource, Columns, ColumnValue, Source, StoredChild } from '../mapping/types.ts';
import { insertManyReturning } from './bulk-insert.ts';
import { link, linkedRow } from './linked-rows.ts';
import type { Bound, Session } from './pool.ts';

/** `wanted`: the children of each owner; `owners` and `keys`: its row and the key of that. Answers owner by owner. */
export async function insertChildren(
  session: Session,
  source: Source & { readonly child: ChildSource },
  wanted: readonly (readonly Columns[])[],
  owners: readonly Columns[],
  keys: readonly number[],
  canReturn: boolean,
): Promise<readonly (readonly StoredChild[])[]> {
  const { child } = source;
  const columns = Object.keys(tables[child.table].columns).filter((column) => column !== child.key);
  const rows = wanted.flatMap((ofOwner, index) =>
    ofOwner.map((written): Columns => {
      if (child.linked) return linkedRow(source, owners[index] ?? {}, written);
      const row: Record<string, ColumnValue> = {};
      for (const column of columns) row[column] = written[column] ?? null;
      row[child.foreignKey] = keys[index] ?? null;
      return row;
    }),
  );
  const childKeys = await insertManyReturning(
    session,
    child.table,
    child.key,
    columns,
    rows.map((row) => columns.map((column): Bound => row[column] ?? null)),
    canReturn,
  );
  if (child.linked) {
    const owning = wanted.flatMap((ofOwner, index) => ofOwner.map(() => keys[index] ?? 0));
    await link(
      session,
      child,
      childKeys.map((key, at) => ({ key, owner: owning[at] ?? 0 })),
    );
  }
  let next = 0;
  return wanted.map((ofOwner) =>
    ofOwner.map((): StoredChild => {
      const at = next;
      next += 1;
      return { row: { ...rows[at], [child.key]: childKeys[at] ?? null }, id: null };
    }),
  );
}
