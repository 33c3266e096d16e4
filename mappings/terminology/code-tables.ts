/** The mappings' code tables as maps, one for each direction that is used. */
import type { Coding } from 'fhir/r4.js';
import type { CodeTable } from '../../src/mapping/code-table.ts';
import { allergyClinicalSystem } from '../allergy-intolerance.ts';
import { appointmentStatus, patientStatus } from '../appointment/participants.ts';
import { appointmentTypes, consultationCoding, localAppointmentTypes, reasonCodes } from '../appointment.ts';
import { conditionClinicalSystem } from '../condition.ts';
import { allergyClinical, conditionClinical } from '../history/clinical-status.ts';
import { reactionSeverity } from '../history/reactions.ts';
import { severitiesBetween } from '../history/severity.ts';
import { codeSystems } from '../local-terms.ts';
import { continued } from '../medication/course.ts';
import { labTypes } from '../observation/category.ts';
import { abnormalFlags, interpretationSystem } from '../observation/interpretation.ts';
import { categorySystem } from '../observation/kind.ts';
import { otherSex, sex, unknownGender } from '../patient.ts';
import { procedureStatus } from '../procedure.ts';
import { snomed } from '../terms/check-digits.ts';
import type { CodedTexts } from '../terms/coded-texts.ts';
import type { TermTables } from '../terms/term-table.ts';
import type { CodeMap, MapRow } from './declared.ts';

interface Described {
  /** `medimax-sex-gender`; the map of the other direction ends in `-written`. */
  readonly id: string;
  readonly title: string;
  readonly vocabulary: string;
  readonly columns: readonly string[];
  readonly elements: readonly string[];
  readonly system: string;
  readonly codes: CodeTable;
  /** Codes for column values that no row has, and column values for codes that no row has. */
  readonly unreadable?: string;
  readonly unwritable?: string;
  readonly directions?: readonly CodeMap['direction'][];
}

const hl7 = 'http://hl7.org/fhir';

const described: readonly Described[] = [
  {
    id: 'medimax-sex-gender',
    title: 'Sex and gender',
    vocabulary: 'medimax-sex',
    columns: ['Patient.sex'],
    elements: ['Patient.gender'],
    system: `${hl7}/administrative-gender`,
    codes: sex,
    unreadable: unknownGender,
    unwritable: otherSex,
  },
  {
    id: 'medimax-appointment-status',
    title: 'Status of an appointment',
    vocabulary: 'medimax-appointment-status',
    columns: ['Appointment.status'],
    elements: ['Appointment.status'],
    system: `${hl7}/appointmentstatus`,
    codes: appointmentStatus,
    unreadable: 'pending',
  },
  {
    id: 'medimax-appointment-participation',
    title: "Status of an appointment as the patient's participation",
    vocabulary: 'medimax-appointment-status',
    columns: ['Appointment.status'],
    elements: ['Appointment.participant.status'],
    system: `${hl7}/participationstatus`,
    codes: patientStatus,
    unreadable: 'needs-action',
    directions: ['read'],
  },
  {
    id: 'medimax-appointment-reason',
    title: 'Type of an appointment',
    vocabulary: codeSystems.appointmentType,
    columns: ['Appointment.appointment_type'],
    elements: ['Appointment.appointmentType'],
    system: reasonCodes,
    codes: appointmentTypes,
    unwritable: 'consultation',
  },
  {
    id: 'medimax-appointment-type-names',
    title: 'Names of a type of appointment',
    vocabulary: codeSystems.appointmentType,
    columns: ['Appointment.appointment_type'],
    elements: ['Appointment.appointmentType'],
    system: codeSystems.appointmentType,
    codes: localAppointmentTypes,
    unwritable: 'consultation',
    directions: ['written'],
  },
  {
    id: 'medimax-condition-clinical',
    title: 'Whether a condition is active',
    vocabulary: 'medimax-is-active',
    columns: ['Medical_History.is_active'],
    elements: ['Condition.clinicalStatus'],
    system: conditionClinicalSystem,
    codes: conditionClinical,
    unreadable: 'active',
  },
  {
    id: 'medimax-allergy-clinical',
    title: 'Whether an allergy is active',
    vocabulary: 'medimax-is-active',
    columns: ['Medical_History.is_active'],
    elements: ['AllergyIntolerance.clinicalStatus'],
    system: allergyClinicalSystem,
    codes: allergyClinical,
    unreadable: 'active',
  },
  {
    id: 'medimax-procedure-status',
    title: 'Status of an operation',
    vocabulary: 'medimax-is-active',
    columns: ['Medical_History.is_active'],
    elements: ['Procedure.status'],
    system: `${hl7}/event-status`,
    codes: procedureStatus,
    unreadable: 'completed',
  },
  {
    id: 'medimax-reaction-severity',
    title: 'Severity of a reaction',
    vocabulary: codeSystems.severity,
    columns: ['Medical_History.severity'],
    elements: ['AllergyIntolerance.reaction.severity'],
    system: `${hl7}/reaction-event-severity`,
    codes: reactionSeverity,
  },
  {
    id: 'medimax-medication-status',
    title: 'Status of a medication',
    vocabulary: 'medimax-is-continued',
    columns: ['Medication.is_continued'],
    elements: ['MedicationStatement.status'],
    system: `${hl7}/CodeSystem/medication-statement-status`,
    codes: continued,
    unreadable: 'unknown',
  },
  {
    id: 'medimax-interpretation',
    title: 'Interpretation of a result',
    vocabulary: 'medimax-abnormal-flag',
    columns: ['Lab_Finding.abnormal_flag'],
    elements: ['Observation.interpretation'],
    system: interpretationSystem,
    codes: abnormalFlags,
  },
  {
    id: 'medimax-lab-category',
    title: 'Category of a result',
    vocabulary: 'medimax-lab-type',
    columns: ['Lab_Report.lab_type'],
    elements: ['Observation.category'],
    system: categorySystem,
    codes: labTypes,
    unreadable: 'laboratory',
  },
];

