/** A symptom belongs to the patient of its appointment: naming another one is refused, on create as on update. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import supertest from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;

before(async () => {
  gateway = await startTestGateway();
});
after(() => gateway.close());

test('a symptom for an appointment of somebody else is refused and nothing is written', async () => {
  const post = (type: string, resource: object) =>
    supertest(gateway.app)
      .post(`/fhir/${type}`)
      .set('Content-Type', 'application/fhir+json')
      .send({ resourceType: type, ...resource });
  const ada = (await post('Patient', { name: [{ text: 'Ada' }] })).body.id;
  const eve = (await post('Patient', { name: [{ text: 'Eve' }] })).body.id;
  const participant = [{ actor: { reference: `Patient/${ada}` }, status: 'accepted' }];
  const appointment = await post('Appointment', {
    status: 'proposed',
    participant,
    requestedPeriod: [{ start: '2026-12-01', end: '2026-12-01' }],
  });
  assert.equal(appointment.status, 201, JSON.stringify(appointment.body));
  const symptom = (patient: string) => ({
    status: 'final',
    code: { coding: [{ system: 'http://loinc.org', code: '75325-1' }] },
    subject: { reference: `Patient/${patient}` },
    valueCodeableConcept: { text: 'Cough' },
    extension: [
      {
        url: 'https://medimax.example/fhir/StructureDefinition/medimax-appointment',
        valueReference: { reference: `Appointment/${appointment.body.id}` },
      },
    ],
  });

  const refused = await post('Observation', symptom(eve));
  assert.equal(refused.status, 422, JSON.stringify(refused.body));
  assert.equal(refused.body.issue[0].code, 'business-rule');
  assert.deepEqual(refused.body.issue[0].expression, ['Observation.subject']);
  const [rows] = await gateway.pool.query('SELECT * FROM Appointment_Symptom');
  assert.deepEqual(rows, []);

  assert.equal((await post('Observation', symptom(ada))).status, 201);
});
