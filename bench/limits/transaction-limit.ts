/** The limit of a transaction: the rows of one Bundle inserted one after the other by the driver alone, in one durable transaction, on 16 connections. */
import type { ResultSetHeader } from 'mysql2';
import { serveLoop } from '../loop.ts';
import { limitPool } from './limit-server.ts';

const lanes = 16;
const pool = limitPool(lanes);
const stamp = '2024-05-06 07:08:09';

/** How many rows of each kind one transaction holds. */
export interface TransactionOrder {
  readonly conditions: number;
  readonly reports: number;
  readonly findingsOfEach: number;
}

serveLoop(lanes, async (argument, mayGoOn) => {
  const { conditions, reports, findingsOfEach } = argument as TransactionOrder; // sent by transaction.ts
  const connection = await pool.promise().getConnection();
  const insert = async (sql: string, values: readonly (string | number | null)[]) => {
    const [header] = await connection.execute<ResultSetHeader>(sql, [...values]);
    return header.insertId;
  };
  let done = 0;
  try {
    for (; mayGoOn(); done += 1) {
      await connection.query('START TRANSACTION');
      const patient = await insert('INSERT INTO bench_Patient (name, dob, sex, created_at, updated_at) VALUES (?, ?, ?, ?, ?)', [
        'Nina Moser',
        '1971-04-05',
        'Female',
        stamp,
        stamp,
      ]);
      for (let at = 0; at < conditions; at += 1)
        await insert(
          'INSERT INTO bench_Medical_History (patient_id, history_type, history_item, history_details, history_date, severity, is_active, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
          [patient, 'condition', `Condition ${at}`, null, '2019-03-04', null, 1, stamp],
        );
      for (let at = 0; at < reports; at += 1) {
        const report = await insert(
          'INSERT INTO bench_Lab_Report (patient_id, lab_date, lab_type, ordering_doctor, lab_facility, created_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
          [patient, `2020-01-${String(at + 1).padStart(2, '0')}`, 'Laboratory', null, null, stamp, stamp],
        );
        for (let finding = 0; finding < findingsOfEach; finding += 1)
          await insert(
            'INSERT INTO bench_Lab_Finding (lab_report_id, test_name, test_value, test_unit, reference_range, is_abnormal, abnormal_flag) VALUES (?, ?, ?, ?, ?, ?, ?)',
            [report, `Test ${finding}`, '5.4', 'mmol/L', null, 0, null],
          );
      }
      await connection.query('COMMIT');
    }
  } finally {
    connection.release();
  }
  return done;
});
