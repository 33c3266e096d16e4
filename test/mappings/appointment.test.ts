/** Appointment ↔ Appointment and Appointment_Symptom: the rules one by one, then the laws over random rows and resources. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { appointment } from '../../mappings/appointment.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import { renderContent } from '../../src/mapping/render.ts';
import type { ColumnValue, Stored } from '../../src/mapping/types.ts';
import { arbitrary } from '../support/generators/appointment.ts';
import { readRow, testEnv, variantOf, writeResource } from '../support/lens.ts';
import { assertValid, withColumn } from '../support/mapping-laws.ts';
import { mappingLaws } from '../support/mapping-suite.ts';

const env = testEnv({});
const variant = variantOf(appointment);

const columns = {
  appointment_id: 3,
  patient_id: 1,
  appointment_date: '2026-12-01',
  appointment_time: '09:30:00',
  status: 'Confirmed',
  appointment_type: 'follow_up',
  doctor_name: 'Dr. Adam Careful',
  notes: 'Bring the X-rays',
  created_at: '2026-11-01 08:00:00',
  updated_at: '2026-11-01 08:00:00',
};

function storedRow(changes: Record<string, ColumnValue> = {}, symptoms: readonly string[] = []): Stored {
  return {
    row: { ...columns, ...changes },
    parent: null,
    children: symptoms.map((symptom_name, index) => ({ row: { symptom_id: index + 1, symptom_name }, id: `sy-${index + 1}` })),
    patientId: 'pt-1',
    parentId: null,
  };
}

const patientParticipant = { actor: { reference: 'Patient/pt-1' }, status: 'accepted' };
const booked = {
  resourceType: 'Appointment',
  status: 'booked',
  start: '2026-12-01T09:30:00+01:00',
  end: '2026-12-01T10:00:00+01:00',
  participant: [patientParticipant],
};

function rowOf(resource: JsonObject) {
  return writeResource(variant, resource, env).plan.row;
}

function refusals(resource: JsonObject, facts = env): string[] {
  try {
    writeResource(variant, resource, facts);
  } catch (fault) {
    assert.ok(fault instanceof FhirError);
    return fault.issues
      .filter(({ severity }) => severity === 'error')
      .map(({ code, expression }) => `${code} ${expression?.[0]}`);
  }
  return [];
}

describe('reading an Appointment row', () => {
  test('says every column', () => {
    assert.deepEqual(readRow(variant, storedRow({}, ['Cough']), env), {
      resourceType: 'Appointment',
      start: '2026-12-01T09:30:00+01:00',
      _end: { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }] },
      status: 'booked',
      participant: [
        { status: 'accepted', actor: { reference: 'Patient/pt-1' } },
        {
          type: [
            {
              coding: [
                {
                  system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType',
                  code: 'PPRF',
                  display: 'primary performer',
                },
              ],
            },
          ],
          actor: { type: 'Practitioner', display: 'Dr. Adam Careful' },
          status: 'accepted',
        },
      ],
      appointmentType: {
        coding: [
          {
            system: 'http://terminology.hl7.org/CodeSystem/v2-0276',
            code: 'FOLLOWUP',
            display: 'A follow up visit from a previous appointment',
          },
        ],
        text: 'follow_up',
      },
      comment: 'Bring the X-rays',
      created: '2026-11-01T08:00:00Z',
      reasonCode: [{ text: 'Cough' }],
      reasonReference: [{ reference: 'Observation/sy-1' }],
    });
  });

  const statuses: readonly (readonly [ColumnValue, string, string])[] = [
    ['Scheduled', 'booked', 'needs-action'],
    ['Confirmed', 'booked', 'accepted'],
    ['Pending', 'pending', 'needs-action'],
    ['Completed', 'fulfilled', 'accepted'],
    ['Cancelled', 'cancelled', 'needs-action'],
    ['No_Show', 'noshow', 'accepted'],
    [null, 'pending', 'needs-action'],
    ['', 'pending', 'needs-action'],
  ];
  for (const [column, status, ofPatient] of statuses)
    test(`status ${column} is ${status}, patient ${ofPatient}`, () => {
      const read = readRow(variant, storedRow({ status: column, doctor_name: null }), env);
      assert.equal(read['status'], status);
      assert.deepEqual(read['participant'], [{ status: ofPatient, actor: { reference: 'Patient/pt-1' } }]);
    });

  test('without a time: the day as requestedPeriod, start and end unknown', () => {
    const read = readRow(variant, storedRow({ appointment_time: null }), env);
    assert.deepEqual(read['requestedPeriod'], [{ start: '2026-12-01', end: '2026-12-01' }]);
    assert.ok(read['_start'] && read['_end'] && !read['start'] && !read['end']);
    assertValid(read);
  });

  for (const time of ['24:00:00', '838:59:59', '-01:00:00', ''])
    test(`time ${time || "''"} is no time of day: shown as it is, not guessed at`, () => {
      const read = readRow(variant, storedRow({ appointment_time: time }), env);
      assert.equal(read['start'], undefined);
      assert.match(JSON.stringify(read['_start']), time ? new RegExp(`medimax-raw-text","valueString":"${time}"`) : /unknown/);
      assertValid(read);
    });

  test('in summer and winter of the clinic, and in the hour that does not exist', () => {
    const start = (date: string, time: string) =>
      readRow(variant, storedRow({ appointment_date: date, appointment_time: time }), env)['start'];
    assert.equal(start('2026-07-01', '09:30:00'), '2026-07-01T09:30:00+02:00');
    assert.equal(start('2026-03-29', '02:30:00'), '2026-03-29T03:30:00+02:00');
    assert.equal(start('2026-10-25', '02:30:00'), '2026-10-25T02:30:00+02:00');
  });

  test('the configured minutes of its type make a derived end', () => {
    const read = readRow(variant, storedRow({ appointment_time: '23:45:00' }), { ...env, appointmentMinutes: { follow_up: 20 } });
    assert.equal(read['end'], '2026-12-02T00:05:00+01:00');
    assert.match(JSON.stringify(read['_end']), /medimax-derived/);
  });

  test('zero dates', () => {
    assert.deepEqual(readRow(variant, storedRow({ appointment_date: '2024-00-00' }), env)['requestedPeriod'], [
      { start: '2024', end: '2024' },
    ]);
    assertValid(readRow(variant, storedRow({ appointment_date: '0000-00-00' }), env));
  });
});

describe('writing an Appointment', () => {
  test('the wall clock of the clinic, whatever the offset', () => {
    const row = rowOf({ ...booked, start: '2026-12-01T23:30:00Z', end: '2026-12-02T00:00:00Z' });
    assert.equal(row['appointment_date'], '2026-12-02');
    assert.equal(row['appointment_time'], '00:30:00');
  });

  test('what is absent is NULL, not the column default', () => {
    const row = rowOf(booked);
    assert.deepEqual([row['appointment_type'], row['doctor_name'], row['notes']], [null, null, null]);
  });

  const statuses: readonly (readonly [string, string, string])[] = [
    ['booked', 'needs-action', 'Scheduled'],
    ['booked', 'tentative', 'Scheduled'],
    ['booked', 'accepted', 'Confirmed'],
    ['arrived', 'accepted', 'Confirmed'],
    ['checked-in', 'needs-action', 'Confirmed'],
    ['pending', 'accepted', 'Pending'],
    ['proposed', 'accepted', 'Pending'],
    ['waitlist', 'accepted', 'Pending'],
    ['fulfilled', 'accepted', 'Completed'],
    ['cancelled', 'accepted', 'Cancelled'],
    ['entered-in-error', 'accepted', 'Cancelled'],
    ['noshow', 'accepted', 'No_Show'],
  ];
  for (const [status, ofPatient, column] of statuses)
    test(`status ${status}, patient ${ofPatient} is ${column}`, () => {
      assert.equal(rowOf({ ...booked, status, participant: [{ ...patientParticipant, status: ofPatient }] })['status'], column);
    });

  const v2 = 'http://terminology.hl7.org/CodeSystem/v2-0276';
  const local = 'https://medimax.example/fhir/CodeSystem/medimax-appointment-type';
  const types: readonly (readonly [JsonObject, string])[] = [
    ...['CHECKUP', 'ROUTINE'].map((code) => [{ coding: [{ system: v2, code }] }, 'routine_checkup'] as const),
    [{ coding: [{ system: v2, code: 'FOLLOWUP' }] }, 'follow_up'],
    ...['EMERGENCY', 'WALKIN'].map((code) => [{ coding: [{ system: v2, code }] }, 'emergency'] as const),
    [{ coding: [{ system: local, code: 'Regular' }] }, 'routine_checkup'],
    [{ coding: [{ system: local, code: 'Surgery' }] }, 'consultation'],
    [{ coding: [{ system: local, code: 'Follow_up' }] }, 'follow_up'],
    [{ coding: [{ system: 'http://example.org', code: 'FOLLOWUP' }] }, 'consultation'],
    [{ text: 'emergency' }, 'emergency'],
    [{ text: 'Hausbesuch' }, 'consultation'],
  ];
  for (const [appointmentType, column] of types)
    test(`appointmentType ${JSON.stringify(appointmentType)} is ${column}`, () => {
      assert.equal(rowOf({ ...booked, appointmentType })['appointment_type'], column);
    });

  test('the primary performer is the doctor, else the first practitioner; a contained one by name', () => {
    const practitioner = { actor: { reference: 'Practitioner/1', display: 'Dr First' }, status: 'accepted' };
    const primary = {
      type: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-ParticipationType', code: 'PPRF' }] }],
      actor: { reference: 'Practitioner/2', display: 'Dr Primary' },
      status: 'accepted',
    };
    const location = { actor: { reference: 'Location/1', display: 'South Wing' }, status: 'accepted' };
    const doctorName = (participant: unknown[], more = {}) => rowOf({ ...booked, participant, ...more })['doctor_name'];
    assert.equal(doctorName([location, patientParticipant, practitioner, primary]), 'Dr Primary');
    assert.equal(doctorName([location, patientParticipant, practitioner]), 'Dr First');
    assert.equal(doctorName([location, patientParticipant]), null);
    const contained = [{ resourceType: 'Practitioner', id: 'd', name: [{ family: 'Care', given: ['Eve'] }] }];
    assert.equal(doctorName([patientParticipant, { actor: { reference: '#d' }, status: 'accepted' }], { contained }), 'Eve Care');
  });

  test('reasons become symptoms', () => {
    const sent = writeResource(
      variant,
      { ...booked, reasonCode: [{ text: 'Cough' }, { coding: [{ code: 'R05', display: 'Fever' }] }] },
      env,
    );
    assert.deepEqual(sent.plan.children, [{ symptom_name: 'Cough' }, { symptom_name: 'Fever' }]);
  });

  test('refusals name the element', () => {
    assert.deepEqual(refusals({ ...booked, participant: [] }), ['required Appointment.participant']);
    assert.deepEqual(refusals({ ...booked, participant: [patientParticipant, patientParticipant] }), [
      'business-rule Appointment.participant',
    ]);
    const { start: _start, end: _end, ...timeless } = booked;
    assert.deepEqual(refusals({ ...timeless, status: 'proposed' }), ['required Appointment.start']);
    assert.deepEqual(refusals({ ...booked, start: '9999-12-31T23:30:00Z' }), ['value Appointment.start']);
    assert.deepEqual(refusals({ ...booked, status: 'noshow', cancelationReason: { text: 'x' } }), [
      'invariant Appointment.cancelationReason',
    ]);
    assert.deepEqual(refusals({ ...booked, reasonCode: [{ text: 'x'.repeat(256) }], comment: 'ä'.repeat(33_000) }), [
      'too-long Appointment.comment',
      'too-long Appointment.reasonCode[0]',
    ]);
  });

  test('the past is refused only where configured, and only for new appointments that lie ahead by status', () => {
    const strict = { ...env, refusePastAppointments: true };
    const past = { ...booked, start: '2026-11-22T09:00:00+01:00', end: '2026-11-22T10:00:00+01:00' };
    assert.deepEqual(refusals(past), []);
    assert.deepEqual(refusals(past, strict), ['business-rule Appointment.start']);
    assert.deepEqual(refusals({ ...past, status: 'fulfilled' }, strict), []);
    assert.deepEqual(refusals(booked, strict), []);
  });
});

describe('an Appointment after MediMax changed a column', () => {
  function after(resource: JsonObject, column: string, value: ColumnValue): JsonObject {
    const sent = writeResource(variant, resource, env);
    return {
      resourceType: 'Appointment',
      ...renderContent(variant, withColumn(sent.stored, column, value), sent.overlay, sent.refined, env),
    };
  }

  test('a proposal without times that is confirmed says that its times are unknown (app-3)', () => {
    const { start: _start, end: _end, ...timeless } = booked;
    const read = after(
      { ...timeless, status: 'proposed', requestedPeriod: [{ start: '2026-12-01', end: '2026-12-08' }] },
      'status',
      'Confirmed',
    );
    assert.equal(read['status'], 'booked');
    assert.deepEqual(read['requestedPeriod'], [{ start: '2026-12-01', end: '2026-12-08' }]);
    assertValid(read);
  });

  test('the reason for cancelling goes when it is no longer cancelled (app-4)', () => {
    const read = after({ ...booked, status: 'cancelled', cancelationReason: { text: 'ill' } }, 'status', 'Scheduled');
    assert.equal(read['cancelationReason'], undefined);
  });

  test('the end goes with the old time and stays with the old status', () => {
    assert.equal(after(booked, 'status', 'Completed')['end'], '2026-12-01T10:00:00+01:00');
    assert.equal(after(booked, 'appointment_time', '11:00:00')['end'], undefined);
    assert.equal(after(booked, 'appointment_type', 'emergency')['end'], '2026-12-01T10:00:00+01:00');
  });

  test('a contained doctor goes with the name; what others refer to stays', () => {
    const contained = [{ resourceType: 'Practitioner', id: 'd', name: [{ text: 'Eve' }] }];
    const participant = [patientParticipant, { actor: { reference: '#d' }, status: 'accepted' }];
    assert.equal(after({ ...booked, participant, contained }, 'doctor_name', 'Dr New')['contained'], undefined);
    const twice = { ...booked, participant: [...participant, { actor: { reference: '#d' }, status: 'declined' }], contained };
    assert.deepEqual(after(twice, 'doctor_name', 'Dr New')['contained'], contained);
  });

  test('reasons that are no symptoms outlive a change of the symptoms', () => {
    const reasonReference = [{ reference: 'Observation/sy-1' }, { reference: 'Condition/1' }];
    const sent = writeResource(variant, { ...booked, reasonCode: [{ text: 'Cough' }], reasonReference }, env);
    const changed = { ...sent.stored, children: [{ row: { symptom_id: 7, symptom_name: 'Fever' }, id: 'sy-7' }] };
    const read = renderContent(variant, changed, sent.overlay, sent.refined, env);
    assert.deepEqual(read['reasonReference'], [{ reference: 'Condition/1' }, { reference: 'Observation/sy-7' }]);
    assert.deepEqual(read['reasonCode'], [{ text: 'Fever' }]);
  });
});

describe('the laws', () => mappingLaws({ variant, env, resources: arbitrary('pt-1'), acceptedMin: 0.95 }));
