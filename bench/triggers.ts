/** MediMax's own statements with the gateway's triggers against the same tables without: what the gateway costs the other writer. */
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import { tables } from '../src/mapping/tables.ts';
import type { Bench, Figure, Site } from './bench.ts';
import { spreadOf } from './spread.ts';

const goal = 1.2;
const perRound = 120;

interface Case {
  readonly name: string;
  /** Runs one statement (or what the application does in one go) as the nth; only this is timed. */
  readonly run: (session: Run, n: number) => Promise<unknown>;
  /** Done before, not timed. */
  readonly prepare?: (session: Run, n: number) => Promise<unknown>;
}

const insert = (session: Run, sql: string, values: readonly unknown[]) => session(sql, values);

const findings = (rows: number, n: number) =>
  Array.from({ length: rows }, (_, at) => [1 + (n % 5000), `Test ${at}`, `${n}.${at}`, 'mg/dL', '70-100', 0, null]);

/** What the documentation of MediMax shows its application doing. */
const cases: readonly Case[] = [
  {
    name: 'insert Patient',
    run: (session, n) =>
      insert(session, "INSERT INTO Patient (name, dob, sex) VALUES (?, '1971-04-05', 'Female')", [`Nina Moser ${n}`]),
  },
  {
    name: 'insert Medical_History',
    run: (session, n) =>
      insert(
        session,
        "INSERT INTO Medical_History (patient_id, history_type, history_item, history_details, history_date, severity, is_active) VALUES (?, 'condition', 'Asthma', 'Reviewed.', '2020-01-01', 'mild', 1)",
        [1 + (n % 5000)],
      ),
  },
  {
    name: 'insert Appointment',
    run: (session, n) =>
      insert(
        session,
        "INSERT INTO Appointment (patient_id, appointment_date, appointment_time, status, appointment_type, doctor_name) VALUES (?, '2026-01-05', '10:00:00', 'Scheduled', 'follow_up', 'Dr. Roth')",
        [1 + (n % 5000)],
      ),
  },
  {
    name: 'insert Appointment_Symptom',
    run: (session, n) =>
      insert(session, "INSERT INTO Appointment_Symptom (appointment_id, symptom_name, severity) VALUES (?, 'cough', 'mild')", [
        1 + (n % 5000),
      ]),
  },
  {
    name: 'insert Lab_Finding',
    run: (session, n) =>
      insert(
        session,
        'INSERT INTO Lab_Finding (lab_report_id, test_name, test_value, test_unit, reference_range, is_abnormal, abnormal_flag) VALUES ?',
        [findings(1, n)],
      ),
  },
  {
    name: 'insert 50 Lab_Findings',
    run: (session, n) =>
      insert(
        session,
        'INSERT INTO Lab_Finding (lab_report_id, test_name, test_value, test_unit, reference_range, is_abnormal, abnormal_flag) VALUES ?',
        [findings(50, n)],
      ),
  },
  {
    name: 'update Patient name',
    run: (session, n) =>
      insert(session, 'UPDATE Patient SET name = ? WHERE patient_id = ?', [`New ${n} ${Math.random()}`, 1 + (n % 5000)]),
  },
  {
    name: 'update Appointment status',
    run: (session, n) =>
      insert(
        session,
        "UPDATE Appointment SET status = IF(status = 'Completed', 'Confirmed', 'Completed') WHERE appointment_id = ?",
        [1 + (n % 5000)],
      ),
  },
  {
    name: 'discontinue Medication',
    run: (session, n) =>
      insert(session, 'UPDATE Medication SET is_continued = 1 - is_continued, discontinued_date = ? WHERE medication_id = ?', [
        '2026-02-03',
        1 + (n % 5000),
      ]),
  },
  {
    name: 'update that changes nothing',
    run: (session, n) => insert(session, 'UPDATE Patient SET sex = sex WHERE patient_id = ?', [1 + (n % 5000)]),
  },
  {
    name: 'delete Lab_Finding',
    prepare: (session, n) =>
      insert(session, 'INSERT INTO Lab_Finding (lab_finding_id, lab_report_id, test_name, test_value) VALUES (?, ?, ?, ?)', [
        5_000_000 + n,
        1 + (n % 5000),
        'Test',
        '1',
      ]),
    run: (session, n) => insert(session, 'DELETE FROM Lab_Finding WHERE lab_finding_id = ?', [5_000_000 + n]),
  },
  {
    name: 'delete Patient with the chart',
    run: (session, n) => insert(session, 'DELETE FROM Patient WHERE patient_id = ?', [9999 - n]),
  },
  {
    name: 'select Patient with history',
    run: (session, n) =>
      session('SELECT * FROM Patient p JOIN Medical_History h USING (patient_id) WHERE p.patient_id = ?', [1 + (n % 5000)]),
  },
];

