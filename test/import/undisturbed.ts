/** The same lines imported in peace and in a storm: what the two have in common must be everything. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { labLines } from '../../bench/import-lines.ts';
import type { Job } from '../../src/import/job.ts';
import { contentOf, type ImportGateway, importLines, summary } from './support.ts';
import type { WorkerProcess } from './worker-process.ts';

/** New lines, then some of the same people and results said differently: updates, one by one. */
export function waves(created: number, corrected: number): readonly (readonly string[])[] {
  const first = [...labLines(created)];
  const say = (line: string) => line.replace('"Anna"', '"Anna","Maria"').replace('"status":"final"', '"status":"amended"');
  return [first, first.slice(0, corrected).map(say)];
}

/** People of different sources are different people. */
export const linesOf = (source: string, wave: readonly string[]): string[] =>
  wave.map((line) => line.replaceAll('LAB-', `${source}-`));

export interface Undisturbed {
  readonly counts: readonly unknown[];
  readonly content: string;
  /** Rows that it has added to each table. */
  readonly growth: Readonly<Record<string, number>>;
}

const calm = 'calm';

export async function importInPeace(given: ImportGateway, all: readonly (readonly string[])[]): Promise<Undisturbed> {
  const before = await given.tables();
  const counts: unknown[] = [];
  for (const wave of all) counts.push(await summary(given, await importLines(given, calm, linesOf(calm, wave))));
  return { counts, content: await contentOf(given, calm), growth: difference(before, await given.tables()) };
}

/** Takes the lines in; who works on them is another matter. */
export async function receive(given: ImportGateway, source: string, wave: readonly string[]): Promise<Job> {
  const bytes = Buffer.from(linesOf(source, wave).join('\n'));
  const stream = (async function* () {
    yield bytes;
  })();
  return given.desk.receive({ source, dryRun: false }, [{ name: 'lab.ndjson', kind: 'ndjson', stream }]);
}

/** `before`: the rows of all tables before the storm. */
export async function assertAsUndisturbed(
  given: ImportGateway,
  expected: Undisturbed,
  source: string,
  jobs: readonly Job[],
  before: Readonly<Record<string, number>>,
): Promise<void> {
  const counts: unknown[] = [];
  for (const job of jobs) counts.push(await summary(given, job));
  assert.deepEqual(counts, expected.counts);
  const content = expected.content.replaceAll(`${calm}.`, `${source}.`).replaceAll(`${calm}-`, `${source}-`);
  assert.deepEqual((await contentOf(given, source)).split('\n'), content.split('\n').sort());
  assert.deepEqual(difference(before, await given.tables()), expected.growth);
}

function difference(before: Readonly<Record<string, number>>, now: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(now).map(([table, count]) => [table, count - (before[table] ?? 0)]));
}

/** What has not come by then does not come. */
const stuckMs = 300_000;

/**
 * Waits for something that the worker does; it must not end by itself meanwhile. Where the database is away, it is asked again; what
 * `holds` asserts must hold all the time.
 */
export async function until(worker: WorkerProcess, holds: () => Promise<boolean>): Promise<void> {
  const ask = (): Promise<boolean> =>
    holds().catch((failure) => {
      if (failure instanceof assert.AssertionError) throw failure;
      return false;
    });
  const deadline = Date.now() + stuckMs;
  while (!(await ask())) {
    assert.ok(Date.now() < deadline, 'nothing moves any more');
    assert.ok(!worker.hasEnded(), 'the worker has ended by itself');
    await sleep(5);
  }
}

export const isOver = async ({ desk }: ImportGateway, job: Job): Promise<boolean> => (await desk.job(job.name)).state === 'done';

export const chunksDone = async ({ desk }: ImportGateway, job: Job): Promise<number> =>
  (await desk.parts.store.progress(job.id)).chunksDone;
