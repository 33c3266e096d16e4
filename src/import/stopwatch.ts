/** How long each stage of a chunk has taken, waits for the database and for other chunks of the same thread included. */

/** What was taken from the database, parsed, looked up, validated and mapped, loaded together, written one by one, and kept as report. */
export type Stage = 'readMs' | 'parseMs' | 'lookUpMs' | 'mapMs' | 'loadMs' | 'singlesMs' | 'reportMs';

export interface Stopwatch {
  /** The time since the last lap was this stage's. */
  lap(stage: Stage): void;
  /** In milliseconds, rounded to tenths. */
  readonly laps: Readonly<Partial<Record<Stage, number>>>;
}

export function createStopwatch(): Stopwatch {
  const laps: Partial<Record<Stage, number>> = {};
  let last = performance.now();
  return {
    laps,
    lap(stage) {
      const now = performance.now();
      laps[stage] = Math.round(((laps[stage] ?? 0) + now - last) * 10) / 10;
      last = now;
    },
  };
}
