/** Inserts many rows with few statements, and learns their keys without assuming how the server numbers them. */
import { rowList } from './in-list.ts';
import type { Bound, Session } from './pool.ts';

/** What a statement carries at most. */
interface Load {
  readonly rows: number;
  /** Characters, roughly. */
  readonly text: number;
}

/** More rows gain nothing; the text is a quarter of MariaDB's default max_allowed_packet. */
const whole: Load = { rows: 1000, text: 4 * 1024 * 1024 };

/** About half a millisecond: whoever wants the processor while a statement runs, MediMax with one of its own above all, may wait until it is over. */
const brief: Load = { rows: 50, text: 16 * 1024 };

/** Inserts these rows in this order. `otherwise` says what to do with a row that is there already. */
export async function insertMany(
  session: Session,
  table: string,
  columns: readonly string[],
  rows: readonly (readonly Bound[])[],
  otherwise = '',
): Promise<void> {
  for (const group of groupsOf(rows, session)) await session.once(`${statement(table, columns)} ${otherwise}`, rowList(group));
}

/** As `insertMany`; returns the keys in the order of the rows. `RETURNING` needs MariaDB 10.5; elsewhere rows go one by one. */
export async function insertManyReturning(
  session: Session,
  table: string,
  key: string,
  columns: readonly string[],
  rows: readonly (readonly Bound[])[],
  canReturn: boolean,
): Promise<number[]> {
  const keys: number[] = [];
  if (!canReturn) {
    const sql = `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`;
    for (const row of rows) keys.push((await session.modify(sql, row)).insertId);
    return keys;
  }
  for (const group of groupsOf(rows, session)) {
    const returned = await session.once(`${statement(table, columns)} RETURNING ${key}`, rowList(group));
    if (returned.length !== group.length)
      throw new Error(`${table}: ${group.length} rows went in, ${returned.length} keys came back`);
    for (const row of returned) keys.push(Number(row[0]));
  }
  return keys;
}

function statement(table: string, columns: readonly string[]): string {
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES ?`;
}

function groupsOf(
  rows: readonly (readonly Bound[])[],
  session: Pick<Session, 'brief'>,
): readonly (readonly (readonly Bound[])[])[] {
  const most = session.brief ? brief : whole;
  const groups: (readonly Bound[])[][] = [];
  let group: (readonly Bound[])[] = [];
  let size = 0;
  for (const row of rows) {
    group.push(row);
    for (const value of row) size += typeof value === 'string' || Buffer.isBuffer(value) ? value.length : 8;
    if (group.length >= most.rows || size >= most.text) {
      groups.push(group);
      group = [];
      size = 0;
    }
  }
  if (group.length > 0) groups.push(group);
  return groups;
}
