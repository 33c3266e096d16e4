/** MediMax's nine tables as its own documentation states them: one description for migration checks, triggers, limits and test rows. */

export type ColumnType = 'int' | 'varchar' | 'text' | 'date' | 'time' | 'enum' | 'flag' | 'timestamp';

export interface Column {
  readonly type: ColumnType;
  readonly nullable: boolean;
  /** Code points for varchar, bytes for text. */
  readonly max?: number;
  readonly values?: readonly string[];
}

export interface Table {
  readonly name: string;
  readonly key: string;
  /** Column that refers to the row this one belongs to, and its table. */
  readonly belongsTo?: { readonly column: string; readonly table: TableName };
  readonly columns: Readonly<Record<string, Column>>;
}

export const severities = ['mild', 'moderate', 'severe', 'critical'] as const;

const key: Column = { type: 'int', nullable: false };
const flag: Column = { type: 'flag', nullable: true };
const timestamp: Column = { type: 'timestamp', nullable: true };
const text: Column = { type: 'text', nullable: true, max: 65_535 };
const date: Column = { type: 'date', nullable: true };
const dateRequired: Column = { type: 'date', nullable: false };
const varchar = (max: number): Column => ({ type: 'varchar', nullable: true, max });
const varcharRequired = (max: number): Column => ({ type: 'varchar', nullable: false, max });
const oneOf = (values: readonly string[], nullable = true): Column => ({ type: 'enum', nullable, values });
const ofPatient = { column: 'patient_id', table: 'Patient' } as const;

export type TableName =
  | 'Patient'
  | 'Medical_History'
  | 'Appointment'
  | 'Appointment_Symptom'
  | 'Medication'
  | 'Medication_Purpose'
  | 'Lab_Report'
  | 'Lab_Finding'
  | 'Report';

/** The columns of its children that a resource sees: all of what it makes, but of what is there on its own no more than its list. */
export function childColumnsOf(child: {
  readonly table: TableName;
  readonly columns: readonly string[];
  readonly taken?: true;
}): readonly string[] {
  return child.taken ? child.columns : Object.keys(tables[child.table].columns);
}

export const tables: Readonly<Record<TableName, Table>> = {
  Patient: {
    name: 'Patient',
    key: 'patient_id',
    columns: {
      patient_id: key,
      name: varcharRequired(255),
      dob: date,
      sex: oneOf(['Male', 'Female', 'Other'], false),
      created_at: timestamp,
      updated_at: timestamp,
    },
  },
  Medical_History: {
    name: 'Medical_History',
    key: 'history_id',
    belongsTo: ofPatient,
    columns: {
      history_id: key,
      patient_id: key,
      history_type: oneOf(['allergy', 'surgery', 'family_history', 'condition', 'lifestyle', 'other'], false),
      history_item: varcharRequired(255),
      history_details: text,
      history_date: date,
      severity: oneOf(severities),
      is_active: flag,
      updated_at: timestamp,
    },
  },
  Appointment: {
    name: 'Appointment',
    key: 'appointment_id',
    belongsTo: ofPatient,
    columns: {
      appointment_id: key,
      patient_id: key,
      appointment_date: dateRequired,
      appointment_time: { type: 'time', nullable: true },
      status: oneOf(['Scheduled', 'Confirmed', 'Pending', 'Completed', 'Cancelled', 'No_Show']),
      appointment_type: oneOf(['consultation', 'follow_up', 'emergency', 'routine_checkup']),
      doctor_name: varchar(255),
      notes: text,
      created_at: timestamp,
      updated_at: timestamp,
    },
  },
  Appointment_Symptom: {
    name: 'Appointment_Symptom',
    key: 'symptom_id',
    belongsTo: { column: 'appointment_id', table: 'Appointment' },
    columns: {
      symptom_id: key,
      appointment_id: key,
      symptom_name: varcharRequired(255),
      symptom_description: text,
      severity: oneOf(severities),
      duration: varchar(100),
      onset_type: oneOf(['sudden', 'gradual', 'chronic', 'intermittent']),
    },
  },
  Medication: {
    name: 'Medication',
    key: 'medication_id',
    belongsTo: ofPatient,
    columns: {
      medication_id: key,
      patient_id: key,
      medicine_name: varcharRequired(255),
      is_continued: flag,
      prescribed_date: dateRequired,
      discontinued_date: date,
      dosage: varchar(100),
      frequency: varchar(100),
      prescribed_by: varchar(255),
      created_at: timestamp,
      updated_at: timestamp,
    },
  },
  Medication_Purpose: {
    name: 'Medication_Purpose',
    key: 'purpose_id',
    belongsTo: { column: 'medication_id', table: 'Medication' },
    columns: { purpose_id: key, medication_id: key, condition_name: varchar(255), purpose_description: text },
  },
  Lab_Report: {
    name: 'Lab_Report',
    key: 'lab_report_id',
    belongsTo: ofPatient,
    columns: {
      lab_report_id: key,
      patient_id: key,
      lab_date: dateRequired,
      lab_type: varcharRequired(255),
      ordering_doctor: varchar(255),
      lab_facility: varchar(255),
      created_at: timestamp,
      updated_at: timestamp,
    },
  },
  Lab_Finding: {
    name: 'Lab_Finding',
    key: 'lab_finding_id',
    belongsTo: { column: 'lab_report_id', table: 'Lab_Report' },
    columns: {
      lab_finding_id: key,
      lab_report_id: key,
      test_name: varcharRequired(255),
      test_value: varcharRequired(255),
      test_unit: varchar(50),
      reference_range: varchar(100),
      is_abnormal: flag,
      abnormal_flag: oneOf(['high', 'low', 'critical_high', 'critical_low']),
    },
  },
  Report: {
    name: 'Report',
    key: 'report_id',
    belongsTo: ofPatient,
    columns: {
      report_id: key,
      patient_id: key,
      report_type: varcharRequired(100),
      report_date: dateRequired,
      complete_report: text,
      report_summary: text,
      doctor_name: varchar(255),
      created_at: timestamp,
      updated_at: timestamp,
    },
  },
};
