/** The oldest entries of the journal, up to where no statement that has begun among them goes on. */
import type { Bound, Session } from '../pool.ts';
import { entryColumns, entryOf, type JournalEntry } from './entry.ts';

export interface Batch {
  readonly entries: readonly JournalEntry[];
  /** True when the snapshot held no more. */
  readonly isLast: boolean;
}

/** So far behind its beginning a statement's entries are looked for; a longer one is entered in parts, which make one version all the same. */
const reach = 4000;

/** No batch grows beyond this and the reach together: whoever reads meanwhile waits for it. */
const entriesMax = 4000;

export async function readBatch(session: Session, limit: number): Promise<Batch> {
  const rows = await session.rows(`SELECT ${entryColumns} FROM fhir_journal ORDER BY entry_id LIMIT ${limit + 1}`);
  const entries = rows.slice(0, limit).map(entryOf);
  if (rows.length <= limit) return { entries, isLast: true };
  for (let from = 0; entries.length < entriesMax; ) {
    const last = entries.at(-1)?.id ?? 0;
    const end = await endOf(session, entries.slice(from), last);
    if (end === null) break;
    from = entries.length;
    const more = `SELECT ${entryColumns} FROM fhir_journal WHERE entry_id > ? AND entry_id <= ? ORDER BY entry_id`;
    entries.push(...(await session.rows(more, [last, end])).map(entryOf));
  }
  const [next] = await session.rows('SELECT 1 FROM fhir_journal WHERE entry_id > ? LIMIT 1', [entries.at(-1)?.id ?? 0]);
  return { entries, isLast: next === undefined };
}

/** The last entry of the statements that may go on: of each connection the one that it began last. Null where none does. */
async function endOf(session: Session, entries: readonly JournalEntry[], last: number): Promise<number | null> {
  const open = new Map(entries.map(({ connection, made }) => [connection, made]));
  const marks = [...open].map(() => '(conn = ? AND made = ?)').join(' OR ');
  const [row] = await session.once(`SELECT MAX(entry_id) FROM fhir_journal WHERE entry_id > ? AND entry_id <= ? AND (${marks})`, [
    last,
    last + reach,
    ...[...open].flat(),
  ] as Bound[]);
  const end = row?.[0];
  return end === null || end === undefined ? null : Number(end);
}