export function codeTableMaps(terms: TermTables): readonly CodeMap[] {
  return [
    ...described.flatMap((one) => (one.directions ?? (['read', 'written'] as const)).map((direction) => mapOf(one, direction))),
    consultation,
    qualifiers('medimax-severity-snomed', 'Severity', codeSystems.severity, terms.severity, {
      columns: ['Medical_History.severity', 'Appointment_Symptom.severity'],
      elements: ['Condition.severity', 'Observation.component.value'],
    }),
    severityWritten(terms.severity),
    qualifiers('medimax-onset-snomed', 'Onset of a symptom', codeSystems.onset, terms.onset, {
      columns: ['Appointment_Symptom.onset_type'],
      elements: ['Observation.component.value'],
    }),
  ];
}

/** The first row of a repeated value or code is the one that counts, as in the table itself. */
function mapOf(one: Described, direction: CodeMap['direction']): CodeMap {
  const { id, title, vocabulary, columns, elements, system, codes, unreadable, unwritable } = one;
  const isRead = direction === 'read';
  const fallback = isRead ? unreadable : unwritable;
  const rows = codes.rows.map(
    ([value, code]): MapRow =>
      isRead ? { from: { code: value }, to: { system, code } } : { from: { code }, to: { system: vocabulary, code: value } },
  );
  return {
    id: isRead ? id : `${id}-written`,
    title: isRead ? title : `${title}, as written`,
    columns,
    elements,
    direction,
    fromSystem: isRead ? vocabulary : system,
    rows: firstOfEach(rows),
    ...(fallback === undefined ? {} : { otherwise: { system: isRead ? system : vocabulary, code: fallback } }),
  };
}

function firstOfEach(rows: readonly MapRow[]): readonly MapRow[] {
  const seen = new Set<string>();
  return rows.filter(({ from: { code } }) => !seen.has(code) && seen.add(code));
}

const consultation: CodeMap = {
  id: 'medimax-appointment-consultation',
  title: 'A consultation, which HL7 table 0276 has no code for',
  columns: ['Appointment.appointment_type'],
  elements: ['Appointment.appointmentType'],
  direction: 'read',
  fromSystem: codeSystems.appointmentType,
  rows: [{ from: { code: 'consultation' }, to: consultationCoding }],
};

function qualifiers(
  id: string,
  title: string,
  fromSystem: string,
  table: CodedTexts,
  places: Pick<CodeMap, 'columns' | 'elements'>,
): CodeMap {
  const rows = table.entries.map(({ text, system, code, display }) => ({ from: { code: text }, to: { system, code, display } }));
  return { id, title, ...places, direction: 'read', fromSystem, rows, version: table.version };
}

/** SNOMED CT has severities between MediMax's: they count as the worse one. */
function severityWritten(table: CodedTexts): CodeMap {
  const target = (code: string): Coding => ({ system: codeSystems.severity, code });
  const exact = table.entries.map(({ text, code, display }) => ({ from: { code, display }, to: target(text) }));
  const between = [...severitiesBetween].map(([code, severity]) => ({ from: { code }, to: target(severity) }));
  return {
    id: 'medimax-severity-snomed-written',
    title: 'Severity, as written',
    columns: ['Medical_History.severity', 'Appointment_Symptom.severity'],
    elements: ['Condition.severity', 'Observation.component.value'],
    direction: 'written',
    fromSystem: snomed,
    rows: firstOfEach([...exact, ...between]),
    version: table.version,
  };
}
