/** The books of the resources that a batch of the journal may change: read once, changed in memory, written set-wise. */
import { keptName } from '../../mapping/compile.ts';
import type { Registry } from '../../mapping/registry.ts';
import type { TableName } from '../../mapping/tables.ts';
import type { Stored } from '../../mapping/types.ts';
import { enterChanges } from '../books.ts';
import { insertMany } from '../bulk-insert.ts';
import { after } from '../clock.ts';
import type { Bound, RowValues, Session } from '../pool.ts';
import { datetimeOf, instantOf } from '../select.ts';
import type { FindId, Slot } from './slots.ts';
import { nameOf } from './slots.ts';

/** A row of `fhir_resource`, changed in place. */
export interface Book {
  /** Null until it is inserted. */
  rid: number | null;
  readonly type: string;
  readonly id: string;
  variant: string;
  sourceKey: number | null;
  patientKey: number | null;
  version: number;
  /** UTC, `2026-11-23 10:00:00.123456`. */
  lastUpdated: string;
  state: number;
  /** Mark of the statement that made the current version, as decimal digits. */
  tx: string;
  refined: number;
  origin: string;
  overlay: string | null;
  isTouched: boolean;
  isRemoved: boolean;
}

/** What changes besides version, time and origin. */
export type Sets = Partial<Pick<Book, 'variant' | 'sourceKey' | 'patientKey' | 'state' | 'refined' | 'overlay' | 'lastUpdated'>>;

/** MediMax's statement: it makes at most one version of a resource, however many entries and batches it fills. */
export interface Statement {
  readonly made: string;
  readonly mark: string;
}

export interface Books {
  readonly idOf: FindId;
  /** The resource of a row; where none is, the one that had this id. */
  find(slot: Slot, variantName: string, id?: string): Book | undefined;
  /** Living resources without a row of this patient. */
  keptOf(patientKey: number): readonly Book[];
  add(slot: Slot, made: Pick<Book, 'id' | 'variant' | 'patientKey'>, statement: Statement): void;
  /** The resource moves on by one version, once a statement. `stored`: what the version that ends says; null where it says nothing. */
  moveOn(book: Book, stored: Stored | null, statement: Statement, sets: Sets): void;
  /** Enters a version that is there already. */
  enter(book: Book, sets: Sets): void;
  /** Rows kept for others that have none any more. */
  readonly emptied: Slot[];
  write(session: Session): Promise<void>;
}

/** Somebody has written one of these resources since the snapshot: the batch begins again. */
export class BooksMoved extends Error {}

const columns = 'rid, type, id, variant, source_key, patient_key, version, last_updated, state, tx, refined, origin, overlay';
const chunkRows = 500;

/** Reads the books in the transaction's snapshot and locks them. @throws BooksMoved */
export async function openBooks(
  session: Session,
  registry: Registry,
  keys: ReadonlyMap<TableName, readonly number[]>,
  slots: readonly Slot[],
  patients: readonly number[],
): Promise<Books> {
  const ids = await readIds(session, registry, keys);
  const rids = new Set<number>();
  for (const slot of slots) for (const rid of ids.ridsOf(slot)) rids.add(rid);
  const kept =
    patients.length === 0
      ? []
      : await session.once(
          `SELECT rid, patient_key FROM fhir_resource WHERE patient_key IN (?) AND variant = '${keptName}' AND state = 0`,
          [patients] as unknown as Bound[],
        );
  for (const [rid] of kept) rids.add(Number(rid));
  for (const rid of await ridsByIds(session, registry, slots)) rids.add(rid);
  const books = await lockBooks(
    session,
    [...rids].sort((a, b) => a - b),
  );
  return booksOver(books, ids.idOf);
}

interface Ids {
  readonly idOf: FindId;
  ridsOf(slot: Slot): readonly number[];
}

/** The ids of all resources whose rows are of these keys. */
async function readIds(session: Session, registry: Registry, keys: ReadonlyMap<TableName, readonly number[]>): Promise<Ids> {
  const byRow = new Map<string, string>();
  const bySlot = new Map<string, number[]>();
  for (const [table, ofTable] of keys) {
    const variants = registry.ofTable(table).filter(({ variant }) => variant.source.table === table);
    for (const [type, ofType] of Map.groupBy(variants, ({ resourceType }) => resourceType)) {
      const names = ofType.map(({ name }) => name);
      for (let start = 0; start < ofTable.length; start += chunkRows) {
        const rows = await session.once(
          'SELECT rid, variant, source_key, id FROM fhir_resource WHERE type = ? AND variant IN (?) AND source_key IN (?)',
          [type, names, ofTable.slice(start, start + chunkRows)] as unknown as Bound[], // the driver spreads lists
        );
        for (const [rid, variant, key, id] of rows) {
          byRow.set(`${type}/${variant}/${key}`, String(id));
          const name = nameOf({ resourceType: type, table, key: Number(key) });
          bySlot.set(name, [...(bySlot.get(name) ?? []), Number(rid)]);
        }
      }
    }
  }
  return {
    idOf: (type, variant, key) => byRow.get(`${type}/${variant}/${key}`) ?? null,
    ridsOf: (slot) => bySlot.get(nameOf(slot)) ?? [],
  };
}

