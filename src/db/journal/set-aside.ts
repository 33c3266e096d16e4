/** Takes an entry that cannot be entered out of the journal, and notes it where `check` looks. */
import { FhirError } from '../../fhir/outcome.ts';
import { tables } from '../../mapping/tables.ts';
import type { Session } from '../pool.ts';
import type { Folded } from './fold.ts';

/** `one` enters the first entry alone; where that fails, too, it is the odd one. @throws what is no fault of an entry */
export async function setAside(session: Session, failure: unknown, one: () => Promise<Folded>): Promise<Folded> {
  if (failure instanceof FhirError) throw failure;
  try {
    return await one();
  } catch (again) {
    if (again instanceof FhirError) throw again;
    const [first] = await session.rows('SELECT entry_id, place, row_key FROM fhir_journal ORDER BY entry_id LIMIT 1');
    if (!first) return { entries: 0, isLast: true };
    const [id, place, key] = first;
    const text = again instanceof Error ? again.message : String(again);
    await session.modify(
      'INSERT INTO fhir_trouble (noted, place, source_key, errno, text) VALUES (UTC_TIMESTAMP(6), ?, ?, 0, ?)',
      [Object.keys(tables)[Number(place) - 1] ?? '', key ?? null, text.slice(0, 500)],
    );
    await session.modify('DELETE FROM fhir_journal WHERE entry_id = ?', [Number(id)]);
    return { entries: 1, isLast: false };
  }
}
