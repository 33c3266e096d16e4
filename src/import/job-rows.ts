/** The row of each import job: made, found, and moved from state to state. */
import { randomBytes } from 'node:crypto';
import type { Session } from '../db/pool.ts';
import type { Job, JobState } from './job.ts';
import { now } from './job-tables.ts';

const jobColumns = 'job_id, name, source, state, options, pass, last_pass, created_at, finished_at, failure';

export function jobRows(session: Session) {
  return {
    async create(source: string, options: Job['options'], state: 'receiving' | 'fetching' = 'receiving'): Promise<Job> {
      const name = randomBytes(12).toString('base64url').replaceAll('_', 'x').replaceAll('-', 'y');
      await session.modify(
        `INSERT INTO fhir_import_job (name, source, state, options, created_at, touched_at) VALUES (?, ?, ?, ?, ${now}, ${now})`,
        [name, source, state, JSON.stringify(options)],
      );
      const job = await byName(session, name);
      if (!job) throw new Error('The job just made is not there');
      return job;
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
      const [row] = await session.rows(
        "SELECT COUNT(*) FROM fhir_import_job WHERE source = ? AND state IN ('receiving', 'fetching', 'running', 'undoing')",
        [source],
      );
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
    lastPass: Number(lastPass) === 1,
    createdAt: `${String(createdAt).replace(' ', 'T')}Z`,
    finishedAt: finishedAt === null ? null : `${String(finishedAt).replace(' ', 'T')}Z`,
    failure: text(failure),
  };
}
