/** Loads the demo clinic by plain SQL, as MediMax's own software would write it: the gateway finds it like any other clinic. */
import mysql from 'mysql2/promise';
import type { Config } from '../../config.ts';
import { connectionOptions } from '../pool.ts';
import { type Day, type DemoPatient, demoClinic } from './clinic.ts';

/** Does nothing (and returns false) where there is any patient. */
export async function loadDemoClinic(config: Config): Promise<boolean> {
  const connection = await mysql.createConnection(connectionOptions(config));
  const insert = async (table: string, row: Readonly<Record<string, unknown>>): Promise<number> => {
    const [header] = await connection.query<mysql.ResultSetHeader>('INSERT INTO ?? SET ?', [table, row]);
    return header.insertId;
  };
  try {
    const [patients] = await connection.query<mysql.RowDataPacket[]>('SELECT 1 FROM Patient LIMIT 1');
    if (patients.length > 0) return false;
    await connection.beginTransaction();
    for (const patient of demoClinic) await insertPatient(insert, patient);
    await connection.commit();
    return true;
  } finally {
    await connection.end();
  }
}

type Insert = (table: string, row: Readonly<Record<string, unknown>>) => Promise<number>;

async function insertPatient(
  insert: Insert,
  { name, dob, sex, history, medication, appointments, labs, reports }: DemoPatient,
): Promise<void> {
  const patient_id = await insert('Patient', { name, dob, sex });
  for (const [history_type, history_item, history_details, history_date, severity, is_active] of history ?? []) {
    await insert('Medical_History', {
      patient_id,
      history_type,
      history_item,
      history_details,
      history_date,
      severity,
      is_active,
    });
  }
  for (const { medicine, continued, prescribed, discontinued, dosage, frequency, by, purposes } of medication ?? []) {
    const medication_id = await insert('Medication', {
      patient_id,
      medicine_name: medicine,
      is_continued: continued,
      prescribed_date: dateOf(prescribed),
      discontinued_date: discontinued === undefined ? null : dateOf(discontinued),
      dosage,
      frequency,
      prescribed_by: by,
    });
    for (const [condition_name, purpose_description] of purposes ?? [])
      await insert('Medication_Purpose', { medication_id, condition_name, purpose_description });
  }
  for (const { day, time, status, type, doctor, notes, symptoms } of appointments ?? []) {
    const row = {
      patient_id,
      appointment_date: dateOf(day),
      appointment_time: time,
      status,
      appointment_type: type,
      doctor_name: doctor,
      notes,
    };
    const appointment_id = await insert('Appointment', row);
    for (const [symptom_name, symptom_description, severity, duration, onset_type] of symptoms ?? []) {
      await insert('Appointment_Symptom', { appointment_id, symptom_name, symptom_description, severity, duration, onset_type });
    }
  }
  for (const { day, type, doctor, facility, findings } of labs ?? []) {
    const lab_report_id = await insert('Lab_Report', {
      patient_id,
      lab_date: dateOf(day),
      lab_type: type,
      ordering_doctor: doctor,
      lab_facility: facility,
    });
    for (const [test_name, test_value, test_unit, reference_range, is_abnormal, abnormal_flag] of findings) {
      await insert('Lab_Finding', {
        lab_report_id,
        test_name,
        test_value,
        test_unit,
        reference_range,
        is_abnormal,
        abnormal_flag,
      });
    }
  }
  for (const [report_type, day, complete_report, report_summary, doctor_name] of reports ?? []) {
    await insert('Report', { patient_id, report_type, report_date: dateOf(day), complete_report, report_summary, doctor_name });
  }
}

/** Today plus so many days, UTC. */
function dateOf(days: Day): string {
  return new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
}
