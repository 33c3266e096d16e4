/** A clinic of realistic size, written set-wise: so many patients with a chart each, some resources as if a client had refined them. */

/** Statements in order; run them past the triggers, and adopt the rows before `overlaysOf`. Rows are numbered from 1 without gaps. */
export function clinicStatements(patients: number): readonly string[] {
  const n = `seq_1_to_${patients}`;
  const pick = (words: readonly string[], seed: string) =>
    `ELT(1 + MOD(${seed}, ${words.length}), ${words.map((word) => `'${word}'`).join(', ')})`;
  const stamp = "TIMESTAMP('2024-01-01 08:00:00') + INTERVAL MOD(seq * 37, 900) HOUR";
  return [
    `INSERT INTO Patient (patient_id, name, dob, sex, created_at, updated_at)
     SELECT seq, CONCAT(${pick(given, 'seq * 7')}, ' ', ${pick(family, 'seq DIV 3')}, IF(MOD(seq, 4) = 0, CONCAT('-', ${pick(family, 'seq * 11')}), '')),
       DATE('1930-01-01') + INTERVAL MOD(seq * 7919, 33000) DAY, ${pick(['Male', 'Female', 'Female', 'Male', 'Other'], 'seq')}, ${stamp}, ${stamp} FROM ${n}`,
    `INSERT INTO Medical_History (history_id, patient_id, history_type, history_item, history_details, history_date, severity, is_active, updated_at)
     SELECT 2 * seq - 1, seq, 'condition', ${pick(conditions, 'seq')}, 'Known for some years; reviewed at every visit.', DATE('2012-03-01') + INTERVAL MOD(seq * 13, 4000) DAY,
       ${pick(['mild', 'moderate', 'severe'], 'seq')}, MOD(seq, 3) > 0, ${stamp} FROM ${n}
     UNION ALL SELECT 2 * seq, seq, 'condition', ${pick(conditions, 'seq * 5')}, NULL, NULL, NULL, 1, ${stamp} FROM ${n}`,
    `INSERT INTO Medication (medication_id, patient_id, medicine_name, is_continued, prescribed_date, discontinued_date, dosage, frequency, prescribed_by, created_at, updated_at)
     SELECT seq, seq, ${pick(['Metformin', 'Lisinopril', 'Atorvastatin', 'Amlodipine'], 'seq')}, 1, DATE('2023-01-01') + INTERVAL MOD(seq, 600) DAY, NULL,
       ${pick(['500 mg', '10 mg', '20 mg', '5 mg'], 'seq')}, 'twice daily', 'Dr. Ines Roth', ${stamp}, ${stamp} FROM ${n}`,
    `INSERT INTO Medication_Purpose (purpose_id, medication_id, condition_name, purpose_description) SELECT seq, seq, ${pick(conditions, 'seq')}, NULL FROM ${n}`,
    `INSERT INTO Appointment (appointment_id, patient_id, appointment_date, appointment_time, status, appointment_type, doctor_name, notes, created_at, updated_at)
     SELECT seq, seq, DATE('2024-02-01') + INTERVAL MOD(seq, 700) DAY, SEC_TO_TIME(28800 + 900 * MOD(seq, 36)), ${pick(['Completed', 'Scheduled', 'Confirmed'], 'seq')},
       ${pick(['consultation', 'follow_up', 'routine_checkup'], 'seq')}, 'Dr. Ines Roth', NULL, ${stamp}, ${stamp} FROM ${n}`,
    `INSERT INTO Lab_Report (lab_report_id, patient_id, lab_date, lab_type, ordering_doctor, lab_facility, created_at, updated_at)
     SELECT seq, seq, DATE('2023-06-01') + INTERVAL MOD(seq * 3, 800) DAY, ${pick(['Metabolic Panel', 'Complete Blood Count'], 'seq')}, 'Dr. Ines Roth', 'City Laboratory', ${stamp}, ${stamp} FROM ${n}`,
    `INSERT INTO Lab_Finding (lab_finding_id, lab_report_id, test_name, test_value, test_unit, reference_range, is_abnormal, abnormal_flag)
     SELECT seq, 1 + (seq - 1) DIV 5, ${pick(['Glucose', 'Creatinine', 'Sodium', 'Potassium', 'Hemoglobin'], 'seq')}, ${pick(['95', '1.0', '140', '4.20', '13.8'], 'seq')},
       ${pick(['mg/dL', 'mg/dL', 'mmol/L', 'mmol/L', 'g/dL'], 'seq')}, ${pick(['70-100', '0.7-1.3', '135-145', '3.5-5.1', '12.0-17.5'], 'seq')},
       MOD(seq, 10) = 0, IF(MOD(seq, 10) = 0, 'high', NULL) FROM seq_1_to_${5 * patients}`,
  ];
}

/** What clients said beyond the columns: telecom and address of every third patient, a further coding and a note on every fifth finding. */
export const overlayStatements: readonly string[] = [
  `UPDATE fhir_resource SET origin = 'client', overlay = CONCAT('{"refined":{},"rest":{"active":true,"telecom":[{"system":"phone","value":"+41 44 555 ',
     LPAD(source_key, 5, '0'), '","use":"home"}],"address":[{"use":"home","line":["Seestrasse ', source_key, '"],"city":"Zürich","postalCode":"8002","country":"CH"}]}}')
   WHERE type = 'Patient' AND MOD(source_key, 3) = 0`,
  `UPDATE fhir_resource SET origin = 'client', overlay = '{"refined":{},"rest":{"method":{"text":"Automated analyser"},"note":[{"text":"Taken after a night without food."}]}}'
   WHERE type = 'Observation' AND variant = 'Lab_Finding' AND MOD(source_key, 5) = 0`,
];

const given = [
  'Anna',
  'Ben',
  'Clara',
  'David',
  'Élodie',
  'Farid',
  'Greta',
  'Hugo',
  'Ida',
  'Jonas',
  'Karin',
  'Léa',
  'Mia',
  'Noah',
] as const;
const family = [
  'Adler',
  'Brunner',
  'Costa',
  'Dubois',
  'Egger',
  'Fischer',
  'García',
  'Huber',
  'Imhof',
  'Jensen',
  'Keller',
  'Lang',
] as const;
const conditions = [
  'Hypertension',
  'Type 2 Diabetes',
  'Asthma',
  'Migraine',
  'Osteoarthritis',
  'Hypothyroidism',
  'Atrial fibrillation',
] as const;
