/** Appointment.participant: the patient ↔ patient_id and status, the doctor ↔ doctor_name; all others are kept as they are. */
import type { Appointment, AppointmentParticipant, FhirResource } from 'fhir/r4.js';
import { codeTable } from '../../src/mapping/code-table.ts';
import { isObject } from '../../src/mapping/lift.ts';
import { shortText } from '../../src/mapping/pairs.ts';
import type { Pair, Slice } from '../../src/mapping/types.ts';
import { nameFromFhir } from '../grammar/human-name.ts';
import { containedTarget, isContainedFor, oncePerResource, targetType } from '../reference.ts';
import { shownText } from '../shown-text.ts';

export interface WithParticipants extends Appointment {
  readonly 'participant:patient'?: Partial<AppointmentParticipant>;
  readonly 'participant:doctor'?: AppointmentParticipant;
  readonly 'contained:doctor'?: FhirResource;
}

const participationType = 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType';

/** Appointment.status by the status column; where a code stands for several, the first is written unless a rule says otherwise. */
export const appointmentStatus = codeTable([
  ['Scheduled', 'booked'],
  ['Confirmed', 'booked'],
  ['Pending', 'pending'],
  ['Completed', 'fulfilled'],
  ['Cancelled', 'cancelled'],
  ['No_Show', 'noshow'],
  ['Pending', 'proposed'],
  ['Pending', 'waitlist'],
  ['Confirmed', 'arrived'],
  ['Confirmed', 'checked-in'],
  ['Cancelled', 'entered-in-error'],
]);

export const patientStatus = codeTable([
  ['Scheduled', 'needs-action'],
  ['Confirmed', 'accepted'],
  ['Pending', 'needs-action'],
  ['Completed', 'accepted'],
  ['Cancelled', 'needs-action'],
  ['No_Show', 'accepted'],
]);

export const participantSlices: readonly Slice[] = [
  { name: 'participant:patient', match: (item, _index, resource) => isPatient(item, resource) },
  { name: 'participant:doctor', match: (item, _index, resource) => item !== undefined && item === doctorOf(resource) },
  { name: 'contained:doctor', match: (item, _index, resource) => isContainedFor(item, doctorOf(resource)?.actor, resource) },
];

/** A reason for cancelling goes with the status: on another one R4 forbids it (app-4). */
export const status: Pair<WithParticipants> = {
  name: 'status',
  elements: ['status', 'participant:patient.status', 'cancelationReason'],
  columns: ['status'],
  toFhir: ({ row }) => ({
    status: appointmentStatus.toFhir(row['status']) ?? 'pending',
    'participant:patient': { status: patientStatus.toFhir(row['status']) ?? 'needs-action' },
  }),
  toRow(elements) {
    const accepted = elements['participant:patient']?.status === 'accepted';
    const column = appointmentStatus.toRow(elements.status) ?? null;
    return { row: { status: column === 'Scheduled' && accepted ? 'Confirmed' : column } };
  },
};

const patientExpression = 'Appointment.participant.actor';

export const patient: Pair<WithParticipants> = {
  name: 'patient',
  elements: ['participant:patient.actor'],
  columns: ['patient_id'],
  toFhir: ({ patientId }) =>
    patientId === null ? {} : { 'participant:patient': { actor: { reference: `Patient/${patientId}` } } },
  references(elements) {
    const reference = elements['participant:patient']?.actor;
    return reference ? [{ reference, target: 'Patient', expression: patientExpression }] : [];
  },
  toRow(elements, context) {
    const reference = elements['participant:patient']?.actor;
    // Without one the mapping's check has refused already.
    return reference ? { row: { patient_id: context.key({ reference, target: 'Patient', expression: patientExpression }) } } : {};
  },
};

/** A doctor's name is no identity: it becomes a display and no Practitioner. */
export const doctor: Pair<WithParticipants> = {
  name: 'doctor',
  elements: ['participant:doctor', 'contained:doctor'],
  columns: ['doctor_name'],
  toFhir({ row }) {
    const display = shownText(row['doctor_name']);
    if (display === undefined) return {};
    return {
      'participant:doctor': {
        type: [{ coding: [{ system: participationType, code: 'PPRF', display: 'primary performer' }] }],
        actor: { type: 'Practitioner', display },
        status: 'accepted',
      },
    };
  },
  toRow(elements, context) {
    const name = nameOf(elements['participant:doctor'], context.resource);
    return { row: { doctor_name: shortText(name, 255, 'Appointment.participant.actor.display', context) ?? null } };
  },
};

export function isPatient(item: unknown, resource: unknown): boolean {
  return isParticipant(item) && targetType(item.actor, resource) === 'Patient';
}

/** The primary performer, else the first practitioner. */
const doctorOf = oncePerResource((resource) => {
  if (!isObject(resource) || !Array.isArray(resource['participant'])) return undefined;
  const doctors: readonly AppointmentParticipant[] = resource['participant'].filter((item) => isDoctor(item, resource));
  return doctors.find(isPrimaryPerformer) ?? doctors[0];
});

function isDoctor(item: unknown, resource: unknown): boolean {
  if (!isParticipant(item)) return false;
  const type = targetType(item.actor, resource);
  if (type === 'Practitioner' || type === 'PractitionerRole') return true;
  return type === undefined && item.actor?.reference === undefined && isPrimaryPerformer(item);
}

function isPrimaryPerformer(item: AppointmentParticipant): boolean {
  return (
    item.type?.some(({ coding }) => coding?.some(({ system, code }) => system === participationType && code === 'PPRF')) ?? false
  );
}

function nameOf(item: AppointmentParticipant | undefined, resource: unknown): string | undefined {
  if (item?.actor?.display) return item.actor.display;
  const target = containedTarget(item?.actor?.reference, resource);
  if (target?.resourceType === 'PractitionerRole') return target.practitioner?.display;
  if (target?.resourceType !== 'Practitioner') return undefined;
  const name = nameFromFhir(target.name, 'Appointment.contained.name');
  return typeof name === 'string' ? name : undefined;
}

function isParticipant(item: unknown): item is AppointmentParticipant {
  return isObject(item);
}
