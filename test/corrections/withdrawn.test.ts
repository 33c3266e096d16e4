/** What was entered in error or cancelled leaves MediMax's tables and stays a resource: read, search, versions, the way back. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import request from 'supertest';
import { type TwoWriters, twoWriters } from '../other-writer/legacy.ts';

interface Case {
  readonly type: string;
  readonly table: string;
  readonly valid: object;
  readonly withdrawn: object;
  /** Finds the withdrawn one. */
  readonly search: string;
}

const concept = (text: string) => ({ text });
const verification = (type: string, code: string) => ({
  verificationStatus: { coding: [{ system: `http://terminology.hl7.org/CodeSystem/${type}`, code }] },
});
const clinical = (type: string) => ({
  clinicalStatus: { coding: [{ system: `http://terminology.hl7.org/CodeSystem/${type}`, code: 'active' }] },
});
const day = '2026-01-05';
const socialHistory = {
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'social-history' }] }],
};
const otherHistory = {
  category: [{ coding: [{ system: 'https://medimax.example/fhir/CodeSystem/medimax-history-type', code: 'other' }] }],
};

let patient = '';
let appointment = '';

const subject = () => ({ subject: { reference: `Patient/${patient}` } });
const observation = (more: object) => ({ code: concept('Potassium'), effectiveDateTime: day, ...subject(), ...more });

const cases = (): readonly Case[] => [
  ...['entered-in-error', 'cancelled'].map((status): Case => {
    const result = observation({ valueQuantity: { value: 9.1, unit: 'mmol/L' }, note: [{ text: 'mixed up' }] });
    return {
      type: 'Observation',
      table: 'Lab_Finding',
      valid: { ...result, status: 'final' },
      withdrawn: { ...result, status },
      search: `status=${status}&code:text=potassium`,
    };
  }),
  {
    type: 'Observation',
    table: 'Medical_History',
    valid: observation({ ...socialHistory, status: 'final', valueString: 'Smoker' }),
    withdrawn: observation({ ...socialHistory, status: 'entered-in-error', valueString: 'Smoker' }),
    search: 'status=entered-in-error&category=social-history',
  },
  {
    type: 'Observation',
    table: 'Medical_History',
    valid: observation({ ...otherHistory, status: 'final', valueString: 'Travels' }),
    withdrawn: observation({ ...otherHistory, status: 'cancelled', valueString: 'Travels' }),
    search: 'status=cancelled&category=other',
  },
  {
    type: 'Condition',
    table: 'Medical_History',
    valid: { code: concept('Gout'), ...subject(), ...clinical('condition-clinical') },
    withdrawn: { code: concept('Gout'), ...subject(), ...verification('condition-ver-status', 'entered-in-error') },
    search: 'verification-status=entered-in-error',
  },
  {
    type: 'AllergyIntolerance',
    table: 'Medical_History',
    valid: { code: concept('Penicillin'), patient: subject().subject, ...clinical('allergyintolerance-clinical') },
    withdrawn: {
      code: concept('Penicillin'),
      patient: subject().subject,
      ...verification('allergyintolerance-verification', 'entered-in-error'),
    },
    search: 'verification-status=entered-in-error',
  },
  {
    type: 'Procedure',
    table: 'Medical_History',
    valid: { code: concept('Appendectomy'), status: 'completed', performedDateTime: day, ...subject() },
    withdrawn: { code: concept('Appendectomy'), status: 'entered-in-error', performedDateTime: day, ...subject() },
    search: 'status=entered-in-error',
  },
  {
    type: 'FamilyMemberHistory',
    table: 'Medical_History',
    valid: familyHistory('completed'),
    withdrawn: familyHistory('entered-in-error'),
    search: 'status=entered-in-error',
  },
  {
    type: 'MedicationStatement',
    table: 'Medication',
    valid: medication('active'),
    withdrawn: medication('entered-in-error'),
    search: 'status=entered-in-error',
  },
  {
    type: 'DiagnosticReport',
    table: 'Report',
    valid: report('final'),
    withdrawn: report('entered-in-error'),
    search: 'status=entered-in-error',
  },
  {
    type: 'DiagnosticReport',
    table: 'Lab_Report',
    valid: labReport('final'),
    withdrawn: labReport('cancelled'),
    search: 'status=cancelled',
  },
];

function familyHistory(status: string) {
  const condition = [{ code: concept('Diabetes') }];
  return { status, patient: subject().subject, relationship: concept('mother'), condition };
}

function medication(status: string) {
  const reasonCode = [concept('Pain')];
  return { status, medicationCodeableConcept: concept('Ibuprofen'), effectivePeriod: { start: day }, reasonCode, ...subject() };
}

function report(status: string) {
  return { status, code: concept('CT head'), effectiveDateTime: day, conclusion: 'Normal', ...subject() };
}

