/** How an import's tables are reached: one statement at a time, several in a transaction, and by the database's own clock. */
import type { Session } from '../db/pool.ts';

export interface JobTables {
  readonly session: Session;
  readonly transaction: <Result>(work: (session: Session) => Promise<Result>) => Promise<Result>;
}

export const now = 'UTC_TIMESTAMP(6)';
