/** How fast imports go. MediMax's own statements come first: while it is writing, and when the database is slow, imports step back. */
import type { Session } from '../db/pool.ts';

export interface Pace {
  /** Whether MediMax has written something in the last seconds. */
  isMedimaxAtWork(): Promise<boolean>;
  /** Does the work on a chunk when its time has come: one at a time in this thread while MediMax is at work. */
  chunk<Result>(work: () => Promise<Result>): Promise<Result>;
}

/** How often it is looked what MediMax does, and how long it counts as at work after its last statement. */
const lookEveryMs = 1000;
const atWorkMs = 10_000;

/** A durable write of one row may take so many times as long as a read. */
const writeSlower = 5;

/** `slowMs`: when a read of one row by key takes longer, or a write of one five times as long, the database is busy. `atOnce`: chunks at a time when nobody is in the way. */
export function createPace(session: Session, { slowMs, atOnce }: { readonly slowMs: number; readonly atOnce: number }): Pace {
  let lookedAt = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> = Promise.resolve();
  let lastEntry: number | null = null;
  let lastSeenAt = Number.NEGATIVE_INFINITY;
  let running = 0;
  let released = Promise.withResolvers<void>();

  /** Each statement of MediMax's that changes something makes an entry in the journal, and takes a number that stays taken. */
  const look = async () => {
    const [row] = await session.rows(
      "SELECT AUTO_INCREMENT FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'fhir_journal'",
    );
    const entry = Number(row?.[0]);
    if (lastEntry !== null && entry !== lastEntry) lastSeenAt = performance.now();
    lastEntry = entry;
  };

  const isMedimaxAtWork = async () => {
    const now = performance.now();
    if (now - lookedAt > lookEveryMs) {
      lookedAt = now;
      looking = look();
    }
    await looking;
    return performance.now() - lastSeenAt < atWorkMs;
  };

  /** What MediMax would wait for, too: the processor and the pages of a read, the log of a write. */
  const isSlow = async () => {
    const before = performance.now();
    await session.rows('SELECT patient_id FROM Patient ORDER BY patient_id DESC LIMIT 1');
    const between = performance.now();
    if (between - before > slowMs) return true;
    await session.modify("UPDATE fhir_setting SET value = UNIX_TIMESTAMP(NOW(6)) WHERE name = 'import_probe'");
    return performance.now() - between > writeSlower * slowMs;
  };

  const rest = async () => {
    for (let pauseMs = 20; pauseMs <= 640 && (await isSlow()); pauseMs *= 2)
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
  };

  return {
    isMedimaxAtWork,
    async chunk(work) {
      for (;;) {
        const most = (await isMedimaxAtWork()) ? 1 : atOnce;
        if (running < most) break;
        await released.promise;
      }
      running += 1;
      try {
        await rest();
        return await work();
      } finally {
        running -= 1;
        released.resolve();
        released = Promise.withResolvers();
      }
    },
  };
}