/** Resources that had the id which a row of a slot would give: deleted under another variant, or withdrawn. */
async function ridsByIds(session: Session, registry: Registry, slots: readonly Slot[]): Promise<readonly number[]> {
  const found: number[] = [];
  for (const [type, ofType] of Map.groupBy(slots, ({ resourceType }) => resourceType)) {
    const ids = ofType.flatMap((slot) => idFor(registry, slot) ?? []);
    for (let start = 0; start < ids.length; start += chunkRows) {
      const rows = await session.once('SELECT rid FROM fhir_resource WHERE type = ? AND id IN (?)', [
        type,
        ids.slice(start, start + chunkRows),
      ] as unknown as Bound[]);
      found.push(...rows.map(([rid]) => Number(rid)));
    }
  }
  return found;
}

export function idFor(registry: Registry, { resourceType, table, key }: Slot): string | undefined {
  const variant = registry.get(resourceType)?.variants.find((one) => one.variant.source.table === table);
  return variant && `${variant.variant.source.idPrefix}-${key}`;
}

/** Keys from a JSON list as a table: each is looked up by itself, so that no row beside them is locked. */
export const keyList = "JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$'))";

/** As the snapshot has them, provided that they are still so: a lock alone would see what was committed after the snapshot. */
async function lockBooks(session: Session, rids: readonly number[]): Promise<readonly Book[]> {
  const books: Book[] = [];
  for (let start = 0; start < rids.length; start += chunkRows) {
    const chunk = [JSON.stringify(rids.slice(start, start + chunkRows))];
    const own = names.map((name) => `r.${name}`).join(', ');
    const select = `SELECT ${own} FROM ${keyList} x STRAIGHT_JOIN fhir_resource r FORCE INDEX (PRIMARY) ON r.rid = x.id`;
    const seen = await session.once(select, chunk);
    const now = await session.once(`${select} FOR UPDATE`, chunk);
    if (JSON.stringify(seen) !== JSON.stringify(now)) throw new BooksMoved();
    books.push(...now.map(bookOf));
  }
  return books;
}

function bookOf(row: RowValues): Book {
  const [rid, type, id, variant, sourceKey, patientKey, version, lastUpdated, state, tx, refined, origin, overlay] = row;
  const keyOf = (value: string | number | null | undefined) => (value === null || value === undefined ? null : Number(value));
  return {
    rid: Number(rid),
    type: String(type),
    id: String(id),
    variant: String(variant),
    sourceKey: keyOf(sourceKey),
    patientKey: keyOf(patientKey),
    version: Number(version),
    lastUpdated: String(lastUpdated),
    state: Number(state),
    tx: String(tx),
    refined: Number(refined),
    origin: String(origin),
    overlay: overlay === null || overlay === undefined ? null : String(overlay),
    isTouched: false,
    isRemoved: false,
  };
}

interface Ended {
  readonly book: Book;
  readonly values: readonly Bound[];
}

interface Entered {
  readonly book: Book;
  readonly version: number;
  readonly patientKey: number | null;
}

