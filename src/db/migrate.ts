/** Brings a database to what this version of the gateway needs: migrations, the check of MediMax's tables, books for existing rows. */
import knexPackage, { type Knex } from 'knex';
import * as settings from '../../migrations/0001_gateway_settings.ts';
import * as medimaxTables from '../../migrations/0002_medimax_tables.ts';
import * as gatewayTables from '../../migrations/0003_gateway_tables.ts';
import * as searchIndex from '../../migrations/0004_search_index.ts';
import * as changeFeed from '../../migrations/0005_change_feed.ts';
import * as bundles from '../../migrations/0006_bundles.ts';
import * as imports from '../../migrations/0007_import.ts';
import * as claims from '../../migrations/0009_claims.ts';
import * as journal from '../../migrations/0010_journal.ts';
import * as linkedRows from '../../migrations/0011_linked_rows.ts';
import * as indexWithCreation from '../../migrations/0012_index_with_creation.ts';
import * as earlierLines from '../../migrations/0013_import_earlier_lines.ts';
import type { Config } from '../config.ts';
import type { Registry } from '../mapping/registry.ts';
import { PlainError } from '../plain-error.ts';
import { adoptRows, enterAdopted } from './adopt-rows.ts';
import { checkSchema, type SchemaDifference } from './check-schema.ts';
import { isDatabaseError } from './errors.ts';
import { connectionOptions, openPool, type Session, sessionOf, sessionStatements } from './pool.ts';
import { compareTriggers, describeTriggers, dropTriggers, installTriggers, type RunText } from './triggers/install.ts';

type Migration = { readonly up: (knex: Knex) => Promise<void>; readonly down: (knex: Knex) => Promise<void> };

const migrations: readonly (readonly [name: string, migration: Migration])[] = [
  ['0001_gateway_settings', settings],
  ['0002_medimax_tables', medimaxTables],
  ['0003_gateway_tables', gatewayTables],
  ['0004_search_index', searchIndex],
  ['0005_change_feed', changeFeed],
  ['0006_bundles', bundles],
  ['0007_import', imports],
  ['0009_claims', claims],
  ['0010_journal', journal],
  ['0011_linked_rows', linkedRows],
  ['0012_index_with_creation', indexWithCreation],
  ['0013_import_earlier_lines', earlierLines],
];

/** The same list for the knex command line and for us; a name, once released, never changes. */
export const migrationSource: Knex.MigrationSource<string> = {
  getMigrations: async () => migrations.map(([name]) => name),
  getMigrationName: (name) => name,
  getMigration: async (name) => {
    const found = migrations.find(([other]) => other === name);
    if (!found) throw new Error(`no migration ${name}`);
    return found[1];
  },
};

export function knexOptions(config: Config): Knex.Config {
  return {
    client: 'mysql2',
    connection: connectionOptions(config) as unknown as Knex.MySql2ConnectionConfig, // the driver's own options, which Knex passes on
    pool: {
      min: 0,
      max: 2,
      afterCreate: (
        connection: { query(sql: string, done: (failure: unknown) => void): void },
        done: (failure: unknown, on: unknown) => void,
      ) => {
        const [first = '', second = ''] = sessionStatements(config);
        connection.query(first, (failure) =>
          failure ? done(failure, connection) : connection.query(second, (other) => done(other, connection)),
        );
      },
    },
    migrations: { migrationSource, tableName: 'fhir_migration', disableTransactions: true },
  };
}

export interface MigrateReport {
  /** Names of the migrations that ran now. */
  readonly applied: readonly string[];
  readonly differences: readonly SchemaDifference[];
  /** Triggers that were made, renewed or removed now. */
  readonly triggers: readonly string[];
  /** Rows that got their resource now. */
  readonly adopted: number;
}

/**
 * Runs what has not run, checks what is there and adopts rows without a resource. Running it again changes nothing.
 * @throws PlainError listing every difference that would lose data or break reads.
 */
export async function migrateUp(config: Config, registry: Registry): Promise<MigrateReport> {
  const applied = await withKnex(config, async (knex) => {
    const [, names]: [number, string[]] = await knex.migrate.latest();
    return names;
  });
  return withSession(config, async (session, runText) => {
    const differences = await checkSchema(session);
    const fatal = differences.filter((difference) => difference.fatal);
    if (fatal.length > 0) {
      const lines = fatal.map((difference) => `  ${difference.text}`);
      throw new PlainError(
        `The MediMax tables of database ${config.db.name} cannot carry the mappings:\n${lines.join('\n')}\nNothing of them was altered.`,
      );
    }
    // Triggers first: a row written while the others are adopted already enters itself.
    const triggers = config.db.triggers ? await installTriggers(session, runText, registry) : [];
    const adopted = await adoptRows(session, registry);
    await enterAdopted(session);
    return { applied, differences, triggers, adopted };
  });
}

/** Whether this release can work with the database. @throws PlainError that says what is still to be run */
export async function refuseUnmigrated(session: Session): Promise<void> {
  const done = await session.rows('SELECT name FROM fhir_migration').catch((failure: unknown) => {
    if (isDatabaseError(failure) && failure.errno === noSuchTable) return [];
    throw failure;
  });
  const names = new Set(done.map(([name]) => String(name)));
  const pending = migrations.filter(([name]) => !names.has(name)).map(([name]) => name);
  if (pending.length === 0) return;
  throw new PlainError(
    `The database is not yet what this release needs. Run \`migrate\` first; still to run: ${pending.join(', ')}.`,
  );
}

const noSuchTable = 1146;

/** Undoes the last migration, or all, and the triggers, which write to the tables. @throws PlainError when that would drop records. */
export async function migrateDown(config: Config, all: boolean): Promise<readonly string[]> {
  await withSession(config, dropTriggers);
  return withKnex(config, async (knex) => {
    const [, names]: [number, string[]] = all ? await knex.migrate.rollback(undefined, true) : await knex.migrate.down();
    return names;
  });
}

/** What `migrate check` says: differences, triggers that are not right and migrations still to run; nothing is changed. */
export async function migrateCheck(
  config: Config,
  registry: Registry,
): Promise<{
  readonly pending: readonly string[];
  readonly differences: readonly SchemaDifference[];
  readonly triggers: readonly string[];
}> {
  const pending = await withKnex(config, async (knex) => {
    const [, names]: [unknown, (string | { name: string })[]] = await knex.migrate.list();
    return names.map((name) => (typeof name === 'string' ? name : name.name));
  });
  return withSession(config, async (session) => ({
    pending,
    differences: await checkSchema(session),
    triggers: config.db.triggers ? describeTriggers(await compareTriggers(session, registry)) : [],
  }));
}

async function withKnex<Result>(config: Config, run: (knex: Knex) => Promise<Result>): Promise<Result> {
  const knex = knexPackage(knexOptions(config));
  try {
    return await run(knex);
  } finally {
    await knex.destroy();
  }
}

async function withSession<Result>(
  config: Config,
  run: (session: Session, runText: RunText) => Promise<Result>,
): Promise<Result> {
  const pool = await openPool({ ...config, db: { ...config.db, poolMin: 0, poolMax: 1 } });
  try {
    // Adopting a million rows takes longer than any request may.
    return await run(sessionOf(pool, 600_000), (sql) => pool.query(sql));
  } finally {
    await pool.end();
  }
}
