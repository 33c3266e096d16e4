/** A connection as MediMax's own application has it: the gateway's triggers keep the books of what it writes. */
import mysql, { type Connection, type ConnectionOptions, type Pool } from 'mysql2/promise';

export async function connectMedimax(pool: Pool): Promise<Connection> {
  const config: unknown = Reflect.get(pool.pool.config, 'connectionConfig');
  const { host, port, user, password, database } = config as ConnectionOptions; // the pool was opened with these
  const given = Object.entries({ host, port, user, password, database }).filter(([, value]) => value !== undefined);
  return mysql.createConnection({ ...Object.fromEntries(given), charset: 'utf8mb4', timezone: 'Z' });
}
