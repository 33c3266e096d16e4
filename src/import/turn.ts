/** One turn of a job: takes the next chunk that nobody is at work on, does it, and moves the job on. */

import { FhirError } from '../fhir/outcome.ts';
import type { Log } from '../log.ts';
import { Overtaken } from './chunk-lease.ts';
import type { Chunk, Job, LineOutcome, TurnResult } from './job.ts';
import type { ImportParts } from './parts.ts';
import { runFetch } from './run-fetch.ts';
import { runUndo } from './undo.ts';
import { workChunk } from './work-chunk.ts';

/** After so many attempts that did not end well the lines of a chunk are taken one by one; after so many they are given up. */
const attemptsTogetherMax = 2;
const attemptsMax = 10;

export async function runTurn(
  given: ImportParts,
  jobId: number,
  leaseMs: number,
  log: Log,
  signal?: AbortSignal,
): Promise<TurnResult> {
  const { store } = given;
  let job = await store.byId(jobId);
  if (job?.state === 'undoing') return runUndo(given, job, leaseMs);
  if (job?.state === 'fetching') return runFetch(given, job, { leaseMs, log, ...(signal ? { signal } : {}) });
  if (job?.state !== 'running') return { kind: 'ended' };
  const chunk = await store.take(job, leaseMs);
  if (!chunk) {
    const advanced = await store.advance(jobId);
    return advanced === 'next-pass' ? { kind: 'worked', chunk: 0 } : { kind: advanced === 'ended' ? 'ended' : 'busy' };
  }
  // Another worker may have begun the last pass before this chunk was taken; no pass ends while it is held.
  job = await store.byId(jobId);
  if (job?.state !== 'running') return { kind: 'ended' };
  try {
    if (chunk.attempts > attemptsMax) await giveUp(given, chunk);
    else await workKept(given, job, chunk, leaseMs, log);
  } catch (thrown) {
    if (thrown instanceof Overtaken) return { kind: 'worked', chunk: chunk.no };
    await store.release(chunk);
    if (thrown instanceof FhirError && thrown.kind === 'unavailable') throw thrown;
    log.error('import-chunk', {
      job: job.id,
      chunk: chunk.no,
      attempt: chunk.attempts,
      error: thrown instanceof Error ? thrown : new Error('not an error'),
    });
    return { kind: 'worked', chunk: chunk.no };
  }
  const advanced = await store.advance(jobId);
  return advanced === 'ended' ? { kind: 'ended' } : { kind: 'worked', chunk: chunk.no };
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
  await workChunk(given, job, chunk, { setWise: chunk.attempts <= attemptsTogetherMax, alive, onBug });
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

/** Runs a job to its end in this process, several chunks at a time. Resolves also when others do the last of it, or it is cancelled. */
export async function runJob(
  given: ImportParts,
  jobId: number,
  options: { readonly atOnce: number; readonly leaseMs: number; readonly log: Log; readonly signal?: AbortSignal },
): Promise<void> {
  const work = async () => {
    while (!options.signal?.aborted) {
      const { kind } = await runTurn(given, jobId, options.leaseMs, options.log, options.signal);
      if (kind === 'ended') return;
      if (kind === 'busy') await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await Promise.all(Array.from({ length: options.atOnce }, work));
}
