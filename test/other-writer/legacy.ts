/** A migrated database with a gateway on one side and a session like MediMax's own on the other. */
import type { Express } from 'express';
import mysql, { type Connection, type ResultSetHeader, type RowDataPacket } from 'mysql2/promise';
import { type Config, readConfig } from '../../src/config.ts';
import { migrateUp } from '../../src/db/migrate.ts';
import { type Session, sessionOf } from '../../src/db/pool.ts';
import { createGatewayRegistry, type Gateway, openGateway } from '../../src/gateway.ts';
import { createApp } from '../../src/http/app.ts';
import { createLog } from '../../src/log.ts';
import { freshDatabase } from '../support/servers.ts';

export type Row = Record<string, unknown>;

export interface TwoWriters {
  readonly config: Config;
  readonly gateway: Gateway;
  readonly app: Express;
  /** The gateway's own view of the database. */
  readonly session: Session;
  /** MediMax's session: no settings of the gateway's. */
  readonly medimax: Connection;
  /** Opens one more such session. */
  connect(): Promise<Connection>;
  /** Rows of a query on MediMax's session; the gateway's books are brought up to date before they are looked at. */
  rows(sql: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Runs a statement of MediMax's; returns the first key it made. */
  run(sql: string, values?: readonly unknown[]): Promise<number>;
  close(): Promise<void>;
}

export async function twoWriters(env: Readonly<Record<string, string>> = {}): Promise<TwoWriters> {
  const database = await freshDatabase();
  const config = readConfig({ ...database.env, DB_POOL_MIN: '1', DB_POOL_MAX: '12', ...env });
  await migrateUp(config, createGatewayRegistry());
  const gateway = await openGateway(config);
  const log = createLog('silent', () => {});
  const app = createApp({
    ...gateway,
    log,
    software: { name: 'MediMax FHIR Gateway', version: '0.0.0-test' },
    ready: async () => [],
  });
  const { host, port, user, password, name } = config.db;
  const sessions: Connection[] = [];
  const connect = async () => {
    const connection = await mysql.createConnection({ host, port, user, password, database: name, dateStrings: true });
    sessions.push(connection);
    return connection;
  };
  const medimax = await connect();
  return {
    config,
    gateway,
    app,
    session: sessionOf(gateway.pool, 30_000),
    medimax,
    connect,
    rows: async (sql, values = []) => {
      if (sql.includes('fhir_')) await gateway.parts.journal.settle();
      return (await medimax.query<RowDataPacket[]>(sql, [...values]))[0];
    },
    run: async (sql, values = []) => (await medimax.query<ResultSetHeader>(sql, [...values]))[0].insertId,
    close: async () => {
      for (const session of sessions) await session.end();
      await gateway.close();
      await database.drop();
    },
  };
}