export const bench: Bench = {
  what: "MediMax's statements on tables with the gateway's triggers against the same tables without, one connection, durable",
  async run(site) {
    const [ours, bare] = await twins(site);
    try {
      const figures: Figure[] = [];
      for (const one of cases) figures.push(...(await measure(site, one, ours, bare)));
      return figures;
    } finally {
      await ours.end();
      await bare.end();
    }
  },
};

type Run = (sql: string, values: readonly unknown[]) => Promise<unknown>;

interface Twin {
  readonly run: Run;
  end(): Promise<void>;
}

const names = ['Patient', ...Object.keys(tables).filter((name) => name !== 'Patient')];
const anyName = new RegExp(`\\b(${names.join('|')})\\b`, 'g');

/** Sessions like MediMax's own: on its tables, and on copies of them with all keys and indexes but no triggers. */
async function twins({ env }: Site): Promise<readonly [Twin, Twin]> {
  const { DB_HOST = '127.0.0.1', DB_PORT, DB_USER = '', DB_PASSWORD = '', DB_NAME = '' } = env;
  const connect = () =>
    mysql.createConnection({ host: DB_HOST, port: Number(DB_PORT), user: DB_USER, password: DB_PASSWORD, database: DB_NAME });
  const session = await connect();
  for (const name of names) {
    const [rows] = await session.query<RowDataPacket[]>(`SHOW CREATE TABLE ${name}`);
    const made = String(rows[0]?.['Create Table']);
    await session.query(made.replace(/CONSTRAINT `\w+` (?=FOREIGN)/g, '').replace(anyName, 'bare_$1'));
    await session.query(`INSERT INTO bare_${name} SELECT * FROM ${name}`);
  }
  await session.end();
  return [twin(await connect(), '$1'), twin(await connect(), 'bare_$1')];
}

/** Both rewrite the names of the tables, so that both spend the same time on it. */
function twin(session: Connection, name: string): Twin {
  return {
    run: (sql, values) => session.query(sql.replace(anyName, name), [...values]),
    end: () => session.end(),
  };
}

async function measure({ pace }: Site, one: Case, ours: Twin, bare: Twin): Promise<readonly Figure[]> {
  const medians: number[] = [];
  const tails: number[] = [];
  let n = 0;
  for (let round = 0; round <= pace.rounds; round += 1) {
    const times: { readonly ours: number[]; readonly bare: number[] } = { ours: [], bare: [] };
    for (let turn = 0; turn < perRound; turn += 1, n += 1) {
      // In turn, and each first every other time, so that whatever else the machine does meets both alike.
      const order = turn % 2 === 0 ? (['ours', 'bare'] as const) : (['bare', 'ours'] as const);
      for (const which of order) times[which].push(await timed(one, which === 'ours' ? ours : bare, n));
    }
    if (round === 0) continue; // warming up
    medians.push(quantile(times.ours, 0.5) / quantile(times.bare, 0.5));
    tails.push(quantile(times.ours, 0.99) / quantile(times.bare, 0.99));
  }
  return [
    { name: one.name, of: 'duration', ratio: spreadOf(medians), goal },
    { name: one.name, of: 'duration', ratio: spreadOf(tails), note: 'p99' },
  ];
}

async function timed({ prepare, run }: Case, session: Twin, n: number): Promise<number> {
  await prepare?.(session.run, n);
  const started = performance.now();
  await run(session.run, n);
  return performance.now() - started;
}

function quantile(values: readonly number[], at: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * at))] ?? 0;
}
