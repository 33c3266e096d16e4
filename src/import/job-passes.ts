/** The passes of an import: each tries again what waits for other lines; a retry begins with the first. */
import { countOutcomes, type Job, type LineOutcome } from './job.ts';
import { type JobTables, now } from './job-tables.ts';
import { packLedger } from './packing.ts';
import { chunkNumbers, readChunk } from './stored-chunks.ts';

export function jobPasses({ session, transaction }: JobTables) {
  return {
    /**
     * Ends the job, or begins its next pass, when no chunk is left to do. Waiting lines are tried again as long as some of them
     * get on; then patients (`last_pass` 1) and after them all others (2) no longer wait for references that they can do without, as
     * others may stand on them; in the last pass (3) they have their final say.
     */
    async advance(jobId: number): Promise<'working' | 'next-pass' | 'ended'> {
      return transaction(async (on) => {
        const [row] = await on.rows(
          "SELECT pass, waited, last_pass FROM fhir_import_job WHERE job_id = ? AND state = 'running' FOR UPDATE",
          [jobId],
        );
        if (!row) return 'ended';
        const [left] = await on.rows(
          'SELECT COUNT(CASE WHEN state < 2 THEN 1 END), COALESCE(SUM(waiting), 0) FROM fhir_import_chunk WHERE job_id = ?',
          [jobId],
        );
        if (Number(left?.[0]) > 0) return 'working';
        const waiting = Number(left?.[1]);
        const lastPass = Number(row[2]);
        if (waiting === 0 || lastPass === 3) {
          await on.modify(
            `UPDATE fhir_import_job SET state = 'done', touched_at = ${now}, finished_at = ${now} WHERE job_id = ?`,
            [jobId],
          );
          return 'ended';
        }
        const stuck = row[1] !== null && Number(row[1]) === waiting;
        await on.modify('UPDATE fhir_import_chunk SET state = 0 WHERE job_id = ? AND waiting > 0', [jobId]);
        await on.modify(
          `UPDATE fhir_import_job SET pass = pass + 1, waited = ?, last_pass = ?, touched_at = ${now} WHERE job_id = ?`,
          [stuck ? null : waiting, stuck ? lastPass + 1 : lastPass, jobId],
        );
        return 'next-pass';
      });
    },

    /** Failed lines are to be done again, alone. Returns how many there are; those that a retry which was cut short has left are among them. */
    async retryFailed(job: Job): Promise<number> {
      const isOpen = ({ s }: LineOutcome) => s === 'failed' || s === 'pending' || s === 'waiting';
      let again = 0;
      for (const no of await chunkNumbers(session, job.id)) {
        const chunk = await readChunk(session, job.id, no);
        if (!chunk.ledger?.some(isOpen)) continue;
        const ledger = chunk.ledger.map((outcome): LineOutcome => {
          if (!isOpen(outcome)) return outcome;
          again += 1;
          return outcome.t === undefined ? { s: 'pending' } : { s: 'pending', t: outcome.t };
        });
        await session.modify(
          'UPDATE fhir_import_chunk SET state = 0, attempts = 0, counts = ?, ledger = ? WHERE job_id = ? AND chunk_no = ? AND state <> 1',
          [JSON.stringify(countOutcomes(ledger)), await packLedger(ledger), job.id, no],
        );
      }
      if (again > 0) {
        await session.modify(
          `UPDATE fhir_import_job SET state = 'running', pass = 1, waited = NULL, last_pass = 0, touched_at = ${now}, finished_at = NULL WHERE job_id = ? AND state = 'done'`,
          [job.id],
        );
      }
      return again;
    },
  };
}
