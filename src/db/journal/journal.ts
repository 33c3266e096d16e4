/** The journal as the rest of the gateway sees it: whoever reads the books has what MediMax has committed entered first. */
import { setTimeout as sleep } from 'node:timers/promises';
import { FhirError } from '../../fhir/outcome.ts';
import type { Registry } from '../../mapping/registry.ts';
import type { Env } from '../../mapping/types.ts';
import { isConnectionLost, isDatabaseError, isDuplicate, translate, unavailable } from '../errors.ts';
import { type Pool, type Session, sessionOf } from '../pool.ts';
import type { ResourceRecord } from '../repository.ts';
import { removeIfEmpty } from '../shared-parent.ts';
import { inTransaction } from '../transaction.ts';
import { type Folded, foldBatch } from './fold.ts';
import { BooksMoved } from './read-books.ts';
import { setAside } from './set-aside.ts';
import type { Slot } from './slots.ts';

export interface Journal {
  /**
   * Enters everything that was committed before the call; returns how many entries that were, 0 when there was nothing.
   * @throws FhirError `unavailable` when that takes longer than a request may
   */
  settle(): Promise<number>;
  /** Reads until nothing of what was read is behind the journal. `read` may run several times, on the session it is given. */
  upToDate(session: Session, read: (on: Session) => Promise<ResourceRecord[]>): Promise<ResourceRecord[]>;
}

/** Runs what may find nothing of what MediMax has only just written; then once more, as it may be entered now, by whomever. */
export async function afterJournal<Result>(journal: Journal, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (failure) {
    const isMissing = failure instanceof FhirError && failure.issues.some(({ code }) => code === 'not-found');
    if (!isMissing) throw failure;
    await journal.settle();
    return run();
  }
}

const batchEntries = 1000;
const deadlineMs = 20_000;
const triesMax = 20;
const roundsMax = 4;

/** `pool`: its connections must not be those of transactions that wait for the journal. */
export function createJournal(pool: Pool, registry: Registry, env: () => Env, timeoutMs: number): Journal {
  const session = sessionOf(pool, timeoutMs);
  let running: Promise<number> | null = null;
  let next: Promise<number> | null = null;

  const run = async (): Promise<number> => {
    const deadline = Date.now() + deadlineMs;
    for (let total = 0; ; ) {
      const { entries, isLast } = await fold({ pool, registry, env, timeoutMs }, session, deadline);
      total += entries;
      if (isLast) return total;
      if (Date.now() > deadline) throw unavailable(new Error('The journal is longer than one request can wait for'), 5);
    }
  };
  /** A run that has begun may have taken its snapshot before the caller's moment; those who come while it runs share the next. */
  const shared = (): Promise<number> => {
    if (next) return next;
    if (running) {
      const starting = running
        .catch(() => 0)
        .then(() => {
          next = null;
          return begin();
        });
      next = starting;
      return starting;
    }
    return begin();
  };
  const begin = (): Promise<number> => {
    const mine = run().finally(() => {
      if (running === mine) running = null;
    });
    running = mine;
    return mine;
  };
  const settle = async () => {
    const [waiting] = await session.rows('SELECT 1 FROM fhir_journal LIMIT 1');
    return waiting ? shared() : 0;
  };
  const settleAnd = async <Result>(read: (on: Session) => Promise<Result>): Promise<Result> => {
    await settle();
    const parts = { pool, registry, env, timeoutMs };
    const { result, emptied } = await inFold(parts, Date.now() + deadlineMs, async (own, enter) => {
      const slots: Slot[] = [];
      for (;;) {
        const folded = await enter(batchEntries);
        slots.push(...folded.emptied);
        if (folded.isLast) return { result: await read(own), emptied: slots };
      }
    });
    await removeEmptied(parts, emptied);
    return result;
  };
  return {
    settle,
    async upToDate(reading, read) {
      for (let round = 1, idle = 0; round <= roundsMax; round += 1) {
        const records = await read(reading);
        if (!records.some(({ isBehind }) => isBehind)) return records;
        // Behind, and yet nothing to enter: the row went where no trigger saw it.
        idle = (await settle()) === 0 ? idle + 1 : 0;
        if (idle > 1) return records;
      }
      // It changes faster than it can be read: it is read in the transaction that enters the journal.
      return settleAnd(read);
    },
  };
}

interface FoldParts {
  readonly pool: Pool;
  readonly registry: Registry;
  readonly env: () => Env;
  readonly timeoutMs: number;
}

type Enter = (limit: number) => Promise<Folded>;

/** Enters a batch: a smaller one where it fails, and where even the first statement alone does, its first entry is set aside. */
async function fold(parts: FoldParts, session: Session, deadline: number): Promise<Folded> {
  for (let limit = batchEntries; ; limit = Math.floor(limit / 10)) {
    let folded: Folded;
    try {
      folded = await inFold(parts, deadline, (_own, enter) => enter(limit));
    } catch (failure) {
      if (!isOfAnEntry(failure)) throw translate(failure);
      if (limit === 1) return setAside(session, failure);
      continue;
    }
    await removeEmptied(parts, folded.emptied);
    return folded;
  }
}

/** Whether an entry itself cannot be entered: no time-out, lock or server that is away is any entry's fault. */
function isOfAnEntry(failure: unknown): boolean {
  if (failure instanceof FhirError || isConnectionLost(failure)) return false;
  if (!isDatabaseError(failure)) return true;
  const told = translate(failure);
  return told instanceof FhirError && told.kind === 'unprocessable';
}

/** A row that the gateway made for a finding is nobody's when MediMax has deleted the last one under it. */
async function removeEmptied({ pool, registry, timeoutMs }: FoldParts, emptied: readonly Slot[]): Promise<void> {
  for (const { table, key } of emptied) {
    const below = registry
      .ofTable(table)
      .find(({ variant: { source } }) => source.parent?.table === table && source.parent.shared);
    if (below)
      await inTransaction(pool, { deadline: Date.now() + timeoutMs, timeoutMs }, (own) => removeIfEmpty(own, below, key));
  }
}

/** Runs in a transaction with a snapshot that may enter the journal; again from the start when others have moved the books meanwhile. */
async function inFold<Result>(
  { pool, registry, env, timeoutMs }: FoldParts,
  deadline: number,
  work: (own: Session, enter: Enter) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await inTransaction(pool, { deadline, timeoutMs, isSnapshot: true, committed: async () => false }, (own) =>
        work(own, (limit) => foldBatch(own, registry, env(), limit)),
      );
    } catch (failure) {
      if (!(failure instanceof BooksMoved) && !isDuplicate(failure)) throw failure;
      if (attempt >= triesMax || Date.now() > deadline) throw unavailable(failure);
      await sleep(Math.random() * 5 * attempt);
    }
  }
}
