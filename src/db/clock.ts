/** The database's clock in microseconds, read from this process: one clock for triggers and gateways on many hosts. */
import type { Session } from './pool.ts';
import { instantOf } from './select.ts';

export interface Clock {
  /** UTC with microseconds, `2026-11-23T10:00:00.123456Z`. */
  now(): string;
  /** Measures the distance to the database's clock again; called now and then, as clocks drift. */
  synchronise(session: Session): Promise<void>;
}

/** Makes a clock that agrees with the database's to about half a round trip. */
export async function createClock(session: Session): Promise<Clock> {
  let offsetMs = 0;
  const here = () => performance.timeOrigin + performance.now();
  const clock: Clock = {
    now: () => instantOfMillis(here() + offsetMs),
    async synchronise(on) {
      const before = here();
      const [row] = await on.rows('SELECT UTC_TIMESTAMP(6)');
      const there = microsecondsOf(instantOf(String(row?.[0]))) / 1000;
      offsetMs = there - (before + here()) / 2;
    },
  };
  await clock.synchronise(session);
  return clock;
}

/** Microseconds since the epoch; exact, as they stay below 2^53. */
export function microsecondsOf(instant: string): number {
  return Date.parse(`${instant.slice(0, 19)}Z`) * 1000 + Number(instant.slice(20, 26).padEnd(6, '0'));
}

/** The later of now and one microsecond after `instant`: versions of one resource never share a time. */
export function after(instant: string, now: string): string {
  return now > instant ? now : instantOfMillis((microsecondsOf(instant) + 1) / 1000);
}

function instantOfMillis(millis: number): string {
  const micros = Math.round(millis * 1000);
  const seconds = new Date(Math.floor(micros / 1_000_000) * 1000).toISOString().slice(0, 19);
  return `${seconds}.${String(micros % 1_000_000).padStart(6, '0')}Z`;
}
