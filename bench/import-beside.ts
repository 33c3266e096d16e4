/** How long MediMax's own statements take while an import runs at full speed, against the same without one. */
import { join } from 'node:path';
import type { Bench, Figure } from './bench.ts';
import { startImporter, writeLines } from './import.ts';
import type { ImportOrder } from './import-loop.ts';
import type { Timings } from './limits/medimax-load.ts';
import { spreadOf } from './spread.ts';

const goal = 1.2;
const lines = 40_000;
const windowMs = 6000;
const longestMs = 300_000;

/** Percentiles that are compared: the goal is of the last. */
const percentiles = [50, 90, 99] as const;

export const bench: Bench = {
  what: `MediMax's own statements, 200 a second, beside an import of ${lines} lines, against the same statements alone`,
  async run(site) {
    const importer = await startImporter(site);
    const medimax = await site.loop(new URL('limits/medimax-load.ts', import.meta.url));
    const file = join(site.folder, 'lines.ndjson');
    const beside = new Map<string, number[]>();
    const rates: number[] = [];
    for (let round = 0; round <= site.pace.rounds; round += 1) {
      await writeLines(file, round * lines, lines);
      const alone = await medimax.ask<Timings>(null, windowMs);
      const order: ImportOrder = { file, lines, again: false };
      const importing = importer.ask<{ done: number; seconds: number }>(order, longestMs);
      await new Promise((resolve) => setTimeout(resolve, 500)); // the file is taken in, and its lines are coming
      const during = await medimax.ask<Timings>(null, windowMs);
      const { done, seconds } = await importing;
      if (seconds * 1000 < windowMs) throw new Error('The import was over before the statements were: it needs more lines');
      if (round === 0) continue; // until everything is warm
      rates.push(done / seconds);
      for (const kind of ['reads', 'writes'] as const) {
        for (const percent of percentiles) {
          const name = `${kind}, p${percent}`;
          const ratio = percentile(during[kind], percent) / percentile(alone[kind], percent);
          beside.set(name, [...(beside.get(name) ?? []), ratio]);
        }
      }
    }
    if (process.env['BENCH_RAW']) console.error(rates.map(Math.round).join(' '), 'lines/s beside MediMax');
    return [...beside].map(
      ([name, ratios]): Figure => ({
        name,
        of: 'duration',
        ratio: spreadOf(ratios),
        ...(name.endsWith('p99') ? { goal } : {}),
      }),
    );
  },
};

function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN;
}
