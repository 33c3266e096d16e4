/** The demo clinic: invented people with the charts a small practice has, oddities of real rows included. */

/** Days from today; turned into dates when the clinic is loaded, so that it never grows old. */
export type Day = number;

export interface DemoPatient {
  readonly name: string;
  readonly dob: string | null;
  readonly sex: 'Male' | 'Female' | 'Other';
  readonly history?: readonly (readonly [
    type: string,
    item: string,
    details: string | null,
    date: string | null,
    severity: string | null,
    active: 0 | 1 | null,
  ])[];
  readonly medication?: readonly {
    readonly medicine: string;
    readonly continued: 0 | 1;
    readonly prescribed: Day;
    readonly discontinued?: Day;
    readonly dosage: string | null;
    readonly frequency: string | null;
    readonly by: string | null;
    readonly purposes?: readonly (readonly [condition: string, description: string | null])[];
  }[];
  readonly appointments?: readonly {
    readonly day: Day;
    readonly time: string | null;
    readonly status: string;
    readonly type: string;
    readonly doctor: string | null;
    readonly notes: string | null;
    readonly symptoms?: readonly (readonly [
      name: string,
      description: string | null,
      severity: string | null,
      duration: string | null,
      onset: string | null,
    ])[];
  }[];
  readonly labs?: readonly {
    readonly day: Day;
    readonly type: string;
    readonly doctor: string | null;
    readonly facility: string | null;
    readonly findings: readonly (readonly [
      test: string,
      value: string,
      unit: string | null,
      range: string | null,
      abnormal: 0 | 1,
      flag: string | null,
    ])[];
  }[];
  readonly reports?: readonly (readonly [type: string, day: Day, report: string, summary: string, doctor: string])[];
}

const okafor = 'Dr. Ngozi Okafor';
const lindqvist = 'Dr. Per Lindqvist';
const lab = 'Harbour Street Laboratory';

