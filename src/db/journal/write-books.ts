/** Writes the books that a batch of the journal has changed: a few statements, however many resources there are. */
import { enterChanges } from '../books.ts';
import { insertMany } from '../bulk-insert.ts';
import { inList, rowList } from '../in-list.ts';
import type { Bound, Session } from '../pool.ts';
import type { Book, ChangedBooks } from './books-of-slots.ts';

/** Columns of `fhir_resource` in the order of `Book`. */
export const bookColumns =
  'rid, type, id, variant, source_key, patient_key, version, last_updated, state, tx, refined, origin, overlay'.split(', ');

const chunkRows = 500;

export async function writeBooks(session: Session, { all, ended, entered, owned }: ChangedBooks): Promise<void> {
  for (const { rid } of all.filter((book) => book.isRemoved && book.rid !== null))
    await session.modify('DELETE FROM fhir_resource WHERE rid = ?', [rid]);
  const touched = all.filter(({ isTouched, isRemoved }) => isTouched && !isRemoved);
  const made = touched.filter(({ rid }) => rid === null);
  const moved = touched.filter(({ rid }) => rid !== null);
  const rows = made.map((book) => valuesOf(book).slice(1));
  await insertMany(session, 'fhir_resource', bookColumns.slice(1), rows);
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
        ...inList(ids.slice(start, start + chunkRows)),
      ]);
      for (const [rid, id] of rows) {
        const book = byId.get(String(id));
        if (book) book.rid = Number(rid);
      }
    }
  }
}

/** Existing rows by their key, in one statement: their rids are there, so nothing is inserted. */
async function updateBooks(session: Session, touched: readonly Book[]): Promise<void> {
  const sets = bookColumns.slice(3).map((name) => `${name} = VALUES(${name})`);
  for (let start = 0; start < touched.length; start += chunkRows) {
    const rows = touched.slice(start, start + chunkRows).map(valuesOf);
    await session.once(
      `INSERT INTO fhir_resource (${bookColumns.join(', ')}) VALUES ? ON DUPLICATE KEY UPDATE ${sets.join(', ')}`,
      rowList(rows),
    );
  }
}
