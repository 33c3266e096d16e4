/** Tombstones: the books of resources whose rows are gone. */
import { enterChanges, type Writing } from './books.ts';
import { after } from './clock.ts';
import type { Session } from './pool.ts';
import { patientKeyOf } from './relative-versions.ts';
import type { ResourceRecord } from './repository.ts';
import { datetimeOf } from './select.ts';

/** Marks resources whose present state is kept already as deleted, each in a version of its own. */
export async function markDeleted(session: Session, records: readonly ResourceRecord[], writing: Writing): Promise<void> {
  for (const record of records) {
    await session.modify(
      'UPDATE fhir_resource SET version = version + 1, last_updated = ?, tx = ?, state = 1, refined = 0, origin = ?, overlay = NULL WHERE rid = ?',
      [datetimeOf(after(record.lastUpdated, writing.lastUpdated)), writing.tx, writing.origin, record.rid],
    );
  }
  await enterChanges(
    session,
    records.map((record) => ({ rid: record.rid, version: record.version + 1, patientKey: patientKeyOf(record) })),
  );
}
