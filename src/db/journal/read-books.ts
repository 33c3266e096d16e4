/** Reads the books of the resources that a batch of the journal may change, as its snapshot has them, and locks them. */
import { keptName } from '../../mapping/compile.ts';
import type { Registry } from '../../mapping/registry.ts';
import type { TableName } from '../../mapping/tables.ts';
import { inList } from '../in-list.ts';
import type { RowValues, Session } from '../pool.ts';
import { type Book, type Books, booksOver } from './books-of-slots.ts';
import { keyList } from './key-list.ts';
import { type FindId, idFor, nameOf, type Slot } from './slots.ts';
import { bookColumns } from './write-books.ts';

/** Somebody has written one of these resources since the snapshot: the batch begins again. */
export class BooksMoved extends Error {}

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
          inList(patients),
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
          [type, ...inList(names), ...inList(ofTable.slice(start, start + chunkRows))],
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
        ...inList(ids.slice(start, start + chunkRows)),
      ]);
      found.push(...rows.map(([rid]) => Number(rid)));
    }
  }
  return found;
}

/** As the snapshot has them, provided that they are still so: a lock alone would see what was committed after the snapshot. */
async function lockBooks(session: Session, rids: readonly number[]): Promise<readonly Book[]> {
  const books: Book[] = [];
  for (let start = 0; start < rids.length; start += chunkRows) {
    const chunk = [JSON.stringify(rids.slice(start, start + chunkRows))];
    const own = bookColumns.map((name) => `r.${name}`).join(', ');
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
