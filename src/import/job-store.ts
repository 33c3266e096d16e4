/** Jobs and chunks in the database: the truth about every import. Who takes a chunk raises its epoch; only the last taker can finish it. */

import { randomBytes } from 'node:crypto';
import type { Journal } from '../db/journal/journal.ts';
import type { Bound, Pool, Session } from '../db/pool.ts';
import { sessionOf } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import { chunkSink } from './chunk-sink.ts';
import {
  addCounts,
  type Chunk,
  type Counts,
  countOutcomes,
  type FileKind,
  type Job,
  type JobState,
  type LineOutcome,
  type UndoConflict,
} from './job.ts';
import { packLedger, unpackLedger, unpackLines } from './packing.ts';

/** Thrown when another worker has taken the chunk meanwhile: its outcome counts, ours is dropped. */
export class Overtaken extends Error {}

export interface Progress {
  readonly chunks: number;
  readonly chunksDone: number;
  readonly waiting: number;
  readonly lines: number;
  readonly counts: Counts;
}

export interface StoredFile {
  readonly no: number;
  readonly name: string;
  readonly kind: FileKind;
  readonly lines: number;
  readonly bytes: number;
}

export type JobStore = ReturnType<typeof createJobStore>;

const jobColumns = 'job_id, name, source, state, options, pass, last_pass, created_at, finished_at, failure';
const now = 'UTC_TIMESTAMP(6)';

