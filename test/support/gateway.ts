/** A whole gateway over a fresh, migrated database, for tests: the application for supertest, and the pool for looking behind it. */
import type { Express } from 'express';
import { type Config, readConfig } from '../../src/config.ts';
import { migrateUp } from '../../src/db/migrate.ts';
import type { Pool } from '../../src/db/pool.ts';
import { createGatewayRegistry, openGateway } from '../../src/gateway.ts';
import { createApp } from '../../src/http/app.ts';
import type { Readiness } from '../../src/http/health.ts';
import { createLog } from '../../src/log.ts';
import { freshDatabase } from './servers.ts';

export interface TestGateway {
  readonly app: Express;
  readonly pool: Pool;
  /** Under which the gateway believes to be reached: links begin with it. */
  readonly baseUrl: string;
  /** All lines of the log so far. */
  readonly logLines: readonly string[];
  close(): Promise<void>;
}

interface TestGatewayOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly ready?: Readiness;
}

export async function startTestGateway({ env = {}, ready = async () => [] }: TestGatewayOptions = {}): Promise<TestGateway> {
  const database = await freshDatabase();
  const config = readConfig({ ...database.env, DB_POOL_MIN: '1', DB_POOL_MAX: '8', ...env });
  const logLines: string[] = [];
  const log = createLog('debug', (line) => logLines.push(line));
  const gateway = await openMigrated(config);
  const software = { name: 'MediMax FHIR Gateway', version: '0.0.0-test' };
  const app = createApp({ ...gateway, log, software, ready });
  const close = async () => {
    await gateway.close();
    await database.drop();
  };
  return { app, pool: gateway.pool, baseUrl: config.http.baseUrl, logLines, close };
}

async function openMigrated(config: Config) {
  await migrateUp(config, createGatewayRegistry());
  return openGateway(config);
}