function booksOver(read: readonly Book[], findId: FindId): Books {
  const all = [...read];
  const byRow = new Map(all.map((book) => [`${book.type}/${book.variant}/${book.sourceKey}`, book]));
  const byId = new Map(all.map((book) => [`${book.type}/${book.id}`, book]));
  const ended: Ended[] = [];
  const entered: Entered[] = [];
  const owned: Entered[] = [];
  const enter: Books['enter'] = (book, sets) => {
    Object.assign(book, sets, { isTouched: true });
    byRow.set(`${book.type}/${book.variant}/${book.sourceKey}`, book);
    entered.push({ book, version: book.version, patientKey: book.patientKey });
  };
  return {
    emptied: [],
    idOf: (type, variant, key) => findId(type, variant, key) ?? byRow.get(`${type}/${variant}/${key}`)?.id ?? null,
    find({ resourceType, key }, variantName, id) {
      const known = byRow.get(`${resourceType}/${variantName}/${key}`);
      if (known && known.variant === variantName && known.sourceKey === key && !known.isRemoved) return known;
      const other = id === undefined ? undefined : byId.get(`${resourceType}/${id}`);
      return other?.isRemoved ? undefined : other;
    },
    keptOf: (patientKey) => all.filter((book) => book.variant === keptName && book.state === 0 && book.patientKey === patientKey),
    add({ resourceType, key }, { id, variant, patientKey }, { made, mark }) {
      const book: Book = {
        rid: null,
        type: resourceType,
        id,
        variant,
        sourceKey: key,
        patientKey,
        version: 1,
        lastUpdated: made,
        state: 0,
        tx: mark,
        refined: 0,
        origin: 'medimax',
        overlay: null,
        isTouched: true,
        isRemoved: false,
      };
      all.push(book);
      byId.set(`${book.type}/${id}`, book);
      enter(book, {});
    },
    moveOn(book, stored, { made, mark }, sets) {
      // Its version is there: what the rest of the statement changes is part of it.
      if (book.tx === mark) {
        Object.assign(book, sets, { isTouched: true });
        owned.push({ book, version: book.version, patientKey: book.patientKey });
        return;
      }
      ended.push({
        book,
        values: [
          book.version,
          book.variant,
          book.lastUpdated,
          book.state,
          book.refined,
          book.origin,
          stored === null ? null : JSON.stringify(stored),
          book.overlay,
        ],
      });
      book.version += 1;
      book.lastUpdated = datetimeOf(after(instantOf(book.lastUpdated), instantOf(made)));
      book.origin = 'medimax';
      book.tx = mark;
      enter(book, sets);
    },
    enter,
    write: (session) => write(session, all, ended, entered, owned),
  };
}

async function write(
  session: Session,
  all: readonly Book[],
  ended: readonly Ended[],
  entered: readonly Entered[],
  owned: readonly Entered[],
): Promise<void> {
  for (const { rid } of all.filter((book) => book.isRemoved && book.rid !== null))
    await session.modify('DELETE FROM fhir_resource WHERE rid = ?', [rid]);
  const touched = all.filter(({ isTouched, isRemoved }) => isTouched && !isRemoved);
  const made = touched.filter(({ rid }) => rid === null);
  const moved = touched.filter(({ rid }) => rid !== null);
  const rows = made.map((book) => valuesOf(book).slice(1));
  await insertMany(session, 'fhir_resource', names.slice(1), rows);
  await learnRids(session, made);
  await updateBooks(session, moved);
  await insertMany(
    session,
    'fhir_version',
    ['rid', 'version', 'variant', 'last_updated', 'state', 'refined', 'origin', 'doc', 'overlay'],
    ended.filter(({ book }) => !book.isRemoved).map(({ book, values }) => [book.rid, ...values]),
  );
  const changes = entered.filter(({ book }) => !book.isRemoved);
  await enterChanges(
    session,
    changes.map(({ book, version, patientKey }) => ({ rid: Number(book.rid), version, patientKey })),
  );
  for (const { book, version, patientKey } of owned.filter(({ book }) => !book.isRemoved))
    await session.modify('UPDATE fhir_change SET patient_key = ? WHERE rid = ? AND version = ? AND NOT patient_key <=> ?', [
      patientKey,
      Number(book.rid),
      version,
      patientKey,
    ]);
}

const names = columns.split(', ');

function valuesOf(book: Book): readonly Bound[] {
  const { rid, type, id, variant, sourceKey, patientKey, version, lastUpdated, state, tx, refined, origin, overlay } = book;
  return [rid, type, id, variant, sourceKey, patientKey, version, lastUpdated, state, tx, refined, origin, overlay];
}

/** How the server numbers the rows of one statement is not assumed. */
async function learnRids(session: Session, made: readonly Book[]): Promise<void> {
  for (const [type, ofType] of Map.groupBy(made, (book) => book.type)) {
    const byId = new Map(ofType.map((book) => [book.id, book]));
    const ids = [...byId.keys()];
    for (let start = 0; start < ids.length; start += chunkRows) {
      const rows = await session.once('SELECT rid, id FROM fhir_resource WHERE type = ? AND id IN (?)', [
        type,
        ids.slice(start, start + chunkRows),
      ] as unknown as Bound[]);
      for (const [rid, id] of rows) {
        const book = byId.get(String(id));
        if (book) book.rid = Number(rid);
      }
    }
  }
}

/** Existing rows by their key, in one statement: their rids are there, so nothing is inserted. */
async function updateBooks(session: Session, touched: readonly Book[]): Promise<void> {
  const sets = names.slice(3).map((name) => `${name} = VALUES(${name})`);
  for (let start = 0; start < touched.length; start += chunkRows) {
    const rows = touched.slice(start, start + chunkRows).map(valuesOf);
    await session.once(`INSERT INTO fhir_resource (${columns}) VALUES ? ON DUPLICATE KEY UPDATE ${sets.join(', ')}`, [
      rows,
    ] as unknown as Bound[]);
  }
}
