/** A migrated database with a gateway's repository on one side and a session like MediMax's own on the other. */
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import { type Config, readConfig } from '../../src/config.ts';
import { migrateUp } from '../../src/db/migrate.ts';
import { createGatewayRegistry, type Gateway, openGateway } from '../../src/gateway.ts';
import { freshDatabase } from '../support/servers.ts';

export interface TwoWriters {
  readonly config: Config;
  readonly gateway: Gateway;
  /** MediMax's session: no settings of the gateway's. */
  readonly medimax: Connection;
  /** Opens one more such session. */
  connect(): Promise<Connection>;
  /** Rows of a query on MediMax's session. */
  rows(sql: string, values?: readonly unknown[]): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

export async function twoWriters(env: Readonly<Record<string, string>> = {}): Promise<TwoWriters> {
  const database = await freshDatabase();
  const config = readConfig({ ...database.env, DB_POOL_MIN: '1', DB_POOL_MAX: '12', ...env });
  await migrateUp(config, createGatewayRegistry());
  const gateway = await openGateway(config);
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
    medimax,
    connect,
    rows: async (sql, values = []) => {
      const [rows] = await medimax.query<RowDataPacket[]>(sql, [...values]);
      return rows;
    },
    close: async () => {
      for (const session of sessions) await session.end();
      await gateway.close();
      await database.drop();
    },
  };
}
