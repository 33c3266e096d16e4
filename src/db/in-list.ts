/** Lists as values of a statement that is sent as text (`Session.once`): the driver spreads them. */
import type { Bound, RowValues, Session } from './pool.ts';

/** For `IN (?)`. */
export function inList(values: readonly Bound[]): readonly Bound[] {
  return [values] as unknown as readonly Bound[];
}

/** For `VALUES ?`: each inner list is a row. */
export function rowList(rows: readonly (readonly Bound[])[]): readonly Bound[] {
  return [rows] as unknown as readonly Bound[];
}

const idsMax = 2000;
/** Where MediMax may be waiting for the processor (bulk-insert.ts). */
const idsMaxBrief = 200;

/** Rows of a statement that asks for a long list with `IN (?)`, of which it is given a part at a time. `values` stand before it and after it. */
export async function rowsOfParts(
  session: Session,
  sql: string,
  list: readonly Bound[],
  values: { readonly before?: readonly Bound[]; readonly after?: readonly Bound[] } = {},
): Promise<RowValues[]> {
  const { before = [], after = [] } = values;
  const rows: RowValues[] = [];
  const most = session.brief ? idsMaxBrief : idsMax;
  for (let start = 0; start < list.length; start += most) {
    const part = inList(list.slice(start, start + most));
    for (const row of await session.once(sql, [...before, ...part, ...after])) rows.push(row);
  }
  return rows;
}
