/** MediMax's rows as they were and are while a batch of the journal is gone through: each row's states follow from its entries. */
import { type TableName, tables } from '../../mapping/tables.ts';
import type { Columns } from '../../mapping/types.ts';
import type { JournalEntry } from './entry.ts';

export interface World {
  /** The row as it is at this point; null when it is not there. */
  row(table: TableName, key: number): Columns | null;
  /** Rows of a table that belong to this row above, in the order of their keys. */
  below(table: TableName, aboveKey: number): readonly Columns[];
  /** Further rows that are tied to this one, in the order of their keys, and the row that one is tied to. */
  linked(table: TableName, ownerKey: number): readonly Columns[];
  ownerOf(table: TableName, key: number): number | undefined;
  /** The row is tied to another one from this point on, or to none. */
  tie(table: TableName, key: number, owner: number | null): void;
  /** What `tie` has changed. */
  ties(): readonly Tie[];
  /** The point moves behind this entry: its row is what the next entry found, or what is there now. */
  pass(entry: JournalEntry): void;
  /** The point moves back to before the first entry. */
  rewind(): void;
  /** Keys of all rows that the batch or its relatives need, by table. */
  keys(table: TableName): readonly number[];
  /** Keys of all patients that these rows belong to at any point. */
  patients(table: TableName): readonly number[];
}

/** A further row of a resource and the row that it is tied to; null: it is no further row. */
export interface Tie<Owner = number | null> {
  readonly table: TableName;
  readonly key: number;
  readonly owner: Owner;
}

/** Rows as they are now in the snapshot that the entries were read from; of these keys nothing else is there. */
export type Present = ReadonlyMap<TableName, ReadonlyMap<number, Columns>>;

/** `entries` in the order of their ids: those of the batch, and those behind it that concern the same rows. */
export function createWorld(entries: readonly JournalEntry[], present: Present, linked: readonly Tie<number>[]): World {
  const states = new Map<string, { readonly entries: JournalEntry[]; passed: number }>();
  const belonging = new Map<string, Set<number>>();
  const keysOf = new Map<TableName, Set<number>>();
  const know = (table: TableName, key: number, above: number | null) => {
    setIn(keysOf, table).add(key);
    if (above !== null) setIn(belonging, `${table}/${above}`).add(key);
  };
  for (const entry of entries) {
    know(entry.table, entry.key, entry.above);
    if (!hasState(entry)) continue;
    const name = `${entry.table}/${entry.key}`;
    const state = states.get(name);
    if (state) state.entries.push(entry);
    else states.set(name, { entries: [entry], passed: 0 });
  }
  for (const [table, rows] of present) {
    const column = tables[table].belongsTo?.column;
    for (const [key, row] of rows) know(table, key, column === undefined ? null : Number(row[column]));
  }

  const owners = new Map<string, Tie<number>>();
  const changed = new Map<string, Tie>();
  const tieAll = () => {
    owners.clear();
    changed.clear();
    for (const tie of linked) owners.set(`${tie.table}/${tie.key}`, tie);
  };
  tieAll();

  const row: World['row'] = (table, key) => {
    const state = states.get(`${table}/${key}`);
    const next = state?.entries[state.passed];
    return next ? next.before : (present.get(table)?.get(key) ?? null);
  };
  return {
    row,
    below(table, aboveKey) {
      const column = tables[table].belongsTo?.column ?? '';
      return [...(belonging.get(`${table}/${aboveKey}`) ?? [])]
        .sort((a, b) => a - b)
        .flatMap((key) => {
          const found = row(table, key);
          return found?.[column] === aboveKey ? [found] : [];
        });
    },
    linked: (table, ownerKey) =>
      [...owners.values()]
        .filter((tie) => tie.table === table && tie.owner === ownerKey)
        .sort((a, b) => a.key - b.key)
        .map(({ key }) => row(table, key))
        .filter((found) => found !== null),
    ownerOf: (table, key) => owners.get(`${table}/${key}`)?.owner,
    tie(table, key, owner) {
      const name = `${table}/${key}`;
      changed.set(name, { table, key, owner });
      if (owner === null) owners.delete(name);
      else owners.set(name, { table, key, owner });
    },
    ties: () => [...changed.values()],
    pass(entry) {
      const state = states.get(`${entry.table}/${entry.key}`);
      if (state && hasState(entry)) state.passed += 1;
    },
    rewind() {
      tieAll();
      for (const state of states.values()) state.passed = 0;
    },
    keys: (table) => [...(keysOf.get(table) ?? [])],
    patients(table) {
      const befores = entries.flatMap((entry) => (entry.table === table && entry.before ? [entry.before] : []));
      const keys = [...befores, ...(present.get(table)?.values() ?? [])].map((one) => one['patient_id']);
      return [...new Set(keys.filter((key) => typeof key === 'number'))];
    },
  };
}

const hasState = ({ op }: JournalEntry) => op !== 'moved' && op !== 'trouble';

function setIn<Key, Value>(map: Map<Key, Set<Value>>, key: Key): Set<Value> {
  const known = map.get(key);
  if (known) return known;
  const made = new Set<Value>();
  map.set(key, made);
  return made;
}
