/** Takes an entry that cannot be entered out of the journal, and notes it where `check` looks. */
import { tables } from '../../mapping/tables.ts';
import type { Session } from '../pool.ts';
import type { Folded } from './fold.ts';

/** The oldest entry; `failure` is what its statement alone has come to. */
export async function setAside(session: Session, failure: unknown): Promise<Folded> {
  const [first] = await session.rows('SELECT entry_id, place, row_key FROM fhir_journal ORDER BY entry_id LIMIT 1');
  if (!first) return { entries: 0, isLast: true, emptied: [] };
  const [id, place, key] = first;
  const text = failure instanceof Error ? failure.message : String(failure);
  await session.modify('INSERT INTO fhir_trouble (noted, place, source_key, errno, text) VALUES (UTC_TIMESTAMP(6), ?, ?, 0, ?)', [
    Object.keys(tables)[Number(place) - 1] ?? '',
    key ?? null,
    text.slice(0, 500),
  ]);
  await session.modify('DELETE FROM fhir_journal WHERE entry_id = ?', [Number(id)]);
  return { entries: 1, isLast: false, emptied: [] };
}
