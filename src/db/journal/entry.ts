/** What a trigger notes of one row that MediMax's statement inserted, changed or deleted. */
import { type TableName, tables } from '../../mapping/tables.ts';
import type { Columns, ColumnValue } from '../../mapping/types.ts';
import type { RowValues } from '../pool.ts';

const names = Object.keys(tables) as readonly TableName[]; // marked place: the keys of an object of this type

/**
 * Stored in `op`. `moved` stands beside an `updated` whose row now belongs to another one: it names the new one. `trouble` is what a trigger
 * could not note: error number and text.
 */
export const ops = ['inserted', 'updated', 'deleted', 'moved', 'trouble'] as const;
export type Op = (typeof ops)[number];

export interface JournalEntry {
  readonly id: number;
  readonly table: TableName;
  readonly op: Op;
  readonly key: number;
  /** The key of the row it belongs to: before the change, or now for `inserted` and `moved`. */
  readonly above: number | null;
  /** When its statement began, UTC, `2026-11-23 10:00:00.123456`; with the connection it marks the statement. */
  readonly made: string;
  readonly connection: string;
  /** The row before the statement; null where it was not there. */
  readonly before: Columns | null;
  /** Of a `trouble` only. */
  readonly trouble?: { readonly errno: number; readonly text: string };
}

/** Stored in `place`: the tables by their place in MediMax's documentation. */
export function placeOf(table: TableName): number {
  return names.indexOf(table) + 1;
}

export function opCode(op: Op): number {
  return ops.indexOf(op);
}

export const entryColumns = 'entry_id, place, op, row_key, above, made, conn, doc';

/** An entry whose document is no list of its table's columns is a trouble itself: it keeps no other from being entered. @throws SyntaxError for what is no table or operation */
export function entryOf([id, place, op, key, above, made, connection, doc]: RowValues): JournalEntry {
  const table = names[Number(place) - 1];
  const name = ops[Number(op)];
  if (!table || !name) throw new SyntaxError(`journal entry ${id}: no such table or operation`);
  const text = doc === null || doc === undefined ? null : String(doc);
  const before = name === 'trouble' || text === null ? null : rowOf(table, text);
  const trouble = name === 'trouble' ? troubleOf(text ?? '0') : before === undefined ? notRead : undefined;
  return {
    id: Number(id),
    table,
    op: trouble ? 'trouble' : name,
    key: Number(key),
    above: above === null || above === undefined ? null : Number(above),
    made: String(made),
    connection: String(connection),
    before: before ?? null,
    ...(trouble && { trouble }),
  };
}

const notRead = { errno: 0, text: 'the document in the journal cannot be read' };

function troubleOf(text: string): { readonly errno: number; readonly text: string } {
  const [, errno = '0', said = text] = /^(\d+) ([\s\S]*)$/.exec(text) ?? [];
  return { errno: Number(errno), text: said };
}

/** Undefined when the text is none of ours. */
function rowOf(table: TableName, doc: string): Columns | undefined {
  const columns = Object.keys(tables[table].columns);
  let values: unknown;
  try {
    values = JSON.parse(doc);
  } catch {
    return undefined;
  }
  if (!Array.isArray(values) || values.length !== columns.length) return undefined;
  return Object.fromEntries(columns.map((column, index) => [column, (values as readonly ColumnValue[])[index] ?? null])); // written by a trigger of ours
}
