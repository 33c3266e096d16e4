/** MediMax at work: its own statements at a steady pace on a few connections, each timed. They come when they are due, however long others take. */
import { type Connection, createConnection } from 'mysql2/promise';
import { readConfig } from '../../src/config.ts';
import { connectionOptions } from '../../src/db/pool.ts';
import type { LoopOrder } from '../loop.ts';

/** Durations of the statements of one order, in milliseconds, reads and writes apart. */
export interface Timings {
  readonly reads: readonly number[];
  readonly writes: readonly number[];
}

const connections = 8;
const perSecond = 200;

const patients = 10_000;

/** What the documentation of MediMax shows its application doing, in about its proportions. */
const reads: readonly string[] = [
  'SELECT * FROM Patient WHERE patient_id = ?',
  'SELECT * FROM Appointment WHERE patient_id = ? ORDER BY appointment_date DESC',
  'SELECT f.* FROM Lab_Finding f JOIN Lab_Report r ON r.lab_report_id = f.lab_report_id WHERE r.patient_id = ?',
];
const writes: readonly string[] = [
  "INSERT INTO Appointment (patient_id, appointment_date, appointment_time, status, appointment_type, doctor_name) VALUES (?, '2026-01-05', '10:00:00', 'Scheduled', 'follow_up', 'Dr. Roth')",
  "UPDATE Appointment SET status = IF(status = 'Completed', 'Confirmed', 'Completed') WHERE appointment_id = ?",
  "INSERT INTO Lab_Finding (lab_report_id, test_name, test_value, test_unit, reference_range, is_abnormal) VALUES (?, 'Glucose', '95', 'mg/dL', '70-100', 0)",
];

const { flags: _flags, infileStreamFactory: _none, ...options } = connectionOptions(readConfig(process.env));
const opened: Promise<Connection[]> = Promise.all(Array.from({ length: connections }, () => createConnection(options)));
let count = 0;

process.on('disconnect', () => process.exit(0));
process.on('message', ({ durationMs }: LoopOrder) => {
  work(durationMs).then(
    (timings) => process.send?.(timings),
    (failure: unknown) => {
      console.error(failure);
      process.exit(1);
    },
  );
});

async function work(durationMs: number): Promise<Timings> {
  const sessions = await opened;
  const timings = { reads: [] as number[], writes: [] as number[] };
  const running: Promise<unknown>[] = [];
  const started = performance.now();
  for (let n = 0; (n * 1000) / perSecond < durationMs; n += 1) {
    const due = started + (n * 1000) / perSecond;
    const early = due - performance.now();
    if (early > 0) await new Promise((resolve) => setTimeout(resolve, early));
    count += 1;
    const isWrite = count % 4 === 0;
    const list = isWrite ? writes : reads;
    const statement = list[Math.floor(count / 4) % list.length] ?? '';
    const session = sessions[count % connections];
    // Timed from when it is sent: a generator that is late on a busy machine is not the database's fault.
    const sent = performance.now();
    const done = session?.execute(statement, [1 + ((count * 7919) % patients)]).then(() => {
      (isWrite ? timings.writes : timings.reads).push(performance.now() - sent);
    });
    if (done) running.push(done);
  }
  await Promise.all(running);
  return timings;
}
