/** One turn of a job: takes the next chunk that nobody is at work on, does it, and moves the job on. */

import { type Hindrance, hindranceOf } from '../db/errors.ts';
import type { Log } from '../log.ts';
import { Overtaken } from './chunk-lease.ts';
import type { Chunk, Job, LineOutcome, TurnResult } from './job.ts';
import type { ImportParts } from './parts.ts';
import { runFetch } from './run-fetch.ts';
import { createStopwatch } from './stopwatch.ts';
import { runUndo } from './undo.ts';
import { workChunk } from './work-chunk.ts';

/** After so many attempts that did not end well the lines of a chunk are taken one by one; after so many they are given up. */
const attemptsTogetherMax = 2;
const attemptsMax = 10;

/** What the database has hindered is left for a later turn, after a rest; nothing of it counts against the lines. */
export async function runTurn(
  given: ImportParts,
  jobId: number,
  leaseMs: number,
  log: Log,
  signal?: AbortSignal,
): Promise<TurnResult> {
  try {
    const result = await turn(given, jobId, leaseMs, log, signal);
    if (result.kind !== 'busy') given.patience.over(log);
    return result;
  } catch (thrown) {
    const hindrance = hindranceOf(thrown);
    if (!hindrance) throw thrown;
    await given.patience.rest(hindrance, thrown, log, signal);
    return { kind: 'busy' };
  }
}

async function turn(
  given: ImportParts,
  jobId: number,
  leaseMs: number,
  log: Log,
  signal: AbortSignal | undefined,
): Promise<TurnResult> {
  const job = await given.store.byId(jobId);
  if (job?.state === 'undoing') return runUndo(given, job, { leaseMs, log });
  if (job?.state === 'fetching') return runFetch(given, job, { leaseMs, log, ...(signal ? { signal } : {}) });
  if (job?.state !== 'running') return { kind: 'ended' };
  return given.pace.chunk(() => chunkTurn(given, job, leaseMs, log, signal));
}

async function chunkTurn(
  given: ImportParts,
  found: Job,
  usualLeaseMs: number,
  log: Log,
  signal: AbortSignal | undefined,
): Promise<TurnResult> {
  const { store, leaseStretch } = given;
  const jobId = found.id;
  const leaseMs = leaseStretch.of(usualLeaseMs);
  const takenAt = performance.now();
  const chunk = await store.take(found, leaseMs);
  if (!chunk) {
    const advanced = await store.advance(jobId);
    return advanced === 'next-pass' ? { kind: 'worked', chunk: 0 } : { kind: advanced === 'ended' ? 'ended' : 'busy' };
  }
  try {
    // Another worker may have begun the last pass before this chunk was taken; no pass ends while it is held.
    const job = await store.byId(jobId);
    if (job?.state !== 'running') return { kind: 'ended' };
    if (chunk.attempts > attemptsMax) await giveUp(given, chunk);
    else await workKept(given, job, chunk, leaseMs, log);
    leaseStretch.longEnough(performance.now() - takenAt, leaseMs);
  } catch (thrown) {
    if (thrown instanceof Overtaken) {
      leaseStretch.tooShort();
      await giveBack(given, chunk, 'overtaken', log, signal);
      return { kind: 'worked', chunk: chunk.no };
    }
    const hindrance = hindranceOf(thrown);
    if (hindrance) {
      await giveBack(given, chunk, hindrance, log, signal);
      throw thrown;
    }
    await store.release(chunk).catch(() => undefined); // the lease gives it back later
    log.error('import-chunk', {
      job: jobId,
      chunk: chunk.no,
      attempt: chunk.attempts,
      error: thrown instanceof Error ? thrown : new Error('not an error'),
    });
    return { kind: 'worked', chunk: chunk.no };
  }
  const advanced = await store.advance(jobId);
  return advanced === 'ended' ? { kind: 'ended' } : { kind: 'worked', chunk: chunk.no };
}

/** Tried until the database takes it: an attempt that still counts when the lease has ended brings the lines nearer to being given up. */
async function giveBack(
  { store, patience }: ImportParts,
  chunk: Chunk,
  why: Hindrance | 'overtaken',
  log: Log,
  signal: AbortSignal | undefined,
): Promise<void> {
  for (;;) {
    try {
      return await store.release(chunk, why);
    } catch (thrown) {
      const still = hindranceOf(thrown);
      if (!still || signal?.aborted) return;
      await patience.rest(still, thrown, log, signal);
    }
  }
}

/** Works on a chunk and renews the lease now and then. */
async function workKept(given: ImportParts, job: Job, chunk: Chunk, leaseMs: number, log: Log): Promise<void> {
  let renewedAt = Date.now();
  const alive = async () => {
    if (Date.now() - renewedAt < leaseMs / 4) return;
    await given.store.renew(chunk, leaseMs);
    renewedAt = Date.now();
  };
  const onBug = (thrown: unknown) =>
    log.error('import-line', { job: job.id, chunk: chunk.no, ...(thrown instanceof Error ? { error: thrown } : {}) });
  const watch = createStopwatch();
  await workChunk(given, job, chunk, { setWise: chunk.attempts <= attemptsTogetherMax, alive, onBug, watch });
  log.debug('import-chunk-done', { job: job.id, chunk: chunk.no, lines: chunk.lines.length, ...watch.laps });
}

/** Lines that bring down whoever touches them must not hold up the job for ever. */
async function giveUp({ store }: ImportParts, chunk: Chunk): Promise<void> {
  const text =
    'The gateway failed on this part of the file again and again; this is a fault of its own. Run the failed lines again later.';
  const before: readonly LineOutcome[] = chunk.ledger ?? chunk.lines.map(() => ({ s: 'pending' }));
  const ledger = before.map((outcome): LineOutcome => {
    if (outcome.s !== 'pending' && outcome.s !== 'waiting') return outcome;
    return {
      s: 'failed',
      ...(outcome.t === undefined ? {} : { t: outcome.t }),
      i: [{ severity: 'error', code: 'exception', text }],
    };
  });
  await store.transaction((on) => store.save(on, chunk, ledger, true));
}

/** Runs a job to its end, several chunks at a time. Resolves also when others do the last of it, or it is cancelled. */
export async function runJob(
  turns: { run(jobId: number): Promise<TurnResult> },
  jobId: number,
  options: { readonly atOnce: number; readonly signal?: AbortSignal },
): Promise<void> {
  const work = async () => {
    while (!options.signal?.aborted) {
      // A thread that has died left a chunk behind, which comes back when its lease has ended.
      const { kind } = await turns.run(jobId).catch((thrown): TurnResult => {
        if (!hindranceOf(thrown)) throw thrown;
        return { kind: 'busy' };
      });
      if (kind === 'ended') return;
      if (kind === 'busy') await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await Promise.all(Array.from({ length: options.atOnce }, work));
}
