/**
 * Enters a batch of the journal in the books: what MediMax's statements changed becomes versions, tombstones and changes, as if they had been
 * entered while it made them. Everything is read from one snapshot, in which the rows are as all its entries have left them.
 */
import type { Registry } from '../../mapping/registry.ts';
import { type TableName, tables } from '../../mapping/tables.ts';
import type { Columns, Env } from '../../mapping/types.ts';
import { inList } from '../in-list.ts';
import { link, unlink } from '../linked-rows.ts';
import type { Session } from '../pool.ts';
import type { Statement } from './books-of-slots.ts';
import { entryColumns, entryOf, type JournalEntry, placeOf } from './entry.ts';
import { keyList } from './key-list.ts';
import { readBatch } from './read-batch.ts';
import { openBooks } from './read-books.ts';
import { familiesOf, nameOf, type Slot, slotsOf } from './slots.ts';
import { passStatement } from './ties.ts';
import { takeTurn } from './turns.ts';
import { createWorld, type Present, type Tie, type World } from './world.ts';
import { writeBooks } from './write-books.ts';

const chunkRows = 500;

export interface Folded {
  readonly entries: number;
  /** True when the snapshot held no more. */
  readonly isLast: boolean;
  /** Rows that the gateway had made for others, of which MediMax has just taken the last one. */
  readonly emptied: readonly Slot[];
}

/** Folds up to `limit` entries, in a transaction with a snapshot. @throws BooksMoved when it must begin again */
export async function foldBatch(session: Session, registry: Registry, env: Env, limit: number): Promise<Folded> {
  // One after another, and the snapshot is taken only now: it has what the one before has entered.
  await session.rows("SELECT value FROM fhir_setting WHERE name = 'journal_lock' FOR UPDATE");
  const { entries: read, isLast } = await readBatch(session, limit);
  const end = read.at(-1)?.id;
  if (end === undefined) return { entries: 0, isLast, emptied: [] };
  const batch = read.filter(({ trouble }) => trouble === undefined);
  await tellTroubles(session, read);

  const world = await lookAround(session, registry, batch, isLast ? null : end);
  const statements = statementsOf(batch);
  const { keys, slots, patients } = concerned(registry, world, statements);
  const books = await openBooks(session, registry, keys, slots, patients);
  for (const entries of statements) takeTurn(registry, world, books, entries, markOf(entries), env);
  await writeBooks(session, books.changed);
  await writeTies(session, world.ties());
  await removeEntries(
    session,
    read.map(({ id }) => id),
  );
  return { entries: read.length, isLast, emptied: books.emptied };
}

/**
 * Each by its key alone. For a list of keys the server may walk over the whole journal, and would wait for the entries of every open
 * transaction of MediMax's.
 */
async function removeEntries(session: Session, ids: readonly number[]): Promise<void> {
  // As text: prepared, the server does not know how long the list is.
  await session.once(`DELETE j FROM ${keyList} x STRAIGHT_JOIN fhir_journal j FORCE INDEX (PRIMARY) ON j.entry_id = x.id`, [
    JSON.stringify(ids),
  ]);
}

/**
 * The entries of each statement. Statements of several connections stand among each other; where two touch one row, the first had ended
 * before the second began, so the order of their last entries is that of their effects.
 */
function statementsOf(batch: readonly JournalEntry[]): readonly (readonly JournalEntry[])[] {
  const byStatement = Map.groupBy(batch, ({ made, connection }) => `${made} ${connection}`);
  return [...byStatement.values()].sort((a, b) => (a.at(-1)?.id ?? 0) - (b.at(-1)?.id ?? 0));
}

/** One number for the statement, which its entries in a later batch make again. */
function markOf([first]: readonly JournalEntry[]): Statement {
  const { made = '', connection = '0' } = first ?? {};
  const micros =
    BigInt(Date.parse(`${made.slice(0, 10)}T${made.slice(11, 19)}Z`)) * 1000n + BigInt(made.slice(20).padEnd(6, '0'));
  return { made, mark: String(micros * 4096n + (BigInt(connection) % 4096n)) };
}

/** What triggers could not note goes where `check` looks. */
async function tellTroubles(session: Session, entries: readonly JournalEntry[]): Promise<void> {
  for (const { made, table, key, trouble } of entries) {
    if (!trouble) continue;
    await session.modify('INSERT INTO fhir_trouble (noted, place, source_key, errno, text) VALUES (?, ?, ?, ?, ?)', [
      made,
      table,
      key,
      trouble.errno,
      trouble.text,
    ]);
  }
}

/** The rows of the batch with all that their resources show, and the entries of these rows after `upTo`; null where there are none. */
async function lookAround(
  session: Session,
  registry: Registry,
  batch: readonly JournalEntry[],
  upTo: number | null,
): Promise<World> {
  const present = new Map<TableName, Map<number, Columns>>();
  const touched = Map.groupBy(batch, ({ table }) => table);
  for (const [table, entries] of touched) {
    await readRows(
      session,
      present,
      table,
      tables[table].key,
      entries.map(({ key }) => key),
    );
  }
  const aboveKeys = new Map<TableName, Set<number>>();
  for (const { above, below } of familiesOf(registry)) {
    const column = tables[below].belongsTo?.column ?? '';
    const keys = new Set<number>([
      ...(touched.get(above) ?? []).map(({ key }) => key),
      ...(touched.get(below) ?? [])
        .flatMap((entry) => [entry.above, entry.before?.[column]])
        .filter((key) => typeof key === 'number'),
      ...(touched.get(below) ?? [])
        .flatMap(({ key }) => present.get(below)?.get(key)?.[column] ?? [])
        .filter((key) => typeof key === 'number'),
    ]);
    aboveKeys.set(below, keys);
    await readRows(session, present, above, tables[above].key, [...keys]);
    await readRows(session, present, below, column, [...keys]);
  }
  const ties = await readTies(session, registry, present, touched);
  const later = upTo === null ? [] : await readLater(session, upTo, present, touched, aboveKeys);
  return createWorld([...batch, ...later], present, ties);
}

