/** The limits of an import: LOAD DATA of the finished rows of all tables, and a loop that inserts MediMax's rows one by one. No parsing, no mapping, no references, no trigger. */
import { Readable } from 'node:stream';
import { type Connection, createConnection } from 'mysql2/promise';
import { readConfig } from '../../src/config.ts';
import { connectionOptions } from '../../src/db/pool.ts';
import type { LoopAnswer, LoopOrder } from '../loop.ts';

/** `skip`: only takes note of what is there, so that the next order has what has come since. */
export interface LimitOrder {
  readonly way: 'skip' | 'load' | 'insert';
  /** As many lines have come since the last order. */
  readonly lines: number;
}

/** The tables that an import fills, by their keys. */
export const importTables: readonly (readonly [table: string, key: string])[] = [
  ['Patient', 'patient_id'],
  ['Lab_Report', 'lab_report_id'],
  ['Lab_Finding', 'lab_finding_id'],
  ['fhir_resource', 'rid'],
  ['fhir_change', 'change_id'],
  ['fhir_import_line', 'rid'],
  ['fhir_search_token', 'rid'],
  ['fhir_search_string', 'rid'],
  ['fhir_search_date', 'rid'],
  ['fhir_search_quantity', 'rid'],
  ['fhir_search_reference', 'rid'],
];

/** A loop of single inserts is timed on so many of the lines; all of them would take long. */
const singlesMax = 1000;

type Value = string | number | Buffer | null;

const after = new Map<string, number>();

process.on('disconnect', () => process.exit(0));
process.on('message', ({ argument }: LoopOrder) => {
  work(argument as LimitOrder).then(
    (answer) => process.send?.(answer),
    (failure: unknown) => {
      console.error(failure);
      process.exit(1);
    },
  );
});

async function work({ way, lines }: LimitOrder): Promise<LoopAnswer> {
  const { flags: _flags, infileStreamFactory: _none, ...options } = connectionOptions(readConfig(process.env));
  const connection = await createConnection({ ...options, rowsAsArray: true });
  try {
    if (way === 'insert') return await insertOneByOne(connection);
    let seconds = 0;
    for (const [table, key] of importTables) seconds += await load(connection, table, key, way === 'load');
    return { done: lines, seconds };
  } finally {
    await connection.end();
  }
}

/** What has come into the table since the last call goes into a table of the same form. Returns the seconds that takes. */
async function load(connection: Connection, table: string, key: string, isWanted: boolean): Promise<number> {
  const from = after.get(table) ?? 0;
  const [found] = await connection.query(`SELECT MAX(${key}) FROM ${table}`);
  const [last] = found as Value[][]; // arrays, as asked for
  after.set(table, Number(last?.[0] ?? from));
  if (!isWanted) return 0;
  const [rows] = await connection.query(`SELECT * FROM ${table} WHERE ${key} > ? ORDER BY ${key}`, [from]);
  const list = rows as Value[][]; // arrays, as asked for
  const bytes = Buffer.from(list.map((row) => row.map(field).join('\t')).join('\n'));
  const started = performance.now();
  await connection.query({
    sql: `LOAD DATA LOCAL INFILE 'rows' INTO TABLE bench_${table} CHARACTER SET utf8mb4`,
    infileStreamFactory: () => Readable.from([bytes]),
  } as Parameters<typeof connection.query>[0]);
  return (performance.now() - started) / 1000;
}

/** One statement and one commit for each of MediMax's own rows, of which a line has about one; the gateway's are left out. */
async function insertOneByOne(connection: Connection): Promise<LoopAnswer> {
  const [rows] = await connection.query(`SELECT * FROM Lab_Finding ORDER BY lab_finding_id DESC LIMIT ${singlesMax}`);
  const list = rows as Value[][];
  const sql = `INSERT INTO bench_Lab_Finding VALUES (NULL, ${Array.from({ length: (list[0]?.length ?? 1) - 1 }, () => '?').join(', ')})`;
  const started = performance.now();
  for (const [, ...values] of list) await connection.execute(sql, values);
  return { done: list.length, seconds: (performance.now() - started) / 1000 };
}

function field(value: Value): string {
  if (value === null) return '\\N';
  return String(value).replace(/[\\\t\n]/g, (sign) => (sign === '\\' ? '\\\\' : sign === '\t' ? '\\t' : '\\n'));
}
