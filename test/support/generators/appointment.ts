/** Random valid Appointments of one patient: every status, participants of all kinds, with and without times. */
import fc from 'fast-check';
import type { JsonObject } from '../../../src/mapping/lift.ts';
import {
  all,
  concept,
  dateTime,
  extensions,
  instant,
  listOf,
  period,
  primitiveExtension,
  reference,
  resourceParts,
  some,
  text,
} from './pieces.ts';

const participantStatus = fc.constantFrom('accepted', 'declined', 'tentative', 'needs-action');

const patientOf = (patientId: string) =>
  all(
    {
      status: participantStatus,
      actor: fc.oneof(
        fc.constant<JsonObject>({ reference: `Patient/${patientId}` }),
        text().map((display): JsonObject => ({ reference: `Patient/${patientId}`, display })),
      ),
    },
    {
      required: fc.constantFrom('required', 'optional', 'information-only'),
      type: listOf(concept),
      period,
      extension: extensions,
      _status: primitiveExtension,
    },
  );

const performer = concept.map((type) => ({
  ...type,
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'PPRF' }],
}));
const other = fc.oneof(
  all(
    { status: participantStatus, actor: reference('Practitioner', 'PractitionerRole', 'Location', 'RelatedPerson') },
    { period },
  ),
  all(
    { status: participantStatus, type: listOf(fc.oneof(performer, concept)) },
    { actor: text().map((display) => ({ display })) },
  ),
);

/** How start, end and requestedPeriod may come together (app-2, app-3), by status. */
const unknown = {
  extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'asked-unknown' }],
};
const timed: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.tuple(instant, fc.nat(100)).map(([start, days]) => ({
    start,
    end: new Date(Math.floor(Date.parse(start) / 1000) * 1000 + (days + 1) * 3_600_000).toISOString(),
  })),
  instant.map((start) => ({ start, _end: unknown })),
  all({ start: instant, _end: fc.constant(unknown), requestedPeriod: listOf(period, 2), _start: primitiveExtension }),
  period.map((one) => ({ _start: unknown, _end: unknown, requestedPeriod: [one] })),
);
const proposed: fc.Arbitrary<JsonObject> = listOf(period, 2).map((requestedPeriod) => ({ requestedPeriod }));

const statusAndTimes: fc.Arbitrary<JsonObject> = fc.oneof(
  fc
    .tuple(fc.constantFrom('booked', 'pending', 'fulfilled', 'arrived', 'checked-in', 'noshow', 'entered-in-error'), timed)
    .map(([status, times]) => ({ status, ...times })),
  fc
    .tuple(fc.constantFrom('proposed', 'cancelled', 'waitlist'), fc.oneof(timed, proposed))
    .map(([status, times]) => ({ status, ...times })),
  fc.tuple(proposed, concept).map(([times, cancelationReason]) => ({ status: 'cancelled', ...times, cancelationReason })),
);

const type = fc.oneof(
  concept,
  fc.constantFrom('CHECKUP', 'ROUTINE', 'FOLLOWUP', 'EMERGENCY', 'WALKIN').map((code) => ({
    coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0276', code }],
  })),
  fc.constantFrom('consultation', 'Surgery', 'Follow_up', 'emergency').map((code) => ({
    coding: [{ system: 'https://medimax.example/fhir/CodeSystem/medimax-appointment-type', code }],
  })),
);

const rest = some({
  ...resourceParts,
  appointmentType: type,
  reasonCode: listOf(concept, 4),
  reasonReference: listOf(reference('Condition', 'Procedure', 'Observation'), 3),
  comment: text(200),
  _comment: primitiveExtension,
  description: text(),
  _description: primitiveExtension,
  patientInstruction: text(),
  minutesDuration: fc.integer({ min: 1, max: 500 }),
  priority: fc.nat(9),
  created: dateTime,
  specialty: listOf(concept),
  serviceType: listOf(concept),
  slot: listOf(reference('Slot')),
  basedOn: listOf(reference('ServiceRequest')),
});

const containedDoctor = all({ name: text() }).map(({ name }) => ({
  resource: { resourceType: 'Practitioner', id: 'doc', name: [{ text: name }] },
  participant: { status: 'accepted', actor: { reference: '#doc' } },
}));

export function arbitrary(patientId: string): fc.Arbitrary<JsonObject> {
  return fc
    .record({
      statusAndTimes,
      patient: patientOf(patientId),
      others: fc.array(other, { maxLength: 3 }),
      at: fc.nat(3),
      rest,
      contained: fc.option(containedDoctor, { nil: undefined, freq: 3 }),
    })
    .map(({ statusAndTimes: times, patient, others, at, rest: more, contained }) => {
      const participant: unknown[] = [...others, ...(contained ? [contained.participant] : [])];
      participant.splice(Math.min(at, participant.length), 0, patient);
      return {
        resourceType: 'Appointment',
        ...times,
        ...more,
        participant,
        ...(contained ? { contained: [contained.resource] } : {}),
      };
    });
}