export function createJobStore(pool: Pool, journal: Journal, timeoutMs: number) {
  const session = sessionOf(pool, timeoutMs);
  const transaction = <Result>(work: (session: Session) => Promise<Result>) =>
    inTransaction(pool, { deadline: Date.now() + timeoutMs, timeoutMs, journal }, work);

  return {
    session,
    transaction,

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

    ...chunkSink((_jobId, write) => write(session)),

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

    async files(jobId: number): Promise<StoredFile[]> {
      const rows = await session.rows(
        'SELECT file_no, name, kind, line_count, byte_count FROM fhir_import_file WHERE job_id = ? ORDER BY file_no',
        [jobId],
      );
      return rows.map(([no, name, kind, lines, bytes]) => ({
        no: Number(no),
        name: String(name),
        kind: kind === 'bundle' ? 'bundle' : 'ndjson',
        lines: Number(lines),
        bytes: Number(bytes),
      }));
    },

    async progress(jobId: number): Promise<Progress> {
      const rows = await session.rows(
        'SELECT state, waiting, line_count, counts FROM fhir_import_chunk WHERE job_id = ? ORDER BY chunk_no',
        [jobId],
      );
      return {
        chunks: rows.length,
        chunksDone: rows.filter(([state]) => Number(state) === 2).length,
        waiting: rows.reduce((sum, [, waiting]) => sum + Number(waiting), 0),
        lines: rows.reduce((sum, [, , lines]) => sum + Number(lines), 0),
        counts: addCounts(rows.flatMap(([, , , counts]) => (counts ? [JSON.parse(String(counts)) as Counts] : []))),
      };
    },

    /** The next chunk of a job that nobody is at work on; the taker has it until its lease ends. Null: none is free now. */
    async take(job: Job, leaseMs: number): Promise<Chunk | null> {
      const found = await transaction(async (on) => {
        const free = `SELECT chunk_no FROM fhir_import_chunk WHERE job_id = ? AND`;
        const lock = 'ORDER BY chunk_no LIMIT 1 FOR UPDATE SKIP LOCKED';
        const [fresh] = await on.rows(`${free} state = 0 ${lock}`, [job.id]);
        const [row] = fresh ? [fresh] : await on.rows(`${free} state = 1 AND lease_until < ${now} ${lock}`, [job.id]);
        if (!row) return null;
        await on.modify(
          `UPDATE fhir_import_chunk SET state = 1, epoch = epoch + 1, attempts = attempts + 1, lease_until = ${now} + INTERVAL ? MICROSECOND WHERE job_id = ? AND chunk_no = ?`,
          [leaseMs * 1000, job.id, Number(row[0])],
        );
        return Number(row[0]);
      });
      return found === null ? null : readChunk(session, job.id, found);
    },

    readChunk: (jobId: number, chunkNo: number) => readChunk(session, jobId, chunkNo),

    /** Keeps a chunk that takes long. @throws Overtaken */
    async renew(chunk: Chunk, leaseMs: number): Promise<void> {
      const { affectedRows } = await session.modify(
        `UPDATE fhir_import_chunk SET lease_until = ${now} + INTERVAL ? MICROSECOND WHERE job_id = ? AND chunk_no = ? AND epoch = ? AND state = 1`,
        [leaseMs * 1000, chunk.jobId, chunk.no, chunk.epoch],
      );
      if (affectedRows === 0) throw new Overtaken();
    },

    /** @throws Overtaken when another worker has the chunk now */
    async check(chunk: Chunk): Promise<void> {
      const [row] = await session.rows('SELECT epoch, state FROM fhir_import_chunk WHERE job_id = ? AND chunk_no = ?', [
        chunk.jobId,
        chunk.no,
      ]);
      if (Number(row?.[0]) !== chunk.epoch || Number(row?.[1]) !== 1) throw new Overtaken();
    },

    /** Locks the chunk against other takers until the transaction ends. @throws Overtaken */
    async hold(on: Session, chunk: Chunk): Promise<void> {
      const [row] = await on.rows('SELECT epoch, state FROM fhir_import_chunk WHERE job_id = ? AND chunk_no = ? FOR UPDATE', [
        chunk.jobId,
        chunk.no,
      ]);
      if (Number(row?.[0]) !== chunk.epoch || Number(row?.[1]) !== 1) throw new Overtaken();
    },

    /** Keeps what became of the lines. `done`: nothing of this chunk is left to do in this pass. Within the transaction that did it. */
    async save(on: Session, chunk: Chunk, ledger: readonly LineOutcome[], done: boolean): Promise<void> {
      const waiting = ledger.filter(({ s, open }) => s === 'waiting' || open !== undefined).length;
      const values: Bound[] = [
        done ? 2 : 1,
        waiting,
        JSON.stringify(countOutcomes(ledger)),
        await packLedger(ledger),
        chunk.jobId,
        chunk.no,
        chunk.epoch,
      ];
      const { affectedRows } = await on.modify(
        'UPDATE fhir_import_chunk SET state = ?, attempts = 0, waiting = ?, counts = ?, ledger = ? WHERE job_id = ? AND chunk_no = ? AND epoch = ? AND state = 1',
        values,
      );
      if (affectedRows === 0) throw new Overtaken();
    },

    /**
     * Ends the job, or begins its next pass, when no chunk is left to do. Waiting lines are tried again as long as some of them
     * get on; in the last pass they have their final say.
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
        const lastPass = Number(row[2]) === 1;
        if (waiting === 0 || lastPass) {
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
          [waiting, stuck ? 1 : 0, jobId],
        );
        return 'next-pass';
      });
    },

    /** Jobs with something to do. */
    async running(): Promise<Job[]> {
      const rows = await session.rows(
        `SELECT ${jobColumns} FROM fhir_import_job WHERE state IN ('fetching', 'running', 'undoing') ORDER BY job_id`,
      );
      return rows.map(jobOf);
    },

    /** Chunks of a job that are free to take now, and finished ones: the latter tells one sweep from another. */
    async free(jobId: number): Promise<{ readonly free: number; readonly mark: string }> {
      const [row] = await session.rows(
        `SELECT COUNT(CASE WHEN state = 0 OR (state = 1 AND lease_until < ${now}) THEN 1 END), COUNT(CASE WHEN state = 2 THEN 1 END), SUM(epoch), COUNT(CASE WHEN state = 1 THEN 1 END) FROM fhir_import_chunk WHERE job_id = ?`,
        [jobId],
      );
      const all = Number(row?.[0]) + Number(row?.[3]);
      return { free: all === 0 ? 1 : Number(row?.[0]), mark: `${Number(row?.[1])}.${Number(row?.[2])}` };
    },

    async touch(jobId: number): Promise<void> {
      await session.modify(`UPDATE fhir_import_job SET touched_at = ${now} WHERE job_id = ?`, [jobId]);
    },

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
      for (const [id] of rows) await this.drop(Number(id));
    },

    /** Gives a chunk back that was not finished; somebody else may take it at once. */
    async release(chunk: Chunk): Promise<void> {
      await session
        .modify('UPDATE fhir_import_chunk SET state = 0 WHERE job_id = ? AND chunk_no = ? AND epoch = ? AND state = 1', [
          chunk.jobId,
          chunk.no,
          chunk.epoch,
        ])
        .catch(() => undefined); // the lease gives it back later
    },

    /** Keeps an undo, or the fetching of files, for its holder; false while another has it. */
    async holdJob(jobId: number, holder: string, leaseMs: number, state: 'undoing' | 'fetching' = 'undoing'): Promise<boolean> {
      const { affectedRows } = await transaction((on) =>
        on.modify(
          `UPDATE fhir_import_job SET touched_at = ${now}, undo_result = ? WHERE job_id = ? AND state = ? AND (undo_result IS NULL OR undo_result = ? OR touched_at < ${now} - INTERVAL ? MICROSECOND)`,
          [JSON.stringify({ holder }), jobId, state, JSON.stringify({ holder }), leaseMs * 1000],
        ),
      );
      return affectedRows > 0;
    },

    async endUndo(
      jobId: number,
      result: { readonly undone: number; readonly conflicts: readonly UndoConflict[] },
    ): Promise<void> {
      await session.modify(
        `UPDATE fhir_import_job SET state = 'undone', undo_result = ?, touched_at = ${now}, finished_at = ${now} WHERE job_id = ? AND state = 'undoing'`,
        [JSON.stringify(result), jobId],
      );
    },

    async undoResult(jobId: number): Promise<{ readonly undone: number; readonly conflicts: readonly UndoConflict[] } | null> {
      const [row] = await session.rows("SELECT undo_result FROM fhir_import_job WHERE job_id = ? AND state = 'undone'", [jobId]);
      return row?.[0] ? JSON.parse(String(row[0])) : null;
    },

    /** So that the same line, sent again, is news again. */
    async forgetLine(rid: number, source: string, type: string, id: string): Promise<void> {
      await session.modify("UPDATE fhir_import_line SET digest = '' WHERE rid = ?", [rid]);
      await session.modify('UPDATE fhir_import_alias SET digest = NULL WHERE source = ? AND local_type = ? AND local_id = ?', [
        source,
        type,
        id,
      ]);
    },

    /** Failed lines are to be done again, alone; false when the job has none or is not over. */
    async retryFailed(job: Job): Promise<number> {
      let again = 0;
      for (const no of await this.chunkNumbers(job.id)) {
        const chunk = await readChunk(session, job.id, no);
        if (!chunk.ledger?.some(({ s }) => s === 'failed')) continue;
        const ledger = chunk.ledger.map((outcome): LineOutcome => {
          if (outcome.s !== 'failed') return outcome;
          again += 1;
          return outcome.t === undefined ? { s: 'pending' } : { s: 'pending', t: outcome.t };
        });
        await session.modify(
          'UPDATE fhir_import_chunk SET state = 0, attempts = 0, counts = ?, ledger = ? WHERE job_id = ? AND chunk_no = ? AND state = 2',
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

    /** Forgets a job altogether; who its resources are here is kept. */
    async drop(jobId: number): Promise<void> {
      for (const table of ['fhir_import_chunk', 'fhir_import_file', 'fhir_import_job'])
        await session.modify(`DELETE FROM ${table} WHERE job_id = ?`, [jobId]);
      await session.modify('DELETE FROM fhir_import_alias WHERE source = ?', [`?${jobId}`]);
    },

    async chunkNumbers(jobId: number): Promise<number[]> {
      const rows = await session.rows('SELECT chunk_no FROM fhir_import_chunk WHERE job_id = ? ORDER BY chunk_no', [jobId]);
      return rows.map(([no]) => Number(no));
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

async function readChunk(session: Session, jobId: number, chunkNo: number): Promise<Chunk> {
  const [row] = await session.rows(
    'SELECT c.file_no, f.kind, f.name, c.epoch, c.attempts, c.first_line, c.first_offset, c.body, c.places, c.ledger FROM fhir_import_chunk c JOIN fhir_import_file f ON f.job_id = c.job_id AND f.file_no = c.file_no WHERE c.job_id = ? AND c.chunk_no = ?',
    [jobId, chunkNo],
  );
  if (!row) throw new Error('A chunk has vanished');
  const [fileNo, kind, fileName, epoch, attempts, firstLine, firstOffset] = row;
  const [body, places, ledger] = row.slice(7) as unknown as [Buffer, Buffer | null, Buffer | null]; // BLOB columns
  return {
    jobId,
    no: chunkNo,
    fileNo: Number(fileNo),
    kind: kind === 'bundle' ? 'bundle' : 'ndjson',
    fileName: String(fileName),
    epoch: Number(epoch),
    attempts: Number(attempts),
    lines: await unpackLines({ body, places }, Number(firstLine), Number(firstOffset)),
    ledger: ledger === null ? null : await unpackLedger(ledger),
  };
}