function labReport(status: string) {
  const coding = [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0074', code: 'LAB' }];
  return { status, category: [{ coding }], code: concept('CBC'), effectiveDateTime: day, ...subject() };
}

let two: TwoWriters;

before(async () => {
  two = await twoWriters();
  patient = await newPatient();
  const participant = [{ actor: { reference: `Patient/${patient}` }, status: 'accepted' }];
  const when = { start: '2026-12-01T09:00:00Z', end: '2026-12-01T09:30:00Z' };
  const booked = { resourceType: 'Appointment', status: 'booked', participant, ...when, reasonCode: [concept('Cough')] };
  appointment = (await send('post', 'Appointment', booked)).body.id;
});
after(() => two?.close());

async function newPatient(): Promise<string> {
  return (await send('post', 'Patient', { resourceType: 'Patient', name: [{ text: 'Wanda Withdrawn' }] })).body.id;
}

function send(method: 'post' | 'put' | 'get' | 'delete', path: string, body?: object) {
  const call = request(two.app)[method](`/fhir/${path}`).set('Content-Type', 'application/fhir+json');
  return body === undefined ? call : call.send(JSON.stringify(body));
}

const count = async (table: string) => Number((await two.rows(`SELECT COUNT(*) AS n FROM ${table}`))[0]?.['n']);

function content({ id: _id, meta: _meta, ...rest }: Record<string, unknown>) {
  return rest;
}

test('a withdrawn resource has no row, and is there all the same; valid again, it has one', async () => {
  for (const { type, table, valid, withdrawn, search } of cases()) {
    const about = `${type} in ${table}`;
    const rows = await count(table);
    const made = await send('post', type, { resourceType: type, ...valid });
    assert.equal(made.status, 201, `${about}: ${made.text}`);
    const { id } = made.body;
    assert.equal(await count(table), rows + 1, about);

    const gone = { resourceType: type, id, ...withdrawn };
    const updated = await send('put', `${type}/${id}`, gone);
    assert.equal(updated.status, 200, `${about}: ${updated.text}`);
    assert.equal(updated.headers['etag'], 'W/"2"');
    assert.equal(await count(table), rows, `${about}: the row is gone`);
    const read = await send('get', `${type}/${id}`);
    assert.deepEqual(content(read.body), content(gone), about);
    const again = await send('put', `${type}/${id}`, read.body);
    assert.equal(again.headers['etag'], 'W/"2"', `${about}: reading changes nothing`);

    assert.deepEqual(
      content((await send('get', `${type}/${id}/_history/1`)).body),
      content({ ...made.body }),
      `${about}: the version before`,
    );
    const history = await send('get', `${type}/${id}/_history`);
    assert.equal(history.body.total, 2, about);
    const found = await send('get', `${type}?${search}&patient=${patient}`);
    assert.deepEqual(
      found.body.entry?.map((entry: { resource: { id: string } }) => entry.resource.id),
      [id],
      `${about}: ${found.text}`,
    );
    const everything = await send('get', `Patient/${patient}/$everything?_count=200`);
    assert.ok(everything.text.includes(`"${type}/${id}"`) || everything.text.includes(`"id":"${id}"`), `${about} in $everything`);

    const back = await send('put', `${type}/${id}`, { resourceType: type, id, ...valid });
    assert.equal(back.headers['etag'], 'W/"3"', `${about}: ${back.text}`);
    assert.equal(await count(table), rows + 1, `${about}: the row is back`);
    assert.deepEqual(content((await send('get', `${type}/${id}`)).body), content(made.body), about);
    assert.deepEqual(content((await send('get', `${type}/${id}/_history/2`)).body), content(gone), about);

    await send('put', `${type}/${id}`, gone).expect(200);
    await send('delete', `${type}/${id}`).expect(204);
    await send('get', `${type}/${id}`).expect(410);
    assert.equal((await send('get', `${type}/${id}/_history`)).body.total, 5, about);
    assert.deepEqual(content((await send('get', `${type}/${id}/_history/4`)).body), content(gone), about);
    await send('put', `${type}/${id}`, gone).expect(201);
    await send('delete', `${type}/${id}`).expect(204);
    assert.equal(await count(table), rows, about);
  }
});

test('what comes withdrawn never has a row', async () => {
  for (const { type, table, withdrawn } of cases()) {
    const rows = await count(table);
    const made = await send('post', type, { resourceType: type, ...withdrawn }).expect(201);
    assert.equal(await count(table), rows, type);
    assert.deepEqual(content((await send('get', `${type}/${made.body.id}`)).body), { resourceType: type, ...withdrawn });
  }
});

test('the prescription of a withdrawn medication says so', async () => {
  const made = (await send('post', 'MedicationStatement', { resourceType: 'MedicationStatement', ...medication('active') })).body;
  await send('put', `MedicationStatement/${made.id}`, { ...made, status: 'entered-in-error' }).expect(200);
  assert.equal((await send('get', `MedicationRequest/${made.id}`).expect(200)).body.status, 'entered-in-error');
  const found = await send('get', `MedicationRequest?status=entered-in-error&patient=${patient}`).expect(200);
  assert.ok(found.text.includes(`"${made.id}"`), found.text);
});

test('a withdrawn symptom leaves its appointment, whose version says so', async () => {
  const address = `Observation/sy-${(await two.rows('SELECT symptom_id FROM Appointment_Symptom'))[0]?.['symptom_id']}`;
  const symptom = (await send('get', address)).body;
  await send('put', address, { ...symptom, status: 'entered-in-error' }).expect(200);
  assert.equal(await count('Appointment_Symptom'), 0);
  const now = (await send('get', `Appointment/${appointment}`)).body;
  assert.equal(now.meta.versionId, '2');
  assert.equal(now.reasonCode, undefined);
  await send('put', address, { ...symptom, status: 'final' }).expect(200);
  assert.equal((await send('get', `Appointment/${appointment}`)).body.reasonCode[0].text, 'Cough');
});

test('a patient takes what was withdrawn along, whoever deletes the chart', async () => {
  for (const deletes of [
    (id: string) => two.run('DELETE FROM Patient WHERE patient_id = ?', [Number(id.slice(3))]),
    (id: string) => send('delete', `Patient/${id}`).set('X-Cascade', 'delete').expect(204),
  ]) {
    const id = await newPatient();
    const wrong = observation({ status: 'entered-in-error', subject: { reference: `Patient/${id}` } });
    const made = (await send('post', 'Observation', { resourceType: 'Observation', ...wrong }).expect(201)).body;
    await send('delete', `Patient/${id}`).expect(409);
    await deletes(id);
    await send('get', `Observation/${made.id}`).expect(410);
    const first = await send('get', `Observation/${made.id}/_history/1`).expect(200);
    assert.deepEqual(content(first.body), { resourceType: 'Observation', ...wrong });
  }
});

test('a withdrawn resource keeps its patient', async () => {
  const other = await newPatient();
  const made = (await send('post', 'Observation', { resourceType: 'Observation', ...observation({ status: 'final' }) })).body;
  const moved = { ...made, status: 'entered-in-error', subject: { reference: `Patient/${other}` } };
  assert.equal((await send('put', `Observation/${made.id}`, moved)).status, 422);
});

test('in a transaction', async () => {
  const valid = observation({ resourceType: 'Observation', status: 'final' });
  const wrong = observation({ resourceType: 'Observation', status: 'entered-in-error' });
  const before = (await send('post', 'Observation', valid)).body;
  const rows = await count('Lab_Finding');
  const member = 'urn:uuid:0b0c1d2e-0000-4000-8000-000000000001';
  const entry = [
    { fullUrl: member, resource: wrong, request: { method: 'POST', url: 'Observation' } },
    { resource: { ...wrong, id: 'wrong-one' }, request: { method: 'PUT', url: 'Observation/wrong-one' } },
    { resource: { ...wrong, id: before.id }, request: { method: 'PUT', url: `Observation/${before.id}` } },
    {
      resource: { ...valid, derivedFrom: [{ reference: member }], hasMember: [{ reference: 'Observation/wrong-one' }] },
      request: { method: 'POST', url: 'Observation' },
    },
  ];
  const done = await send('post', '', { resourceType: 'Bundle', type: 'transaction', entry });
  assert.equal(done.status, 200, done.text);
  assert.deepEqual(
    done.body.entry.map(({ response }: { response: { status: string } }) => response.status.slice(0, 3)),
    ['201', '201', '200', '201'],
  );
  assert.equal(await count('Lab_Finding'), rows);
  const [first, second, third, fourth] = done.body.entry.map(({ response }: { response: { location: string } }) =>
    response.location.replace(/\/_history.*/, '').replace(/.*\/fhir\//, ''),
  );
  for (const path of [first, second, third])
    assert.equal((await send('get', path).expect(200)).body.status, 'entered-in-error', path);
  assert.equal((await send('get', fourth)).body.derivedFrom[0].reference, first);
});

test('a row that MediMax puts under the key of a withdrawn resource is that resource, its past kept', async () => {
  const gout = { resourceType: 'Condition', code: concept('Gout'), ...subject(), ...clinical('condition-clinical') };
  const { id } = (await send('post', 'Condition', gout)).body;
  const wrong = { ...gout, id, clinicalStatus: undefined, ...verification('condition-ver-status', 'entered-in-error') };
  await send('put', `Condition/${id}`, wrong).expect(200);
  await two.run(
    "INSERT INTO Medical_History (history_id, patient_id, history_type, history_item) VALUES (?, ?, 'condition', 'Asthma')",
    [Number(id.slice(3)), Number(patient.slice(3))],
  );
  const now = (await send('get', `Condition/${id}`).expect(200)).body;
  assert.equal(now.code.text, 'Asthma');
  assert.equal(now.meta.versionId, '3');
  const past = (await send('get', `Condition/${id}/_history/2`).expect(200)).body;
  assert.equal(past.verificationStatus.coding[0].code, 'entered-in-error');
  assert.equal(past.subject.reference, `Patient/${patient}`);
});
