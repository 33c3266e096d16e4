/** The seam between the commands and the parts they drive. */
import type { Config } from '../config.ts';
import { loadDemoClinic } from '../db/demo/load.ts';
import { migrateCheck, migrateDown, migrateUp } from '../db/migrate.ts';
import { createGatewayRegistry } from '../gateway.ts';

export type MigrationAction = 'up' | 'down' | 'check';

export interface MigrationResult {
  /** False: the database cannot carry the gateway as it is. */
  readonly ok: boolean;
  /** What was done or differs, for people. */
  readonly lines: readonly string[];
}

/** Brings the database's tables up or down, or says what differs. */
export async function migrate(config: Config, action: MigrationAction): Promise<MigrationResult> {
  if (action === 'down') {
    const undone = await migrateDown(config, false);
    return { ok: true, lines: undone.length > 0 ? undone.map((name) => `Taken back: ${name}`) : ['Nothing to take back.'] };
  }
  if (action === 'check') {
    const { pending, differences, triggers } = await migrateCheck(config, createGatewayRegistry());
    const lines = [
      ...pending.map((name) => `Still to run: ${name}`),
      ...differences.map(({ fatal, text }) => `${fatal ? 'Must be put right' : 'Note'}: ${text}`),
      ...triggers.map((text) => `${text} \`migrate\` puts them right.`),
    ];
    const ok = pending.length === 0 && triggers.length === 0 && !differences.some(({ fatal }) => fatal);
    return { ok, lines: lines.length > 0 ? lines : ['Everything is as this version needs it.'] };
  }
  const { applied, adopted, differences, triggers } = await migrateUp(config, createGatewayRegistry());
  return {
    ok: true,
    lines: [
      ...applied.map((name) => `Migrated: ${name}`),
      ...differences.map(({ text }) => `Note: ${text}`),
      ...(triggers.length > 0 ? [`Triggers put right: ${triggers.join(', ')}.`] : []),
      ...(adopted > 0 ? [`${adopted} rows of MediMax became resources.`] : []),
    ],
  };
}

/** Fills empty MediMax tables with the demo clinic; answers whether it did. */
export function loadDemo(config: Config): Promise<boolean> {
  return loadDemoClinic(config);
}
