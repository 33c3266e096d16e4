/** Imports of a laboratory's lines, new and repeated, against LOAD DATA of the finished rows into tables of the same form. */
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import type { Bench, Figure, LoopProcess, Site, Slice } from './bench.ts';
import { labLines } from './import-lines.ts';
import type { ImportOrder, ImportReport } from './import-loop.ts';
import { importTables, type LimitOrder } from './limits/import-limit.ts';
import { spreadOf } from './spread.ts';

/** Of what LOAD DATA makes. */
const loadGoal = 0.25;
/** Of what a loop of single inserts makes: ten thousand lines where it makes fifteen hundred. */
const insertGoal = 6.7;
/** How much more memory a file may take that is this much longer. */
const longFile = 10;
const memoryGoal = 1.1;

const lines = 20_000;
const longestMs = 900_000;

export const bench: Bench = {
  what: `imports of ${lines} lines, end to end and searchable, against LOAD DATA of the finished rows of all tables`,
  async run(site) {
    for (const [table] of importTables) await site.sql(`CREATE TABLE bench_${table} LIKE ${table}`);
    const limit = await site.loop(new URL('limits/import-limit.ts', import.meta.url));
    const importer = await startImporter(site);
    const file = join(site.folder, 'lines.ndjson');
    const limitRate = async (way: LimitOrder['way']) => rate(await limit.contender({ way, lines }).run(longestMs));
    const importing = (again: boolean) => importer.ask<ImportReport>({ file, lines, again } satisfies ImportOrder, longestMs);

    let next = 0;
    const loaded: number[] = [];
    const inserted: number[] = [];
    const repeated: number[] = [];
    for (let round = 0; round <= site.pace.rounds; round += 1) {
      await writeLines(file, next, lines);
      next += lines;
      await limitRate('skip');
      const fresh = rate(await importing(false));
      const load = await limitRate('load');
      const again = rate(await importing(true));
      const single = await limitRate('insert');
      if (process.env['BENCH_RAW']) console.error([fresh, again, load, single].map(Math.round).join(' '), 'lines/s');
      if (round === 0) continue; // until everything is warm
      loaded.push(fresh / load);
      repeated.push(again / load);
      inserted.push(fresh / single);
    }
    const short = peakOf(site);
    site.say(`a file of ${longFile * lines} lines`);
    await writeLines(file, next, longFile * lines);
    next += longFile * lines;
    await importer.ask<ImportReport>({ file, lines: longFile * lines, again: false } satisfies ImportOrder, longestMs);
    const long = peakOf(site);
    await writeLines(file, next, lines);
    const inTurn = await importer.ask<ImportReport>({ file, lines, again: false, inTurn: true } satisfies ImportOrder, longestMs);
    return [
      figure('new lines', loaded, loadGoal),
      figure('repeated lines', repeated, loadGoal),
      figure('new lines : single inserts of their rows', inserted, insertGoal),
      {
        name: `memory, a file ${longFile} times as long : short`,
        of: 'memory',
        ratio: spreadOf([long / short]),
        goal: memoryGoal,
      },
      ...stagesOf(inTurn),
    ];
  },
};

const figure = (name: string, values: readonly number[], goal: number): Figure => ({
  name,
  of: 'throughput',
  ratio: spreadOf(values),
  goal,
});

function peakOf(site: Site): number {
  return site.peakMemory().find(({ name }) => name === 'importer')?.megabytes ?? Number.NaN;
}

/** Shares of the time that the stages of all chunks took, one chunk after the other. */
function stagesOf({ stages }: ImportReport): Figure[] {
  const whole = Object.values(stages).reduce((sum, ms) => sum + ms, 0);
  return Object.entries(stages).map(([stage, ms]) => ({
    name: `  ${stage}`,
    of: 'share of the time',
    ratio: spreadOf([ms / whole]),
  }));
}

/** As `npm run import` and `npm run worker` start it. */
export function startImporter(site: Site): Promise<LoopProcess> {
  return site.loop(new URL('import-loop.ts', import.meta.url), {
    name: 'importer',
    nodeArgs: ['--max-old-space-size=112', '--max-semi-space-size=4', '--single-threaded-gc', '--no-incremental-marking'],
    env: { MALLOC_ARENA_MAX: '1', MALLOC_TRIM_THRESHOLD_: '131072', MALLOC_MMAP_THRESHOLD_: '131072' },
  });
}

export async function writeLines(file: string, start: number, count: number): Promise<void> {
  const out = createWriteStream(file);
  for (const line of labLines(count, start)) if (!out.write(`${line}\n`)) await once(out, 'drain');
  out.end();
  await once(out, 'close');
}

function rate({ done, seconds }: Pick<Slice, 'done' | 'seconds'>): number {
  return done / seconds;
}
