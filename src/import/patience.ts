/** When the database is away, full or busy no line is at fault: imports rest, longer while it lasts, say so now and then, and go on by themselves. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Hindrance } from '../db/errors.ts';
import type { Log } from '../log.ts';

export interface Patience {
  /** Waits before the next try, less long when the process is ending. `failure` is for the log. */
  rest(hindrance: Hindrance, failure: unknown, log: Log, signal?: AbortSignal): Promise<void>;
  /** A piece of work has gone well: if it was a long wait, the log says that it is over. */
  over(log: Log): void;
}

interface Manner {
  /** In milliseconds: the rest begins with the first, and grows with the time that it lasts already to the other. */
  readonly firstMs: number;
  readonly mostMs: number;
  /** What lasts less long than this is not told. */
  readonly tellAfterMs: number;
  readonly text: string;
}

const going = 'Imports wait and go on by themselves; nothing is lost.';

const manners: Readonly<Record<Hindrance, Manner>> = {
  away: { firstMs: 100, mostMs: 5000, tellAfterMs: 0, text: `The database is away. ${going}` },
  busy: { firstMs: 50, mostMs: 2000, tellAfterMs: 60_000, text: `The database holds locks that imports need. ${going}` },
  slow: { firstMs: 500, mostMs: 10_000, tellAfterMs: 0, text: `Statements of the import take longer than they may. ${going}` },
  full: { firstMs: 500, mostMs: 30_000, tellAfterMs: 0, text: `The disk of the database is full: make room. ${going}` },
  'read-only': { firstMs: 500, mostMs: 5000, tellAfterMs: 0, text: `The database takes no changes. ${going}` },
};

const tellEveryMs = 60_000;

export function createPatience(): Patience {
  let since: number | null = null;
  let isTold = false;
  const toldAt = new Map<Hindrance, number>();

  return {
    async rest(hindrance, failure, log, signal) {
      const { firstMs, mostMs, tellAfterMs, text } = manners[hindrance];
      const now = Date.now();
      since ??= now;
      const lastedMs = now - since;
      if (lastedMs >= tellAfterMs && now - (toldAt.get(hindrance) ?? 0) >= tellEveryMs) {
        toldAt.set(hindrance, now);
        isTold = true;
        const error = failure instanceof Error ? failure : undefined;
        log.warn('import-waits', { because: hindrance, text, forS: Math.round(lastedMs / 1000), error });
      }
      // A half at random, so that workers do not come back all at the same moment.
      const restMs = Math.min(Math.max(firstMs, lastedMs / 2), mostMs) * (0.75 + Math.random() / 2);
      await sleep(restMs, undefined, signal ? { signal } : {}).catch(() => undefined);
    },

    over(log) {
      if (since === null) return;
      if (isTold) log.info('import-goes-on', { afterS: Math.round((Date.now() - since) / 1000) });
      since = null;
      isTold = false;
    },
  };
}
