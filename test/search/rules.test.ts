/** R4's own examples of what matches, one by one: precision, units, ranges, implicit systems, composites. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { post } from '../support/send.ts';
import { connectMedimax } from './medimax.ts';
import { noteStatements, type Statements } from './statements.ts';

let gateway: TestGateway;
let statements: Statements;
let medimax: Connection;
const ucum = 'http://unitsofmeasure.org';

before(async () => {
  gateway = await startTestGateway();
  statements = noteStatements(gateway.pool);
  medimax = await connectMedimax(gateway.pool);
  await medimax.query("INSERT INTO Patient (patient_id, name, sex) VALUES (1, 'Smith, John', 'Male')");
  await medimax.query(
    "INSERT INTO Lab_Report (lab_report_id, patient_id, lab_date, lab_type) VALUES (1, 1, '2024-02-29', 'Blood')",
  );
  const values = [
    ['Hemoglobin', '5.4', 'g/dL'],
    ['Total protein', '54', 'g/L'],
    ['Platelets', '54', 'K/uL'],
    ['Glucose', '<0.5', 'mg/dL'],
    ['Glucose', '100', 'mg/dL'],
    ['Odd', 'positive', null],
    ['Sodium', '99.5', 'mmol/L'],
  ].map(([name, value, unit], index) => [index + 1, 1, name, value, unit, 0, null]);
  await medimax.query(
    'INSERT INTO Lab_Finding (lab_finding_id, lab_report_id, test_name, test_value, test_unit, is_abnormal, abnormal_flag) VALUES ?',
    [values],
  );
  const kelvin = { value: 54, unit: 'K', system: ucum, code: 'K' };
  await create({ valueQuantity: kelvin, code: { text: 'Temperature' } });
  await create({
    code: { text: 'Blood pressure', coding: [{ system: 'http://loinc.org', code: '85354-9' }] },
    component: [
      {
        code: { coding: [{ system: 'http://loinc.org', code: '8480-6' }] },
        valueQuantity: { value: 120, unit: 'mmHg', system: ucum, code: 'mm[Hg]' },
      },
      {
        code: { coding: [{ system: 'http://loinc.org', code: '8462-4' }] },
        valueQuantity: { value: 80, unit: 'mmHg', system: ucum, code: 'mm[Hg]' },
      },
    ],
  });
});

after(async () => {
  await medimax.end();
  await gateway.close();
  statements.assertListed();
});

async function create(more: object): Promise<void> {
  const day = { effectiveDateTime: '2024-03' };
  const { status, body } = await post(gateway.app, 'Observation', {
    resourceType: 'Observation',
    status: 'final',
    subject: { reference: 'Patient/pt-1' },
    ...day,
    ...more,
  });
  assert.equal(status, 201, JSON.stringify(body));
}

async function found(query: string): Promise<string[]> {
  const { status, body } = await request(gateway.app).get(`/fhir/Observation?${query.replaceAll('+', '%2B')}`);
  assert.equal(status, 200, JSON.stringify(body));
  const entries: readonly { resource: { id: string } }[] = body.entry ?? [];
  return entries.map(({ resource }) => resource.id.replace('lf-', ''));
}

test('quantities: units of one kind are converted, of two kinds never equal', async () => {
  assert.deepEqual(await found(`value-quantity=5.4|${ucum}|g/dL`), ['1', '2']);
  assert.deepEqual(await found(`value-quantity=54|${ucum}|g/L`), ['1', '2']);
  assert.deepEqual(await found('value-quantity=54||K/uL'), ['3']);
  assert.deepEqual(await found(`value-quantity=54|${ucum}|K`), ['8']);
  assert.deepEqual(await found('value-quantity=54'), ['2', '3', '8']);
});

test('precision of the number as written, comparators as ranges', async () => {
  assert.deepEqual(await found('value-quantity=100'), ['5', '7']);
  assert.deepEqual(await found('value-quantity=100.0'), ['5']);
  assert.deepEqual(await found('value-quantity=1e2'), ['5', '7']);
  assert.deepEqual(await found('value-quantity=lt0.5'), ['4']);
  assert.deepEqual(await found('value-quantity=ge0.5||mg/dL'), ['5']);
  assert.deepEqual(await found('value-quantity=eb0.5'), ['4']);
  assert.deepEqual(await found('value-quantity=ap99'), ['5', '7']);
});

test('dates: a month contains its days, and is not contained in one', async () => {
  assert.equal((await found('date=2024-02-29')).length, 7);
  assert.equal((await found('date=2024-02')).length, 7);
  assert.deepEqual(await found('date=2024-03'), ['8', '9']);
  assert.deepEqual(await found('date=2024-03-01'), []);
  assert.deepEqual(await found('date=ap2024-03-01&date=ge2024-03'), ['8', '9']);
  assert.deepEqual(await found('date=gt2024-03-15'), ['8', '9']);
  assert.deepEqual(await found('date=sa2024-03-15'), []);
  assert.equal((await found('date=lt2024-02-29T12:00:00Z')).length, 7);
});

test('codes have the system of their binding', async () => {
  const all = (await found('')).length;
  assert.equal((await found('status=final')).length, all);
  assert.equal((await found('status=http://hl7.org/fhir/observation-status|final')).length, all);
  assert.equal((await found('status=http://example.org|final')).length, 0);
  assert.deepEqual(await found('value-concept=http://snomed.info/sct|10828004'), ['6']);
});

test('composites look at one component at a time', async () => {
  assert.deepEqual(await found('component-code-value-quantity=8480-6$gt100'), ['9']);
  assert.deepEqual(await found('component-code-value-quantity=8462-4$gt100'), []);
  assert.deepEqual(await found('combo-code=85354-9&combo-value-quantity=80'), ['9']);
  assert.deepEqual(await found(`code-value-quantity=718-7$5.4|${ucum}|g/dL`), ['1']);
});

test('value sets that are served', async () => {
  const { body } = await request(gateway.app).get('/fhir/Observation?code:in=http://example.org/none');
  assert.equal(body.issue[0].expression[0], 'code:in');
});
