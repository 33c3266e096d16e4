/** Does the work of one chunk: what is new goes in set-wise in one transaction with its ledger, the rest resource by resource. */
import { ClaimedMeanwhile } from '../db/bulk-create.ts';
import { isDuplicate } from '../db/errors.ts';
import { claimPlaces, keepOvertaken, WrittenMeanwhile } from './earlier-lines.ts';
import type { Chunk, Job, LineOutcome } from './job.ts';
import type { ImportParts } from './parts.ts';
import { predict } from './predict.ts';
import { prepareChunk } from './prepare.ts';
import type { Prepared } from './prepared.ts';
import { settleOpen } from './settle-open.ts';
import type { Stopwatch } from './stopwatch.ts';
import { writeNew } from './write-new.ts';
import { writeSingle } from './write-single.ts';

/** Another writer may make the same resource at the same moment; then it is looked at again. */
const racesMax = 5;

export interface ChunkSettings {
  /** False after something went wrong with the chunk as a whole: then each line is on its own. */
  readonly setWise: boolean;
  /** Called now and then during long work: keeps the chunk. */
  readonly alive: () => Promise<void>;
  /** Told of what must not happen; the line it happened to fails alone. */
  readonly onBug?: (failure: unknown) => void;
  readonly watch?: Stopwatch;
}

/** @throws Overtaken when another worker has the chunk; FhirError `unavailable` when the database is away. */
export async function workChunk(given: ImportParts, job: Job, taken: Chunk, settings: ChunkSettings): Promise<void> {
  let chunk = taken;
  for (let race = 0; ; ) {
    // Lines may refer to what MediMax has only just written.
    await given.parts.journal.settle();
    settings.watch?.lap('readMs');
    const prepared = await prepareChunk(given, job, chunk, settings);
    await settings.alive();
    try {
      const ledger = job.options.dryRun
        ? await predict(given, job, chunk, prepared)
        : await write(given, job, chunk, prepared, settings);
      await settleOpen(given, job, ledger);
      const again = ledger.some(({ s }) => s === 'pending') && prepared.created.length + prepared.singles.length > 0;
      const final = again
        ? ledger
        : ledger.map((outcome) => (outcome.s === 'pending' ? { ...outcome, s: 'waiting' as const } : outcome));
      await given.store.transaction(async (on) => {
        if (!job.options.dryRun) await keepOvertaken(on, chunk, final);
        await given.store.save(on, chunk, final, !again);
      });
      settings.watch?.lap('reportMs');
      if (!again) return;
      chunk = { ...chunk, ledger: final };
    } catch (thrown) {
      race += 1;
      const isRace = isDuplicate(thrown) || thrown instanceof ClaimedMeanwhile || thrown instanceof WrittenMeanwhile;
      if (!isRace || race > racesMax) throw thrown;
    }
  }
}

async function write(
  given: ImportParts,
  job: Job,
  chunk: Chunk,
  prepared: Prepared,
  settings: ChunkSettings,
): Promise<LineOutcome[]> {
  if (prepared.claims.length > 0) {
    await given.store.transaction(async (on) => {
      await given.store.hold(on, chunk);
      await claimPlaces(on, job, prepared.claims);
    });
  }
  const ledger = await writeNew(given, job, chunk, prepared);
  settings.watch?.lap('loadMs');
  let sinceAlive = 0;
  for (const single of prepared.singles) {
    ledger[single.parsed.index] = await writeSingle(given, job, chunk, single, settings);
    sinceAlive += 1;
    if (sinceAlive % 50 === 0) await settings.alive();
  }
  settings.watch?.lap('singlesMs');
  return ledger;
}
