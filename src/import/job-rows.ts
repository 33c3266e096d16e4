/** The row of each import job: made, found, and moved from state to state. */
import { randomBytes } from 'node:crypto';
import type { Session } from '../db/pool.ts';
import type { Job, JobState } from './job.ts';
import { type JobTables, now } from './job-tables.ts';

const jobColumns = 'job_id, name, source, state, options, pass, last_pass, created_at, finished_at, failure';

const open = "('receiving', 'fetching', 'running', 'undoing')";

export function jobRows({ session, transaction }: JobTables) {
  return {
    /** Null when as many of the source are under way as may be. */
    async create(
      source: string,
      options: Job['options'],
      jobsMax: number,
      state: 'receiving' | 'fetching' = 'receiving',
    ): Promise<Job | null> {
      const name = randomBytes(12).toString('base64url').replaceAll('_', 'x').replaceAll('-', 'y');
      await transaction(async (on) => {
        await on.modify(
          `INSERT INTO fhir_import_job (name, source, state, options, created_at, touched_at) VALUES (?, ?, ?, ?, ${now}, ${now})`,
          [name, source, state, JSON.stringify(options)],
        );
        const job = await byName(on, name);
        // A locking read waits for the jobs before that are not committed yet: of many at once, the first are let in.
        const before = await on.rows(
          `SELECT job_id FROM fhir_import_job FORCE INDEX (idx_import_job_source) WHERE source = ? AND state IN ${open} AND job_id < ? LOCK IN SHARE MODE`,
          [source, job?.id ?? 0],
        );
        if (before.length >= jobsMax) await on.modify('DELETE FROM fhir_import_job WHERE name = ?', [name]);
      });
      return byName(session, name);
    },

    /** Moves a job on, if it is in one of these states; false when it is not. */
    async move(jobId: number, from: readonly JobState[], to: JobState, failure: string | null = null): Promise<boolean> {
      const ends = to === 'running' || to === 'undoing' ? 'NULL' : now;
      const { affectedRows } = await session.modify(
        `UPDATE fhir_import_job SET state = ?, failure = ?, touched_at = ${now}, finished_at = ${ends} WHERE job_id = ? AND state IN (${from.map(() => '?').join(', ')})`,
        [to, failure, jobId, ...from],
      );
      return affectedRows > 0;
    },

    byName: (name: string) => byName(session, name),
    byId: (jobId: number) => byId(session, jobId),

    async list(limit: number): Promise<Job[]> {
      const rows = await session.rows(`SELECT ${jobColumns} FROM fhir_import_job ORDER BY job_id DESC LIMIT ${limit}`);
      return rows.map(jobOf);
    },

    async openJobs(source: string): Promise<number> {
      const [row] = await session.rows(`SELECT COUNT(*) FROM fhir_import_job WHERE source = ? AND state IN ${open}`, [source]);
      return Number(row?.[0]);
    },

    /** Jobs with something to do. */
    async running(): Promise<Job[]> {
      const rows = await session.rows(
        `SELECT ${jobColumns} FROM fhir_import_job WHERE state IN ('fetching', 'running', 'undoing') ORDER BY job_id`,
      );
      return rows.map(jobOf);
    },
  };
}

async function byName(session: Session, name: string): Promise<Job | null> {
  const [row] = await session.rows(`SELECT ${jobColumns} FROM fhir_import_job WHERE name = ?`, [name]);
  return row ? jobOf(row) : null;
}

async function byId(session: Session, jobId: number): Promise<Job | null> {
  const [row] = await session.rows(`SELECT ${jobColumns} FROM fhir_import_job WHERE job_id = ?`, [jobId]);
  return row ? jobOf(row) : null;
}

function jobOf(row: readonly (string | number | null)[]): Job {
  const [id, name, source, state, options, pass, lastPass, createdAt, finishedAt, failure] = row;
  const text = (value: string | number | null | undefined) => (value === null || value === undefined ? null : String(value));
  return {
    id: Number(id),
    name: String(name),
    source: String(source),
    state: String(state) as JobState, // the store wrote it
    options: JSON.parse(String(options)),
    pass: Number(pass),
    hurries: Number(lastPass) === 0 ? 'none' : Number(lastPass) === 1 ? 'patients' : 'all',
    lastPass: Number(lastPass) === 3,
    createdAt: `${String(createdAt).replace(' ', 'T')}Z`,
    finishedAt: finishedAt === null ? null : `${String(finishedAt).replace(' ', 'T')}Z`,
    failure: text(failure),
  };
}
