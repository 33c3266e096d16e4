/** One transaction, opened in one place and tried again as a whole on deadlock, lock wait or snapshot conflict. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isConnectionLost, isReadOnly, isRetryable, unavailable } from './errors.ts';
import { BehindJournal, refuseIfBehind } from './journal/guard.ts';
import type { Guarded } from './journal/guarded.ts';
import { type Pool, type PoolConnection, type Session, sessionOf } from './pool.ts';

export interface TransactionOptions {
  /** Milliseconds since the epoch after which no further try begins. */
  readonly deadline: number;
  readonly timeoutMs: number;
  /**
   * Asked when the connection was lost while COMMIT was under way: did it take effect? True makes the transaction's result stand,
   * false lets it be tried again. Never guessed.
   */
  readonly committed?: (session: Session) => Promise<boolean>;
  /** Where versions end that MediMax's changes may belong before: then these are entered first, and the transaction runs again. */
  readonly journal?: { settle(): Promise<number> };
  /** See `Session`. */
  readonly brief?: boolean;
  /** All its plain reads see one state of the database. */
  readonly isSnapshot?: true;
}

const triesMax = 6;

/** Rounds in which MediMax may come first before the client is told to come again. */
const behindMax = 20;

/** Runs `work` in a transaction and commits. `work` must be free of effects but those of its session, as it may run several times. */
export async function inTransaction<Result>(
  pool: Pool,
  options: TransactionOptions,
  work: (session: Session, attempt: number) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1, behind = 0; ; attempt += 1) {
    let outcome: { readonly result: Result } | null = null;
    const connection = await pool.getConnection();
    try {
      const guarded: Guarded | undefined = options.journal && new Map();
      const session: Session = {
        ...sessionOf(connection, options.timeoutMs),
        ...(options.brief && { brief: true }),
        ...(guarded && { guarded }),
      };
      if (options.isSnapshot) await connection.query('SET TRANSACTION ISOLATION LEVEL REPEATABLE READ');
      await connection.query('START TRANSACTION');
      const result = await work(session, attempt);
      if (guarded) await refuseIfBehind(session, guarded);
      outcome = { result };
      await connection.query('COMMIT');
      connection.release();
      return outcome.result;
    } catch (failure) {
      await abandon(connection, failure);
      if (failure instanceof BehindJournal) {
        behind += 1;
        if (behind > behindMax || Date.now() > options.deadline) throw unavailable(failure);
        await options.journal?.settle();
        attempt -= 1;
        continue;
      }
      if (outcome && isConnectionLost(failure) && options.committed) {
        if (await options.committed(sessionOf(pool, options.timeoutMs))) return outcome.result;
      } else if (!isRetryable(failure)) throw failure;
      const pause = Math.random() * 20 * 2 ** attempt;
      if (attempt >= triesMax || Date.now() + pause > options.deadline) throw unavailable(failure);
      await sleep(pause);
    }
  }
}

async function abandon(connection: PoolConnection, failure: unknown): Promise<void> {
  // One that takes no changes may be to the former primary: the next one is opened to whichever has the name now.
  if (isConnectionLost(failure) || isReadOnly(failure)) {
    connection.destroy();
    return;
  }
  try {
    await connection.query('ROLLBACK');
    connection.release();
  } catch {
    connection.destroy(); // a connection that cannot roll back is of no more use; the server rolls back when it goes
  }
}
