/** Keeps where the ids of a source lead, when that does not follow from them. */
import type { Bound, Session } from '../db/pool.ts';
import type { NewAlias } from './prepared.ts';

export async function keepAliases(on: Session, source: string, jobId: number, aliases: readonly NewAlias[]): Promise<void> {
  const rows = aliases.map(({ id, type, localType, localId }): Bound[] => [source, id, type, localType, localId, null, jobId, 0]);
  for (let start = 0; start < rows.length; start += 1000) {
    await on.once(
      'INSERT IGNORE INTO fhir_import_alias (source, id, type, local_type, local_id, digest, job_id, line_no) VALUES ?',
      [rows.slice(start, start + 1000)] as unknown as Bound[],
    );
  }
}
