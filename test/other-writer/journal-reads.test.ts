/** What MediMax has committed is in the very next read, as its own version, whatever it did; and a row that never rests can be read. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import request from 'supertest';
import { createWitness, resultOf } from './journal-witness.ts';
import { type TwoWriters, twoWriters } from './legacy.ts';

let writers: TwoWriters;

before(async () => {
  writers = await twoWriters();
});

after(() => writers.close());

const run = (sql: string, values: readonly unknown[] = []) => writers.run(sql, values);
const get = (name: string) => request(writers.app).get(`/fhir/${name}`);
const put = (name: string, body: object) =>
  request(writers.app).put(`/fhir/${name}`).set('Content-Type', 'application/fhir+json').send(JSON.stringify(body));
const patient = () => run("INSERT INTO Patient (name, sex) VALUES ('Ann', 'Female')");
const history = (key: number, type = 'condition') =>
  run("INSERT INTO Medical_History (patient_id, history_type, history_item) VALUES (?, ?, 'Asthma')", [key, type]);

async function isAt(name: string, version: number) {
  const { body } = await get(name).expect(200).expect('ETag', `W/"${version}"`);
  return body;
}

async function isGone(name: string, version: number) {
  await get(name).expect(410);
  await get(`${name}/_history/${version}`).expect(410);
  await get(`${name}/_history/${version + 1}`).expect(404);
}

test('deleted, and inserted again under the old key', async () => {
  const key = await history(await patient());
  await isAt(`Condition/mh-${key}`, 1);
  const [row] = await writers.rows('SELECT patient_id FROM Medical_History WHERE history_id = ?', [key]);
  await run('DELETE FROM Medical_History WHERE history_id = ?', [key]);
  await isGone(`Condition/mh-${key}`, 2);
  await run(
    "INSERT INTO Medical_History (history_id, patient_id, history_type, history_item) VALUES (?, ?, 'condition', 'Gout')",
    [key, row?.['patient_id']],
  );
  const { body } = await get(`Condition?patient=pt-${row?.['patient_id']}`).expect(200);
  assert.equal(body.entry[0].resource.meta.versionId, '3');
  assert.equal((await isAt(`Condition/mh-${key}`, 3)).code.text, 'Gout');
});

test('of another type, and back', async () => {
  const key = await history(await patient());
  await isAt(`Condition/mh-${key}`, 1);
  await run("UPDATE Medical_History SET history_type = 'allergy' WHERE history_id = ?", [key]);
  await isAt(`AllergyIntolerance/mh-${key}`, 1);
  await isGone(`Condition/mh-${key}`, 2);
  await run("UPDATE Medical_History SET history_type = 'condition' WHERE history_id = ?", [key]);
  await isAt(`Condition/mh-${key}`, 3);
  await isGone(`AllergyIntolerance/mh-${key}`, 2);
});

test('a column of the parent, a row below, and the patient with the whole chart', async () => {
  const key = await patient();
  const appointment = await run("INSERT INTO Appointment (patient_id, appointment_date) VALUES (?, '2026-01-05')", [key]);
  const symptom = await run("INSERT INTO Appointment_Symptom (appointment_id, symptom_name) VALUES (?, 'cough')", [appointment]);
  await isAt(`Observation/sy-${symptom}`, 1);
  await run("UPDATE Appointment SET appointment_date = '2026-02-06' WHERE appointment_id = ?", [appointment]);
  assert.match((await isAt(`Observation/sy-${symptom}`, 2)).effectiveDateTime, /^2026-02-06/);
  await isAt(`Appointment/ap-${appointment}`, 3);
  await run("INSERT INTO Appointment_Symptom (appointment_id, symptom_name) VALUES (?, 'fever')", [appointment]);
  assert.equal((await isAt(`Appointment/ap-${appointment}`, 4)).reasonReference.length, 2);
  await run('DELETE FROM Appointment_Symptom WHERE symptom_id = ?', [symptom]);
  assert.equal((await isAt(`Appointment/ap-${appointment}`, 5)).reasonReference.length, 1);
  await isGone(`Observation/sy-${symptom}`, 3);
  await run('DELETE FROM Patient WHERE patient_id = ?', [key]);
  await isGone(`Appointment/ap-${appointment}`, 6);
  await isGone(`Patient/pt-${key}`, 2);
});

test('what was withdrawn goes with its patient, and follows a row under its old key', async () => {
  const key = await patient();
  const [going, coming] = [await history(key), await history(key)];
  for (const one of [going, coming]) {
    const { body } = await get(`Condition/mh-${one}`).expect(200);
    const { clinicalStatus: _none, ...rest } = body;
    const coding = [{ system: 'http://terminology.hl7.org/CodeSystem/condition-ver-status', code: 'entered-in-error' }];
    await put(`Condition/mh-${one}`, { ...rest, verificationStatus: { coding } }).expect(200);
  }
  await run(
    "INSERT INTO Medical_History (history_id, patient_id, history_type, history_item) VALUES (?, ?, 'condition', 'Gout')",
    [coming, key],
  );
  assert.equal((await isAt(`Condition/mh-${coming}`, 3)).code.text, 'Gout');
  await isAt(`Condition/mh-${going}`, 2);
  await run('DELETE FROM Patient WHERE patient_id = ?', [key]);
  await isGone(`Condition/mh-${going}`, 3);
  await isGone(`Condition/mh-${coming}`, 4);
});

test('an index of what a client said falls with what it belonged to', async () => {
  const key = await patient();
  const one = await history(key);
  const { body } = await get(`Condition/mh-${one}`).expect(200);
  const coding = [{ system: 'http://codes.example', code: 'A1' }];
  await put(`Condition/mh-${one}`, { ...body, code: { ...body.code, coding } }).expect(200);
  const found = async () =>
    (await get(`Condition?code=http://codes.example|A1&patient=pt-${key}`).expect(200)).body.entry?.length ?? 0;
  assert.equal(await found(), 1);
  await run("UPDATE Medical_History SET history_item = 'Gout' WHERE history_id = ?", [one]);
  assert.equal(await found(), 0);
  await run('DELETE FROM Medical_History WHERE history_id = ?', [one]);
  await run(
    "INSERT INTO Medical_History (history_id, patient_id, history_type, history_item) VALUES (?, ?, 'condition', 'Asthma')",
    [one, key],
  );
  assert.equal(await found(), 0);
});

test('a result that MediMax puts under a report of nobody goes with the patient that a client deletes', async () => {
  const key = await patient();
  const made = await request(writers.app)
    .post('/fhir/Observation')
    .set('Content-Type', 'application/fhir+json')
    .send(JSON.stringify(resultOf(key, 'sent')))
    .expect(201);
  const [row] = await writers.rows('SELECT lab_report_id FROM Lab_Finding WHERE lab_finding_id = ?', [made.body.id.slice(3)]);
  const finding = await run("INSERT INTO Lab_Finding (lab_report_id, test_name, test_value) VALUES (?, 'x', '1')", [
    row?.['lab_report_id'],
  ]);
  await request(writers.app).delete(`/fhir/Patient/pt-${key}`).set('X-Cascade', 'delete').expect(204);
  await isGone(`Observation/lf-${finding}`, 2);
});

test('a row that is written without rest can be read, and each version says what it said', async () => {
  const key = await patient();
  const witness = createWitness();
  const [one, other] = [await writers.connect(), await writers.connect()];
  let isOver = false;
  const writing = async (own: typeof one, mark: string) => {
    for (let round = 0; round < 900; round += 1)
      await own.query('UPDATE Patient SET name = ? WHERE patient_id = ?', [`${mark}${round}`, key]);
    isOver = true;
  };
  const reading = async () => {
    while (!isOver) await witness.read(writers.app, `Patient/pt-${key}`);
    await witness.read(writers.app, `Patient/pt-${key}`);
  };
  await Promise.all([writing(one, 'a'), writing(other, 'b'), reading()]);
  const versions = await witness.history(writers.app, `Patient/pt-${key}`);
  const names = versions.map(({ body }) => JSON.stringify(body?.['name']));
  assert.equal(versions.length, 1801);
  assert.equal(new Set(names).size, 1801);
  if (process.env['HUNT'] !== undefined) console.log([...witness.statuses]);
});
