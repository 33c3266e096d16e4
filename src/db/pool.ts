/** The connection pool: MediMax's connection settings, and the session settings pinned on every connection before its first use. */
import mysql, { type Pool as CallbackPool, type PoolOptions } from 'mysql2';
import type { Connection, Pool, PoolConnection } from 'mysql2/promise';
import type { Config } from '../config.ts';
import type { Guarded } from './journal/guarded.ts';
import type { ResourceRecord } from './repository.ts';

export type { Connection, Pool, PoolConnection };

/** A value bound to a statement. Text goes to text columns as text: a number bound there matches every non-numeric row (S16). */
export type Bound = string | number | null | Buffer;

/** One row as an array in the order of the select list. */
export type RowValues = readonly (string | number | null)[];

/** Filled and emptied by books.ts. */
export interface GatheredBooks {
  readonly superseded: ResourceRecord[];
  readonly changes: { readonly rid: number; readonly version: number; readonly patientKey: number | null }[];
}

/** Runs statements, prepared once a connection: on any connection of the pool, or all on one. */
export interface Session {
  rows(sql: string, values?: readonly Bound[]): Promise<readonly RowValues[]>;
  modify(sql: string, values?: readonly Bound[]): Promise<{ readonly affectedRows: number; readonly insertId: number }>;
  /** For statements whose text is different nearly every time, such as inserts of many rows: not prepared, one round trip. */
  once(sql: string, values: readonly Bound[]): Promise<readonly RowValues[]>;
  /** No statement of it is to take long, at the price of more of them (bulk-insert.ts). */
  readonly brief?: boolean;
  /** Where a transaction of many writes gathers its entries in the books, which are then made together (books.ts). */
  readonly gathered?: GatheredBooks;
  /** Where a transaction ends versions: the rows that nothing in the journal may concern when it commits (journal/guard.ts). */
  readonly guarded?: Guarded;
}

/** A session over a connection or the pool; a statement without an answer for `timeoutMs` fails. */
export function sessionOf(executor: Pick<Pool, 'execute' | 'query'>, timeoutMs: number): Session {
  return {
    async rows(sql, values = []) {
      try {
        const [rows] = await executor.execute({ sql, rowsAsArray: true, timeout: timeoutMs, values: [...values] });
        return rows as unknown as readonly RowValues[]; // what rowsAsArray makes of them
      } catch (failure) {
        throw withOurStack(failure);
      }
    },
    async modify(sql, values = []) {
      try {
        const [header] = await executor.execute({ sql, timeout: timeoutMs, values: [...values] });
        return header as unknown as { affectedRows: number; insertId: number };
      } catch (failure) {
        throw withOurStack(failure);
      }
    },
    async once(sql, values) {
      try {
        const [rows] = await executor.query({ sql, rowsAsArray: true, timeout: timeoutMs, values: [...values] });
        return Array.isArray(rows) ? (rows as unknown as readonly RowValues[]) : [];
      } catch (failure) {
        throw withOurStack(failure);
      }
    },
  };
}

/** The driver's errors come from its socket; who asked is known here, and costs nothing while nothing fails. */
function withOurStack(failure: unknown): unknown {
  if (failure instanceof Error) Error.captureStackTrace(failure, withOurStack);
  return failure;
}

/** Options shared by the pool and by dedicated connections. Dates stay text, so that no time zone shifts a day (S17). */
export function connectionOptions({ db }: Config): PoolOptions {
  return {
    host: db.host,
    port: db.port,
    database: db.name,
    user: db.user,
    password: db.password,
    charset: 'utf8mb4',
    connectTimeout: db.connectTimeoutMs,
    dateStrings: true,
    jsonStrings: true,
    supportBigNumbers: true,
    multipleStatements: false,
    // The driver would note the stack before every statement; see withOurStack.
    trace: false,
    flags: ['-LOCAL_FILES'],
    infileStreamFactory: () => {
      throw new Error('LOCAL INFILE is not used on this connection');
    },
  };
}

/**
 * What every session of the gateway sets. `@fhir_gateway` tells the triggers that the gateway keeps the books itself.
 * Every time-out is in whole or fractional seconds, as MariaDB wants it.
 */
export function sessionStatements({ db }: Config, gateway = true): readonly string[] {
  const settings = [
    "SET SESSION sql_mode = 'STRICT_TRANS_TABLES,STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
    "time_zone = '+00:00'",
    `innodb_lock_wait_timeout = ${db.lockWaitS}`,
    'group_concat_max_len = 4294967295',
    // MySQL has neither of these and skips the comment; there the driver's time-out alone ends a statement. A process that stands still in a
    // transaction must not keep rows of MediMax locked; one that is well is silent for no longer than another statement of its own takes.
    `@fhir_gateway = ${gateway ? 1 : 'NULL'} /*M! , max_statement_time = ${db.statementTimeoutMs / 1000}, idle_transaction_timeout = ${Math.ceil((2 * db.readTimeoutMs) / 1000)} */`,
  ];
  return [settings.join(', '), 'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED'];
}

/** Opens the pool with its least number of connections. Rejects when the database cannot be reached. */
export async function openPool(config: Config): Promise<Pool> {
  const pool = mysql.createPool({
    ...connectionOptions(config),
    connectionLimit: config.db.poolMax,
    maxIdle: Math.max(1, config.db.poolMin),
    idleTimeout: 60_000,
    enableKeepAlive: true,
    maxPreparedStatements: 500,
  });
  pinSession(pool, sessionStatements(config));
  const promised = pool.promise();
  const connections = await Promise.all(Array.from({ length: Math.max(1, config.db.poolMin) }, () => promised.getConnection()));
  for (const connection of connections) connection.release();
  return promised;
}

/** MariaDB gives back what an INSERT has made; MySQL does not. */
export async function canReturnFromInsert(session: Session): Promise<boolean> {
  const [row] = await session.rows('SELECT VERSION()');
  return /mariadb/i.test(String(row?.[0]));
}

/** Commands on a connection run in order, so the settings are in force before whatever the connection was opened for. */
function pinSession(pool: CallbackPool, statements: readonly string[]): void {
  pool.on('connection', (connection) => {
    for (const statement of statements) {
      connection.query(statement, (failure) => {
        if (failure) connection.destroy();
      });
    }
  });
}
