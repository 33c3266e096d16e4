/** The seam between the commands and the parts they drive. */
import type { Config } from '../config.ts';

export type MigrationAction = 'up' | 'down' | 'check';

export interface MigrationResult {
  /** False: the database cannot carry the gateway as it is. */
  readonly ok: boolean;
  /** What was done or differs, for people. */
  readonly lines: readonly string[];
}

/** Brings the database's tables up or down, or says what differs. */
export async function migrate(_config: Config, _action: MigrationAction): Promise<MigrationResult> {
  return { ok: true, lines: [] };
}

/** Fills empty MediMax tables with the demo clinic; answers whether it did. */
export async function loadDemo(_config: Config): Promise<boolean> {
  return false;
}
