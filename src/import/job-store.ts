/** Jobs and chunks in the database: the truth about every import. Who takes a chunk raises its epoch; only the last taker can finish it. */
import type { Journal } from '../db/journal/journal.ts';
import { type Pool, sessionOf } from '../db/pool.ts';
import { inTransaction } from '../db/transaction.ts';
import { chunkLease } from './chunk-lease.ts';
import { chunkSink } from './chunk-sink.ts';
import { forgetJobs } from './forget-jobs.ts';
import { jobPasses } from './job-passes.ts';
import { jobProgress } from './job-progress.ts';
import { jobRows } from './job-rows.ts';
import type { JobTables } from './job-tables.ts';
import { chunkNumbers, readChunk } from './stored-chunks.ts';
import { undoState } from './undo-state.ts';

export type JobStore = ReturnType<typeof createJobStore>;

export function createJobStore(pool: Pool, journal: Journal, timeoutMs: number) {
  // MediMax may be waiting for the processor.
  const session = { ...sessionOf(pool, timeoutMs), brief: true };
  const tables: JobTables = {
    session,
    transaction: (work) => inTransaction(pool, { deadline: Date.now() + timeoutMs, timeoutMs, journal, brief: true }, work),
  };

  return {
    ...tables,
    ...jobRows(tables),
    ...jobProgress(session),
    ...jobPasses(tables),
    ...chunkSink((_jobId, write) => write(session)),
    ...chunkLease(tables),
    chunkNumbers: (jobId: number) => chunkNumbers(session, jobId),
    readChunk: (jobId: number, chunkNo: number) => readChunk(session, jobId, chunkNo),
    ...undoState(tables),
    ...forgetJobs(session),
  };
}
