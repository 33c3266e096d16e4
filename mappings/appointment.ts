/** Appointment ↔ the Appointment table and its Appointment_Symptom rows. Source of the rules: docs/mapping.md, section Appointment. */
import type { Appointment, CodeableConcept, Coding, Reference } from 'fhir/r4.js';
import { codeTable } from '../src/mapping/code-table.ts';
import { longText } from '../src/mapping/pairs.ts';
import { defineMapping } from '../src/mapping/registry.ts';
import type { Pair, WriteContext } from '../src/mapping/types.ts';
import { doctor, isPatient, participantSlices, patient, status, type WithParticipants } from './appointment/participants.ts';
import { otherReasons, reasonCode, reasonReference, symptoms } from './appointment/reasons.ts';
import { timesUnknown, when } from './appointment/when.ts';
import { instantFromTimestamp } from './grammar/timestamp.ts';
import { codeSystem, isCodeSystem } from './local-terms.ts';
import { shownText } from './shown-text.ts';
import { snomed } from './terms/check-digits.ts';

type Lifted = WithParticipants & { readonly [other: `reasonReference:other${number}`]: Reference };

export const reasonCodes = 'http://terminology.hl7.org/CodeSystem/v2-0276';

/** HL7 table 0276; it has no code for a consultation. */
export const appointmentTypes = codeTable([
  ['routine_checkup', 'CHECKUP'],
  ['routine_checkup', 'ROUTINE'],
  ['follow_up', 'FOLLOWUP'],
  ['emergency', 'EMERGENCY'],
  ['emergency', 'WALKIN'],
]);

const displays: Readonly<Record<string, string>> = {
  CHECKUP: 'A routine check-up, such as an annual physical',
  FOLLOWUP: 'A follow up visit from a previous appointment',
  EMERGENCY: 'Emergency appointment',
};

/** What SNOMED CT calls a consultation, which table 0276 has no code for. */
export const consultationCoding: Coding = { system: snomed, code: '11429006', display: 'Consultation' };

/** MediMax's own words, and the names its earlier API gave them (Surgery is folded into consultation there). */
export const localAppointmentTypes = codeTable([
  ['consultation', 'consultation'],
  ['follow_up', 'follow_up'],
  ['emergency', 'emergency'],
  ['routine_checkup', 'routine_checkup'],
  ['routine_checkup', 'Regular'],
  ['emergency', 'Emergency'],
  ['follow_up', 'Follow_up'],
  ['consultation', 'Consultation'],
  ['consultation', 'Surgery'],
]);

const appointmentType: Pair<Lifted> = {
  name: 'appointmentType',
  elements: ['appointmentType'],
  columns: ['appointment_type'],
  toFhir({ row }, env) {
    const text = row['appointment_type'];
    if (text === 'consultation') {
      const local = { system: codeSystem(env, 'appointmentType'), code: text, display: 'Consultation' };
      return { appointmentType: { coding: [local, consultationCoding], text } };
    }
    const code = appointmentTypes.toFhir(text);
    if (code === undefined) return {};
    return { appointmentType: { coding: [{ system: reasonCodes, code, display: displays[code] ?? code }], text: String(text) } };
  },
  toRow: (elements) => ({ row: { appointment_type: typeColumn(elements.appointmentType) } }),
};

/** What no table knows becomes a consultation, as MediMax itself does; what was said is kept beside. */
function typeColumn(type: CodeableConcept | undefined): string | null {
  if (type === undefined) return null;
  for (const { system, code } of type.coding ?? []) {
    const known = isCodeSystem(system, 'appointmentType')
      ? localAppointmentTypes.toRow(code)
      : system === reasonCodes
        ? appointmentTypes.toRow(code)
        : undefined;
    if (known) return known;
  }
  return (type.coding ? undefined : localAppointmentTypes.toRow(type.text)) ?? 'consultation';
}

const comment: Pair<Lifted> = {
  name: 'comment',
  elements: ['comment'],
  columns: ['notes'],
  toFhir: ({ row }) => {
    const text = shownText(row['notes']);
    return text === undefined ? {} : { comment: text };
  },
  toRow: (elements, context) => ({ row: { notes: longText(elements.comment, 'Appointment.comment', context) } }),
};

const created: Pair<Lifted> = {
  name: 'created',
  elements: ['created'],
  columns: ['created_at'],
  toFhir: ({ row }) => {
    const instant = instantFromTimestamp(row['created_at']);
    return instant === undefined ? {} : { created: instant };
  },
};

function check(resource: Appointment, context: WriteContext): void {
  const patients = resource.participant?.filter((participant) => isPatient(participant, resource)).length ?? 0;
  if (patients !== 1) {
    const text = `Appointment.participant must name exactly one Patient, here are ${patients}: an appointment of MediMax is one patient's`;
    context.refuse(patients === 0 ? 'required' : 'business-rule', text, 'Appointment.participant');
  }
  if (resource.cancelationReason && resource.status !== 'cancelled') {
    const text = 'app-4: cancelationReason is only for appointments with status cancelled';
    context.refuse('invariant', text, 'Appointment.cancelationReason');
  }
}

export const appointment = defineMapping<Lifted, unknown>({
  resourceType: 'Appointment',
  variants: [
    {
      name: 'Appointment',
      source: { table: 'Appointment', key: 'appointment_id', idPrefix: 'ap', patient: 'row', child: symptoms },
      slices: [...participantSlices, ...otherReasons],
      pairs: [timesUnknown, when, status, patient, doctor, appointmentType, comment, created, reasonCode, reasonReference],
      check,
    },
  ],
});