export const demoClinic: readonly DemoPatient[] = [
  {
    name: 'Margarethe Sandhofer',
    dob: '1954-03-18',
    sex: 'Female',
    history: [
      ['condition', 'Type 2 diabetes mellitus', 'Diet and metformin; yearly eye check', '2009-06-01', 'moderate', 1],
      ['condition', 'Essential hypertension', null, '2012-01-15', 'mild', 1],
      ['allergy', 'Penicillin', 'Rash after amoxicillin in 1987', '1987-04-02', 'severe', 1],
      ['surgery', 'Cataract surgery, left eye', null, '2019-11-05', null, 1],
      ['family_history', 'Myocardial infarction', 'Father, at 61', null, null, 1],
      ['lifestyle', 'Former smoker, 10 pack-years', null, '1995-01-01', null, 1],
    ],
    medication: [
      {
        medicine: 'Metformin',
        continued: 1,
        prescribed: -1460,
        dosage: '500 mg',
        frequency: 'twice daily',
        by: okafor,
        purposes: [['Type 2 diabetes mellitus', 'Glucose control']],
      },
      {
        medicine: 'Lisinopril',
        continued: 1,
        prescribed: -900,
        dosage: '10 mg',
        frequency: 'once daily',
        by: okafor,
        purposes: [['Essential hypertension', null]],
      },
      {
        medicine: 'Hydrochlorothiazide',
        continued: 0,
        prescribed: -1400,
        discontinued: -900,
        dosage: '12.5 mg',
        frequency: 'once daily',
        by: lindqvist,
      },
    ],
    appointments: [
      {
        day: -30,
        time: '09:15:00',
        status: 'Completed',
        type: 'follow_up',
        doctor: okafor,
        notes: 'HbA1c slightly up; diet discussed.',
        symptoms: [
          ['Fatigue', 'Worse in the afternoon', 'mild', '2 weeks', 'gradual'],
          ['Thirst', null, 'moderate', '10 days', 'gradual'],
        ],
      },
      { day: 14, time: '10:30:00', status: 'Confirmed', type: 'routine_checkup', doctor: okafor, notes: null },
    ],
    labs: [
      {
        day: -28,
        type: 'Metabolic panel',
        doctor: okafor,
        facility: lab,
        findings: [
          ['Hemoglobin A1c', '7.40', '%', '4.0-5.6', 1, 'high'],
          ['Glucose', '146', 'mg/dL', '70-99', 1, 'high'],
          ['Creatinine', '0.90', 'mg/dL', '0.6-1.1', 0, null],
          ['Potassium', '4.1', 'mmol/L', '3.5 - 5.1', 0, null],
          ['eGFR', '>60', 'mL/min/1.73m2', '>=60', 0, null],
        ],
      },
    ],
    reports: [
      [
        'Radiology',
        -400,
        'Chest, two views. Heart size normal. Lungs clear. No effusion.',
        'No acute disease.',
        'Dr. Ilse Brandt',
      ],
    ],
  },
  {
    name: 'Åke Nyström',
    dob: '1988-11-30',
    sex: 'Male',
    history: [
      ['condition', 'Asthma', 'Exercise induced', '2001-05-01', 'moderate', 1],
      ['allergy', 'Cat hair', null, null, 'mild', 1],
      ['lifestyle', 'Never smoker', null, null, null, 1],
    ],
    medication: [
      {
        medicine: 'Albuterol',
        continued: 1,
        prescribed: -200,
        dosage: '2 puffs',
        frequency: 'as needed',
        by: lindqvist,
        purposes: [['Asthma', null]],
      },
    ],
    appointments: [
      {
        day: -3,
        time: '16:45:00',
        status: 'Completed',
        type: 'consultation',
        doctor: lindqvist,
        notes: null,
        symptoms: [['Cough', 'Dry, at night', 'moderate', '3 days', 'sudden']],
      },
    ],
  },
  {
    name: 'Nguyễn Thị Hoa',
    dob: '1999-07-07',
    sex: 'Female',
    history: [
      ['allergy', 'No known allergies', null, null, null, 1],
      ['condition', 'Iron deficiency anemia', null, '2025-02-11', 'mild', 1],
    ],
    medication: [
      { medicine: 'Ferrous sulfate', continued: 1, prescribed: -120, dosage: '325 mg', frequency: 'once daily', by: okafor },
    ],
    labs: [
      {
        day: -120,
        type: 'Complete blood count',
        doctor: okafor,
        facility: lab,
        findings: [
          ['Hemoglobin', '10.20', 'g/dL', '12.0-15.5', 1, 'low'],
          ['WBC', '6.1', 'K/uL', '4.0-11.0', 0, null],
          ['Platelets', '310', 'K/uL', '150-400', 0, null],
          ['Ferritin', '6', 'ng/mL', '15-150', 1, 'critical_low'],
        ],
      },
      {
        day: -10,
        type: 'Complete blood count',
        doctor: okafor,
        facility: lab,
        findings: [['Hemoglobin', '12.60', 'g/dL', '12.0-15.5', 0, null]],
      },
    ],
  },
  {
    name: 'Bello, Musa Ibrahim',
    dob: '1975-01-02',
    sex: 'Male',
    history: [
      ['surgery', 'Appendectomy', null, '1991-08-20', null, 1],
      ['condition', 'Lumbar disc herniation', 'Conservative treatment', '2023-09-14', 'severe', 0],
      ['other', 'Walks with a cane since 2023', null, null, null, 1],
    ],
    appointments: [
      { day: 2, time: '08:00:00', status: 'Scheduled', type: 'consultation', doctor: lindqvist, notes: 'Bring MRI' },
      { day: -60, time: null, status: 'No_Show', type: 'follow_up', doctor: lindqvist, notes: null },
    ],
  },
  {
    name: 'Χριστίνα Παπαδοπούλου',
    dob: '1966-12-24',
    sex: 'Female',
    history: [['condition', 'Hypothyroidism', null, '2004-03-03', 'mild', 1]],
    medication: [
      {
        medicine: 'Levothyroxine',
        continued: 1,
        prescribed: -2000,
        dosage: '75 mcg',
        frequency: 'every morning',
        by: okafor,
        purposes: [['Hypothyroidism', null]],
      },
    ],
    labs: [
      {
        day: -45,
        type: 'Thyroid panel',
        doctor: okafor,
        facility: lab,
        findings: [
          ['TSH', '2.310', 'mIU/L', '0.4-4.0', 0, null],
          ['Free T4', '1.2', 'ng/dL', '0.8-1.8', 0, null],
        ],
      },
    ],
  },
  {
    name: 'Sasha Rivers',
    dob: null,
    sex: 'Other',
    appointments: [
      {
        day: -1,
        time: '23:50:00',
        status: 'Completed',
        type: 'emergency',
        doctor: null,
        notes: null,
        symptoms: [['Chest pain', 'Left sided, at rest', 'critical', '40 minutes', 'sudden']],
      },
    ],
    labs: [
      {
        day: -1,
        type: 'Emergency panel',
        doctor: null,
        facility: null,
        findings: [
          ['Troponin I', '<0.010', 'ng/mL', '<0.04', 0, null],
          ['D-dimer', '0.31', 'mg/L', 'up to 0.5', 0, null],
          ['COVID-19 PCR', 'not detected', null, null, 0, null],
          ['Blood culture', 'pending', null, null, 0, null],
        ],
      },
    ],
  },
];
