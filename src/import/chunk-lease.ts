/** Who is at work on a chunk: who takes it raises its epoch, has it until the lease ends, and only the last taker can finish it. */
import { type Hindrance, hindranceOf } from '../db/errors.ts';
import type { Bound, Session } from '../db/pool.ts';
import type { RowsInTransaction } from '../db/repository.ts';
import { type Chunk, countOutcomes, type Job, type LineOutcome } from './job.ts';
import { type JobTables, now } from './job-tables.ts';
import { packLedger } from './packing.ts';
import { readChunk } from './stored-chunks.ts';

/** Thrown when another worker has taken the chunk meanwhile: its outcome counts, ours is dropped. */
export class Overtaken extends Error {}

export function chunkLease({ session, transaction }: JobTables) {
  return {
    /** The next chunk of a job that nobody is at work on; the taker has it until its lease ends. Null: none is free now. */
    async take(job: Job, leaseMs: number): Promise<Chunk | null> {
      const found = await transaction(async (on) => {
        const free = `SELECT chunk_no, epoch FROM fhir_import_chunk WHERE job_id = ? AND`;
        const lock = 'ORDER BY chunk_no LIMIT 1 FOR UPDATE SKIP LOCKED';
        const [fresh] = await on.rows(`${free} state = 0 ${lock}`, [job.id]);
        const [row] = fresh ? [fresh] : await on.rows(`${free} state = 1 AND lease_until < ${now} ${lock}`, [job.id]);
        if (!row) return null;
        await on.modify(
          `UPDATE fhir_import_chunk SET state = 1, epoch = epoch + 1, attempts = attempts + 1, lease_until = ${now} + INTERVAL ? MICROSECOND WHERE job_id = ? AND chunk_no = ?`,
          [leaseMs * 1000, job.id, Number(row[0])],
        );
        return { jobId: job.id, no: Number(row[0]), epoch: Number(row[1]) + 1 };
      });
      if (!found) return null;
      const chunk = await readChunk(session, job.id, found.no).catch(async (failure) => {
        await release(session, found, hindranceOf(failure)).catch(() => undefined); // the lease gives it back later
        throw failure;
      });
      if (chunk.epoch === found.epoch) return chunk;
      // Between the two statements this process has stood still longer than the lease: it is another's.
      await release(session, found, 'overtaken');
      return null;
    },

    /** Keeps a chunk that takes long. @throws Overtaken */
    async renew(chunk: Chunk, leaseMs: number): Promise<void> {
      const { affectedRows } = await session.modify(
        `UPDATE fhir_import_chunk SET lease_until = ${now} + INTERVAL ? MICROSECOND WHERE job_id = ? AND chunk_no = ? AND epoch = ? AND state = 1`,
        [leaseMs * 1000, chunk.jobId, chunk.no, chunk.epoch],
      );
      if (affectedRows === 0) throw new Overtaken();
    },

    hold,
    save,

    release: (place: ChunkPlace, why?: Hindrance | 'overtaken') => release(session, place, why),
  };
}

type ChunkPlace = Pick<Chunk, 'jobId' | 'no' | 'epoch'>;

/** Attempts that the locks of others have ended make the lines go one by one, and never count as more than these. */
const busyAttemptsMax = 3;

/**
 * Gives a chunk back that was not finished; somebody else may take it at once. An attempt that the database has hindered was none, not even
 * when another worker has taken the chunk meanwhile; nor was one that only took too long: who lives to tell has not been brought down by a line.
 */
async function release(session: Session, { jobId, no, epoch }: ChunkPlace, why?: Hindrance | 'overtaken'): Promise<void> {
  const isLocked = why === 'busy' || why === 'slow';
  const attempts = isLocked ? `LEAST(attempts, ${busyAttemptsMax})` : why ? 'GREATEST(attempts, 1) - 1' : 'attempts';
  await session.modify(
    `UPDATE fhir_import_chunk SET attempts = ${attempts}, state = IF(epoch = ? AND state = 1, 0, state) WHERE job_id = ? AND chunk_no = ?`,
    [epoch, jobId, no],
  );
}

/** Locks the chunk against other takers until the transaction ends. @throws Overtaken */
async function hold(on: RowsInTransaction, chunk: Chunk): Promise<void> {
  const [row] = await on.rows('SELECT epoch, state FROM fhir_import_chunk WHERE job_id = ? AND chunk_no = ? FOR UPDATE', [
    chunk.jobId,
    chunk.no,
  ]);
  if (Number(row?.[0]) !== chunk.epoch || Number(row?.[1]) !== 1) throw new Overtaken();
}

/** Keeps what became of the lines. `done`: nothing of this chunk is left to do in this pass. Within the transaction that did it. */
async function save(on: Session, chunk: Chunk, ledger: readonly LineOutcome[], done: boolean): Promise<void> {
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
}
