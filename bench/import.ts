/** Imports of a laboratory's lines, new and repeated, against LOAD DATA of the finished rows into tables of the same form. */
import type { Bench, Contender, Figure, Slice } from './bench.ts';
import type { ImportOrder } from './import-loop.ts';
import { importTables } from './limits/import-limit.ts';
import { spreadOf } from './spread.ts';

const goal = 0.25;
const lines = 10_000;

export const bench: Bench = {
  what: `an import of ${lines} lines, end to end, against LOAD DATA of the finished rows of all tables`,
  async run(site) {
    for (const [table] of importTables) await site.sql(`CREATE TABLE bench_${table} LIKE ${table}`);
    const limit = await site.loop(new URL('limits/import-limit.ts', import.meta.url));
    const ours = await site.loop(new URL('import-loop.ts', import.meta.url));
    const importing = (order: ImportOrder): Contender => ours.contender(order);
    const loading = limit.contender(lines);
    await loading.run(1); // passes over what the clinic has
    await importing({ start: 0, lines, again: false }).run(1);
    await loading.run(1);
    const fresh: number[] = [];
    const repeated: number[] = [];
    for (let round = 1; round <= site.pace.rounds; round += 1) {
      const start = round * lines;
      const first = await importing({ start, lines, again: false }).run(1);
      const bare = await loading.run(1);
      const second = await importing({ start, lines, again: true }).run(1);
      fresh.push(rate(first) / rate(bare));
      repeated.push(rate(second) / rate(bare));
      if (process.env['BENCH_RAW'])
        console.error(Math.round(rate(first)), Math.round(rate(second)), Math.round(rate(bare)), 'lines/s');
    }
    const figure = (name: string, values: readonly number[]): Figure => ({
      name,
      of: 'throughput',
      ratio: spreadOf(values),
      goal,
    });
    return [figure('new lines', fresh), figure('repeated lines', repeated)];
  },
};

function rate({ done, seconds }: Slice): number {
  return done / seconds;
}
