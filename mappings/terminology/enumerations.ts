/** The vocabularies of MediMax's ENUM and flag columns. */
import { tables } from '../../src/mapping/tables.ts';
import { localAppointmentTypes } from '../appointment.ts';
import { severityDisplays } from '../history/severity.ts';
import { codeSystems } from '../local-terms.ts';
import { labTypes } from '../observation/category.ts';
import type { TermTables } from '../terms/term-table.ts';
import type { Concept, Vocabulary } from './declared.ts';

export function enumerations(terms: TermTables): readonly Vocabulary[] {
  return [
    enumeration(
      codeSystems.severity,
      'Severities',
      ['Medical_History.severity', 'Appointment_Symptom.severity'],
      severityDisplays,
    ),
    enumeration(codeSystems.onset, 'Onsets of a symptom', ['Appointment_Symptom.onset_type'], {
      ...displaysOf(terms.onset.entries),
    }),
    enumeration(codeSystems.historyType, 'Types of history entry', ['Medical_History.history_type'], { other: 'Other history' }),
    {
      id: codeSystems.appointmentType,
      title: 'Types of appointment',
      columns: ['Appointment.appointment_type'],
      concepts: appointmentTypeConcepts(),
      isComplete: true,
    },
    enumeration('medimax-sex', 'Sexes', ['Patient.sex']),
    enumeration('medimax-appointment-status', 'Statuses of an appointment', ['Appointment.status']),
    enumeration('medimax-abnormal-flag', 'Flags of a result', ['Lab_Finding.abnormal_flag']),
    flag('medimax-is-active', 'Whether a history entry is active', ['Medical_History.is_active'], 'Active', 'Inactive'),
    flag('medimax-is-continued', 'Whether a medication is continued', ['Medication.is_continued'], 'Continued', 'Discontinued'),
    {
      id: 'medimax-lab-type',
      title: 'Types of laboratory report that stand for a category',
      columns: ['Lab_Report.lab_type'],
      concepts: labTypes.rows.map(([code]) => ({ code })),
      isComplete: false,
    },
  ];
}

/** Codes are the values that the column's own definition allows. */
function enumeration(
  id: string,
  title: string,
  columns: readonly string[],
  displays: Readonly<Record<string, string>> = {},
): Vocabulary {
  const concepts = valuesOf(columns[0] ?? '').map((code): Concept => ({ code, display: displays[code] ?? words(code) }));
  return { id, title, columns, concepts, isComplete: true };
}

function valuesOf(path: string): readonly string[] {
  const [table = '', column = ''] = path.split('.');
  const found = Object.values(tables).find(({ name }) => name === table)?.columns[column]?.values;
  if (!found) throw new Error(`${path} is no ENUM column`);
  return found;
}

function flag(id: string, title: string, columns: readonly string[], one: string, zero: string): Vocabulary {
  const concepts = [
    { code: '1', display: one },
    { code: '0', display: zero },
  ];
  return { id, title, columns, concepts, isComplete: true };
}

/** MediMax's four words, and the names of its earlier API, which are accepted and never given. */
function appointmentTypeConcepts(): readonly Concept[] {
  return localAppointmentTypes.rows.map(([value, code]) =>
    value === code ? { code, display: words(code) } : { code, definition: `An earlier name; MediMax keeps it as ${value}.` },
  );
}

function displaysOf(entries: readonly { readonly text: string; readonly display: string }[]): Readonly<Record<string, string>> {
  return Object.fromEntries(entries.map(({ text, display }) => [text, display]));
}

/** `routine_checkup` → `Routine checkup`. */
export function words(code: string): string {
  const text = code.replaceAll('_', ' ').toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}
