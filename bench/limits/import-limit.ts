/** The limit of an import: LOAD DATA of the finished rows, all tables, from memory. No parsing, no mapping, no references, no trigger. */
import { Readable } from 'node:stream';
import { createConnection } from 'mysql2/promise';
import { readConfig } from '../../src/config.ts';
import { connectionOptions } from '../../src/db/pool.ts';
import type { LoopAnswer, LoopOrder } from '../loop.ts';

/** The tables that an import fills, by their keys. */
export const importTables: readonly (readonly [table: string, key: string])[] = [
  ['Patient', 'patient_id'],
  ['Lab_Report', 'lab_report_id'],
  ['Lab_Finding', 'lab_finding_id'],
  ['fhir_resource', 'rid'],
  ['fhir_change', 'change_id'],
  ['fhir_import_line', 'rid'],
];

const after = new Map<string, number>();

process.on('disconnect', () => process.exit(0));
process.on('message', ({ argument }: LoopOrder) => {
  load(argument as number).then(
    (answer) => process.send?.(answer),
    (failure: unknown) => {
      console.error(failure);
      process.exit(1);
    },
  );
});

/** Loads what has come into the tables since the last call, `lines` of it, into tables of the same form. */
async function load(lines: number): Promise<LoopAnswer> {
  const { flags: _flags, infileStreamFactory: _none, ...options } = connectionOptions(readConfig(process.env));
  const connection = await createConnection({ ...options, rowsAsArray: true });
  let seconds = 0;
  try {
    for (const [table, key] of importTables) {
      const [rows] = await connection.query(`SELECT * FROM ${table} WHERE ${key} > ? ORDER BY ${key}`, [after.get(table) ?? 0]);
      const list = rows as (string | number | null)[][]; // arrays, as asked for
      after.set(table, Number(list.at(-1)?.[0] ?? after.get(table) ?? 0));
      const text = list.map((row) => row.map(field).join('\t')).join('\n');
      const started = performance.now();
      await connection.query({
        sql: `LOAD DATA LOCAL INFILE 'rows' INTO TABLE bench_${table} CHARACTER SET utf8mb4`,
        infileStreamFactory: () => Readable.from([Buffer.from(text)]),
      } as Parameters<typeof connection.query>[0]);
      seconds += (performance.now() - started) / 1000;
    }
  } finally {
    await connection.end();
  }
  return { done: lines, seconds };
}

function field(value: string | number | null): string {
  if (value === null) return '\\N';
  return String(value).replace(/[\\\t\n]/g, (sign) => (sign === '\\' ? '\\\\' : sign === '\t' ? '\\t' : '\\n'));
}
