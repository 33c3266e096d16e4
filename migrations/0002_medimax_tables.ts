/**
 * MediMax's nine tables exactly as its documentation states them, each index once (S15 of the mapping notes), with ON UPDATE CASCADE
 * as its prose promises (S11) and without chk_future_date, which no server accepts (S1).
 * Where the tables exist they are adopted: nothing is altered here; `migrate` then checks that they can carry the mappings.
 */
import type { Knex } from 'knex';

const patientKey = 'FOREIGN KEY (patient_id) REFERENCES Patient(patient_id) ON DELETE CASCADE ON UPDATE CASCADE';
const tableOptions = 'ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci';
const timestamps = `
  created_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP,
  updated_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,`;

/** In the order in which foreign keys allow them to be made. */
const definitions: readonly (readonly [table: string, columns: string])[] = [
  [
    'Patient',
    `patient_id INT AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(255) NOT NULL,
  dob DATE,
  sex ENUM('Male', 'Female', 'Other') NOT NULL,${timestamps}
  INDEX idx_patient_name (name),
  INDEX idx_patient_dob (dob),
  INDEX idx_patient_sex (sex),
  INDEX idx_patient_search_covering (name, sex, created_at, patient_id),
  CONSTRAINT chk_patient_name_length CHECK (CHAR_LENGTH(name) > 0 AND CHAR_LENGTH(name) <= 255)`,
  ],
  [
    'Medical_History',
    `history_id INT AUTO_INCREMENT PRIMARY KEY,
  patient_id INT NOT NULL,
  history_type ENUM('allergy', 'surgery', 'family_history', 'condition', 'lifestyle', 'other') NOT NULL,
  history_item VARCHAR(255) NOT NULL,
  history_details TEXT,
  history_date DATE,
  severity ENUM('mild', 'moderate', 'severe', 'critical') DEFAULT 'mild',
  is_active TINYINT(1) DEFAULT 1,
  updated_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP,
  ${patientKey},
  INDEX idx_history_patient (patient_id),
  INDEX idx_history_type (history_type),
  INDEX idx_history_active (is_active),
  INDEX idx_history_date (history_date),
  INDEX idx_history_patient_type (patient_id, history_type),
  INDEX idx_history_active_date (is_active, history_date),
  CONSTRAINT chk_history_item_not_empty CHECK (CHAR_LENGTH(history_item) > 0)`,
  ],
  [
    'Appointment',
    `appointment_id INT AUTO_INCREMENT PRIMARY KEY,
  patient_id INT NOT NULL,
  appointment_date DATE NOT NULL,
  appointment_time TIME,
  status ENUM('Scheduled', 'Confirmed', 'Pending', 'Completed', 'Cancelled', 'No_Show') DEFAULT 'Scheduled',
  appointment_type ENUM('consultation', 'follow_up', 'emergency', 'routine_checkup') DEFAULT 'routine_checkup',
  doctor_name VARCHAR(255),
  notes TEXT,${timestamps}
  ${patientKey},
  INDEX idx_appointment_patient (patient_id),
  INDEX idx_appointment_date (appointment_date),
  INDEX idx_appointment_status (status),
  INDEX idx_appointment_type (appointment_type),
  INDEX idx_appointment_doctor (doctor_name),
  INDEX idx_appointment_patient_date (patient_id, appointment_date),
  INDEX idx_appointment_doctor_date (doctor_name, appointment_date),
  CONSTRAINT chk_appointment_date_not_null CHECK (appointment_date IS NOT NULL)`,
  ],
  [
    'Appointment_Symptom',
    `symptom_id INT AUTO_INCREMENT PRIMARY KEY,
  appointment_id INT NOT NULL,
  symptom_name VARCHAR(255) NOT NULL,
  symptom_description TEXT,
  severity ENUM('mild', 'moderate', 'severe', 'critical') DEFAULT 'mild',
  duration VARCHAR(100),
  onset_type ENUM('sudden', 'gradual', 'chronic', 'intermittent') DEFAULT 'gradual',
  FOREIGN KEY (appointment_id) REFERENCES Appointment(appointment_id) ON DELETE CASCADE ON UPDATE CASCADE,
  INDEX idx_symptom_appointment (appointment_id),
  INDEX idx_symptom_name (symptom_name),
  INDEX idx_symptom_severity (severity)`,
  ],
  [
    'Medication',
    `medication_id INT AUTO_INCREMENT PRIMARY KEY,
  patient_id INT NOT NULL,
  medicine_name VARCHAR(255) NOT NULL,
  is_continued TINYINT(1) DEFAULT 1,
  prescribed_date DATE NOT NULL,
  discontinued_date DATE,
  dosage VARCHAR(100),
  frequency VARCHAR(100),
  prescribed_by VARCHAR(255),${timestamps}
  ${patientKey},
  INDEX idx_medication_patient (patient_id),
  INDEX idx_medication_name (medicine_name),
  INDEX idx_medication_continued (is_continued),
  INDEX idx_medication_prescribed_date (prescribed_date),
  INDEX idx_medication_patient_continued (patient_id, is_continued),
  CONSTRAINT chk_discontinued_date CHECK (is_continued = 1 OR discontinued_date IS NOT NULL),
  CONSTRAINT chk_medication_name_not_empty CHECK (CHAR_LENGTH(medicine_name) > 0)`,
  ],
  [
    'Medication_Purpose',
    `purpose_id INT AUTO_INCREMENT PRIMARY KEY,
  medication_id INT NOT NULL,
  condition_name VARCHAR(255),
  purpose_description TEXT,
  FOREIGN KEY (medication_id) REFERENCES Medication(medication_id) ON DELETE CASCADE ON UPDATE CASCADE,
  INDEX idx_purpose_medication (medication_id),
  INDEX idx_purpose_condition (condition_name)`,
  ],
  [
    'Lab_Report',
    `lab_report_id INT AUTO_INCREMENT PRIMARY KEY,
  patient_id INT NOT NULL,
  lab_date DATE NOT NULL,
  lab_type VARCHAR(255) NOT NULL,
  ordering_doctor VARCHAR(255),
  lab_facility VARCHAR(255),${timestamps}
  ${patientKey},
  INDEX idx_lab_patient (patient_id),
  INDEX idx_lab_date (lab_date),
  INDEX idx_lab_type (lab_type),
  INDEX idx_lab_doctor (ordering_doctor),
  INDEX idx_lab_patient_date (patient_id, lab_date)`,
  ],
  [
    'Lab_Finding',
    `lab_finding_id INT AUTO_INCREMENT PRIMARY KEY,
  lab_report_id INT NOT NULL,
  test_name VARCHAR(255) NOT NULL,
  test_value VARCHAR(255) NOT NULL,
  test_unit VARCHAR(50),
  reference_range VARCHAR(100),
  is_abnormal TINYINT(1) DEFAULT 0,
  abnormal_flag ENUM('high', 'low', 'critical_high', 'critical_low'),
  FOREIGN KEY (lab_report_id) REFERENCES Lab_Report(lab_report_id) ON DELETE CASCADE ON UPDATE CASCADE,
  INDEX idx_finding_report (lab_report_id),
  INDEX idx_finding_test (test_name),
  INDEX idx_finding_abnormal (is_abnormal),
  CONSTRAINT chk_abnormal_flag CHECK (is_abnormal = 0 OR abnormal_flag IS NOT NULL),
  CONSTRAINT chk_test_value_not_empty CHECK (CHAR_LENGTH(test_value) > 0)`,
  ],
  [
    'Report',
    `report_id INT AUTO_INCREMENT PRIMARY KEY,
  patient_id INT NOT NULL,
  report_type VARCHAR(100) NOT NULL,
  report_date DATE NOT NULL,
  complete_report TEXT,
  report_summary TEXT,
  doctor_name VARCHAR(255),${timestamps}
  ${patientKey},
  INDEX idx_report_patient (patient_id),
  INDEX idx_report_type (report_type),
  INDEX idx_report_date (report_date)`,
  ],
];

/** Remembers which of the tables are the gateway's doing, so that `down` never touches MediMax's own. */
const settingName = 'medimax_tables_created';

export async function up(knex: Knex): Promise<void> {
  const created: string[] = [];
  for (const [table, columns] of definitions) {
    if (await knex.schema.hasTable(table)) continue;
    await knex.raw(`CREATE TABLE ${table} (\n  ${columns}\n) ${tableOptions}`);
    created.push(table);
  }
  await knex.raw('INSERT INTO fhir_setting (name, value) VALUES (?, ?)', [settingName, JSON.stringify(created)]);
}

/** Drops the tables that `up` made, children first, and only while they are empty: records are never dropped by a migration. */
export async function down(knex: Knex): Promise<void> {
  const setting = await knex('fhir_setting').where({ name: settingName }).first('value');
  const created: string[] = setting ? JSON.parse(setting.value) : [];
  for (const table of created) {
    if (await knex(table).first(knex.raw('1')))
      throw new Error(`${table} holds rows: it is not dropped. Empty it first if that is meant.`);
  }
  for (const [table] of definitions.toReversed()) {
    if (created.includes(table)) await knex.raw(`DROP TABLE ${table}`);
  }
  await knex('fhir_setting').where({ name: settingName }).delete();
}