async function readRows(
  session: Session,
  present: Map<TableName, Map<number, Columns>>,
  table: TableName,
  by: string,
  keys: readonly number[],
): Promise<void> {
  const columns = Object.keys(tables[table].columns);
  const rows = present.get(table) ?? new Map<number, Columns>();
  present.set(table, rows);
  const wanted = [...new Set(keys)];
  for (let start = 0; start < wanted.length; start += chunkRows) {
    const sql = `SELECT ${columns.join(', ')} FROM ${table} WHERE ${by} IN (?)`;
    for (const values of await session.once(sql, inList(wanted.slice(start, start + chunkRows)))) {
      const row = Object.fromEntries(columns.map((column, index) => [column, values[index] ?? null]));
      rows.set(Number(row[tables[table].key]), row);
    }
  }
}

/** Resources of several rows that the batch concerns, with all of their rows. */
async function readTies(
  session: Session,
  registry: Registry,
  present: Map<TableName, Map<number, Columns>>,
  touched: ReadonlyMap<TableName, readonly JournalEntry[]>,
): Promise<readonly Tie<number>[]> {
  const ties = new Map<string, Tie<number>>();
  for (const [table, entries] of touched) {
    if (!registry.ofTable(table).some(({ variant: { source } }) => source.table === table && source.child?.linked)) continue;
    const read = async (test: string, keys: readonly number[]) => {
      const sql = `SELECT row_key, owner_key FROM fhir_linked_row WHERE place = ? AND ${test}`;
      const found: Tie<number>[] = [];
      for (let start = 0; start < keys.length; start += chunkRows) {
        const rows = await session.once(sql, [placeOf(table), ...inList(keys.slice(start, start + chunkRows))]);
        found.push(...rows.map(([key, owner]) => ({ table, key: Number(key), owner: Number(owner) })));
      }
      for (const tie of found) ties.set(`${table}/${tie.key}`, tie);
      return found;
    };
    const keys = [...new Set(entries.map(({ key }) => key))];
    const owners = (await read('row_key IN (?)', keys)).map(({ owner }) => owner);
    await read('owner_key IN (?)', [...new Set([...keys, ...owners])]);
    const rows = [...ties.values()].filter((tie) => tie.table === table).flatMap(({ key, owner }) => [key, owner]);
    await readRows(session, present, table, tables[table].key, rows);
  }
  return [...ties.values()];
}

async function writeTies(session: Session, ties: readonly Tie[]): Promise<void> {
  for (const { table, key, owner } of ties) {
    if (owner === null) await unlink(session, { table }, [key]);
    else await link(session, { table }, [{ key, owner }]);
  }
}

/** What later batches will say of these rows: it tells how they are when this one ends. */
async function readLater(
  session: Session,
  after: number,
  present: Present,
  touched: ReadonlyMap<TableName, readonly JournalEntry[]>,
  aboveKeys: ReadonlyMap<TableName, ReadonlySet<number>>,
): Promise<readonly JournalEntry[]> {
  const found = new Map<number, JournalEntry>();
  const read = async (table: TableName, by: 'row_key' | 'above', keys: readonly number[]) => {
    for (let start = 0; start < keys.length; start += chunkRows) {
      const sql = `SELECT ${entryColumns} FROM fhir_journal WHERE ${by} IN (?) AND place = ? AND entry_id > ?`;
      const rows = await session.once(sql, [...inList(keys.slice(start, start + chunkRows)), placeOf(table), after]);
      for (const row of rows) found.set(Number(row[0]), entryOf(row));
    }
  };
  for (const table of new Set([...present.keys(), ...touched.keys()])) {
    const keys = [...(present.get(table)?.keys() ?? []), ...(touched.get(table) ?? []).map(({ key }) => key)];
    await read(table, 'row_key', [...new Set(keys)]);
  }
  for (const [table, keys] of aboveKeys) {
    await read(table, 'above', [...keys]);
    // A row that comes under one of these and goes again is not there now: its earlier entries are found by its key alone.
    const passing = [...found.values()].filter((entry) => entry.table === table).map(({ key }) => key);
    await read(table, 'row_key', [...new Set(passing)]);
    await read(tables[table].belongsTo?.table ?? table, 'row_key', [...keys]);
  }
  return [...found.values()].sort((a, b) => a.id - b.id);
}

/** The keys, slots and patients whose books are needed; the world is gone through once for them. */
function concerned(registry: Registry, world: World, statements: readonly (readonly JournalEntry[])[]) {
  const slots = new Map<string, Slot>();
  const patients = new Set<number>();
  const vanishing = new Set<number>();
  for (const entries of statements) {
    for (const slot of slotsOf(registry, world, entries)) slots.set(nameOf(slot), slot);
    for (const { table, op, key } of entries) if (table === 'Patient' && op === 'deleted') vanishing.add(key);
    passStatement(registry, world, entries);
  }
  const keys = new Map<TableName, readonly number[]>();
  for (const table of Object.keys(tables) as TableName[]) {
    const ofTable = world.keys(table);
    if (ofTable.length > 0) keys.set(table, ofTable);
    if (!('patient_id' in tables[table].columns)) continue;
    for (const patient of world.patients(table)) patients.add(patient);
  }
  keys.set('Patient', [...new Set([...(keys.get('Patient') ?? []), ...patients])]);
  world.rewind();
  return { keys, slots: [...slots.values()], patients: [...vanishing] };
}
