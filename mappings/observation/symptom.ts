/** A symptom told at an appointment: Observation ↔ an Appointment_Symptom row. Source of the rules: docs/mapping.md, section Appointment_Symptom. */
import type { Observation } from 'fhir/r4.js';
import { dateFromColumn } from '../../src/fhir/date.ts';
import { conceptText, firstNote, noteText, shortText } from '../../src/mapping/pairs.ts';
import type { NeededReference, Pair, Variant } from '../../src/mapping/types.ts';
import { extensionUrl, unknownConcept } from '../local-terms.ts';
import { shownText } from '../shown-text.ts';
import type { TermTables } from '../terms/term-table.ts';
import { checkKind, symptomCode } from './kind.ts';
import { type Lifted, loinc } from './lifted.ts';
import { checkStatus, statusOf } from './status.ts';
import { appointmentExtension, duration, onset, severity, symptomComponents } from './symptom-details.ts';

const code: Pair<Lifted> = {
  name: 'code',
  elements: ['code'],
  columns: [],
  toFhir: () => ({ code: { coding: [{ system: loinc, code: symptomCode }], text: 'Symptom' } }),
};

/** R4 lets no Observation.encounter be an Appointment: the link is an extension. */
const appointment: Pair<Lifted> = {
  name: 'appointment',
  elements: [appointmentExtension.name],
  columns: ['appointment_id'],
  toFhir({ parentId }, env) {
    if (parentId === null) return {};
    const valueReference = { reference: `Appointment/${parentId}` };
    return { 'extension:appointment': { url: extensionUrl(env, 'appointment'), valueReference } };
  },
  references: (elements) => appointmentOf(elements),
  toRow(elements, context) {
    const [needed] = appointmentOf(elements);
    const expression = 'Observation.extension';
    if (!needed) {
      const url = extensionUrl(context.env, 'appointment');
      context.refuse(
        'required',
        `A symptom needs the Appointment it was told at: an extension ${url} with a valueReference`,
        expression,
      );
      return {};
    }
    const key = context.key(needed);
    if (context.current !== null && key !== context.current.row['appointment_id']) {
      const text = 'A symptom stays with its Appointment; delete it and create a new one for the other';
      context.refuse('business-rule', text, expression);
    }
    return { row: { appointment_id: key } };
  },
};

function appointmentOf(elements: Partial<Lifted>): readonly NeededReference[] {
  const reference = elements['extension:appointment']?.valueReference;
  return reference ? [{ reference, target: 'Appointment', expression: 'Observation.extension.value' }] : [];
}

/** The appointment's patient. What is written here is no change but a claim, which the repository compares with the appointment's row. */
const subject: Pair<Lifted> = {
  name: 'subject',
  elements: ['subject'],
  columns: ['parent.patient_id'],
  toFhir: ({ patientId }) => (patientId === null ? {} : { subject: { reference: `Patient/${patientId}` } }),
  references: ({ subject: reference }) =>
    reference ? [{ reference, target: 'Patient', expression: 'Observation.subject' }] : [],
  toRow({ subject: reference }, context) {
    const expression = 'Observation.subject';
    if (!reference) {
      context.refuse('required', `${expression} must name the Patient of the Appointment`, expression);
      return {};
    }
    const key = context.key({ reference, target: 'Patient', expression });
    const patient = context.current?.parent?.['patient_id'];
    if (patient !== undefined && key !== patient)
      context.refuse('business-rule', `${expression} must be the Patient of the Appointment`, expression);
    return { parent: { patient_id: key } };
  },
};

/** Who tells a symptom is the patient, unless a client said otherwise. */
const performer: Pair<Lifted> = {
  name: 'performer',
  elements: ['performer'],
  columns: ['parent.patient_id'],
  toFhir: ({ patientId }) => (patientId === null ? {} : { performer: [{ reference: `Patient/${patientId}` }] }),
};

/** The appointment's day, which only the appointment changes; what a client said of the symptom's own time is kept until then. */
const effective: Pair<Lifted> = {
  name: 'effective',
  elements: ['effective[x]'],
  columns: ['parent.appointment_date'],
  toFhir({ parent }) {
    const day = dateFromColumn(String(parent?.['appointment_date'] ?? ''));
    return day === undefined ? {} : { effectiveDateTime: day };
  },
};

const symptomName: Pair<Lifted> = {
  name: 'value',
  elements: ['value[x]', 'dataAbsentReason'],
  columns: ['symptom_name'],
  toFhir({ row }) {
    const text = shownText(row['symptom_name']);
    return text === undefined ? { dataAbsentReason: unknownConcept } : { valueCodeableConcept: { text } };
  },
  toRow({ valueCodeableConcept, valueString }, context) {
    const expression = 'Observation.value';
    const name = conceptText(valueCodeableConcept) ?? valueString;
    if (name === undefined)
      context.refuse('required', `${expression} must name the symptom, as a CodeableConcept or a string`, expression);
    return { row: { symptom_name: shortText(name, 255, expression, context) } };
  },
};

const description: Pair<Lifted> = {
  ...noteText<Lifted>('Observation', 'symptom_description'),
  toFhir({ row }) {
    const text = shownText(row['symptom_description']);
    return text === undefined ? {} : { 'note:first': { text } };
  },
};

export const symptom: Variant<Lifted, TermTables> = {
  name: 'Appointment_Symptom',
  source: {
    table: 'Appointment_Symptom',
    key: 'symptom_id',
    idPrefix: 'sy',
    patient: 'parent',
    parent: {
      table: 'Appointment',
      key: 'appointment_id',
      foreignKey: 'appointment_id',
      resourceType: 'Appointment',
      shared: false,
    },
  },
  slices: [appointmentExtension, firstNote, ...symptomComponents],
  pairs: [
    appointment,
    statusOf(['symptom_name']),
    code,
    subject,
    effective,
    performer,
    symptomName,
    description,
    severity,
    duration,
    onset,
  ],
  check(resource: Observation, context) {
    checkKind('Appointment_Symptom', resource, context);
    checkStatus(resource.status, 'Observation', context);
  },
};
