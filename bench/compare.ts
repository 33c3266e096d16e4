/** Measures the gateway and the limit alternately, so that whatever else the machine does meets both alike. */
import type { Contender, Figure, Pace, Site, Slice } from './bench.ts';
import { type Spread, spreadOf } from './spread.ts';

export interface Comparison {
  /** Things done in a second, gateway to limit, round by round. */
  readonly throughput: Spread;
  /** Processor time of the server for one thing done, gateway to limit. Steadier where others use the machine. */
  readonly processorTime: Spread;
  readonly statements: number;
}

/** @throws Error when anything failed: a fast error is no result */
export async function compare(site: Site, gateway: Contender, limit: Contender, pace: Pace = site.pace): Promise<Comparison> {
  await measure(gateway, pace.warmUpMs);
  await measure(limit, pace.warmUpMs);
  const throughput: number[] = [];
  const processorTime: number[] = [];
  let statements = 0;
  let done = 0;
  for (let round = 0; round < pace.rounds; round += 1) {
    const before = await site.statementsSoFar();
    const ours = await measure(gateway, pace.sliceMs);
    statements += (await site.statementsSoFar()) - before;
    done += ours.done;
    const bare = await measure(limit, pace.sliceMs);
    throughput.push(ours.done / ours.seconds / (bare.done / bare.seconds));
    processorTime.push(ours.cpuSeconds / ours.done / (bare.cpuSeconds / bare.done));
  }
  return { throughput: spreadOf(throughput), processorTime: spreadOf(processorTime), statements: statements / done };
}

/** The comparison as two lines of the report. */
export function figuresOf(name: string, goal: number, { throughput, processorTime, statements }: Comparison): readonly Figure[] {
  return [
    { name, of: 'throughput', ratio: throughput, goal, statements },
    { name, of: 'processor time', ratio: processorTime },
  ];
}

async function measure(contender: Contender, durationMs: number): Promise<Slice> {
  const slice = await contender.run(durationMs);
  if (slice.failed > 0) throw new Error(`${contender.name}: ${slice.failed} of ${slice.failed + slice.done} failed`);
  if (slice.done === 0) throw new Error(`${contender.name}: nothing was done`);
  if (process.env['BENCH_RAW'])
    console.error(
      contender.name,
      Math.round(slice.done / slice.seconds),
      'per s',
      Math.round((slice.cpuSeconds / slice.done) * 1e6),
      'us cpu',
    );
  return slice;
}
