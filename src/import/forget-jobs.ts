/** Ends imports that nobody sends any more, and forgets those that are over. */
import type { Session } from '../db/pool.ts';
import { now } from './job-tables.ts';

export function forgetJobs(session: Session) {
  return {
    /** Ends uploads whose client went away with the process that was receiving them. */
    async dropAbandoned(idleMs: number): Promise<void> {
      await session.modify(
        `UPDATE fhir_import_job SET state = 'failed', failure = 'The upload was not completed.', finished_at = ${now} WHERE state = 'receiving' AND touched_at < ${now} - INTERVAL ? MICROSECOND`,
        [idleMs * 1000],
      );
    },

    /** Forgets jobs that ended long ago, with their lines and ledgers; who a partner's resource is here is kept. */
    async forget(keepMs: number): Promise<void> {
      const rows = await session.rows(
        `SELECT job_id FROM fhir_import_job WHERE finished_at < ${now} - INTERVAL ? MICROSECOND AND state NOT IN ('receiving', 'fetching', 'running', 'undoing') LIMIT 20`,
        [keepMs * 1000],
      );
      for (const [id] of rows) await drop(session, Number(id));
    },

    drop: (jobId: number) => drop(session, jobId),
  };
}

/** Forgets a job altogether; who its resources are here is kept. */
async function drop(session: Session, jobId: number): Promise<void> {
  for (const table of ['fhir_import_chunk', 'fhir_import_file', 'fhir_import_job'])
    await session.modify(`DELETE FROM ${table} WHERE job_id = ?`, [jobId]);
  await session.modify('DELETE FROM fhir_import_alias WHERE source = ?', [`?${jobId}`]);
}
