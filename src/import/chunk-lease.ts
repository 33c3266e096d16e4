/** Who is at work on a chunk: who takes it raises its epoch, has it until the lease ends, and only the last taker can finish it. */
import type { Bound, Session } from '../db/pool.ts';
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

    hold,
    save,

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
  };
}

/** Locks the chunk against other takers until the transaction ends. @throws Overtaken */
async function hold(on: Session, chunk: Chunk): Promise<void> {
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
