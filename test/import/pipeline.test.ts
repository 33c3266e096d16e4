/** Whole imports: from the stream of lines to rows, ledger and manifest. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ResultSetHeader } from 'mysql2/promise';
import { connectMedimax } from '../search/medimax.ts';
import { type ImportGateway, importLines, startImportGateway, summary } from './support.ts';

let given: ImportGateway;

before(async () => {
  given = await startImportGateway({ IMPORT_CHUNK_LINES: '3' });
});
after(() => given?.close());

const patient = (id: string, more: object = {}) => ({
  resourceType: 'Patient',
  id,
  name: [{ family: 'Example', given: ['Ada'] }],
  gender: 'female',
  birthDate: '1980-02-29',
  ...more,
});
const condition = (id: string, subject: string, more: object = {}) => ({
  resourceType: 'Condition',
  id,
  clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
  code: { text: 'Asthma' },
  subject: { reference: subject },
  onsetDateTime: '2001-05-04',
  ...more,
});

test('lines in any order: what refers to a line not seen yet waits for it; types without a table are counted', async () => {
  const lines = [
    condition('c1', 'Patient/1', { encounter: { reference: 'Encounter/e1' } }),
    condition('c2', 'Patient/2'),
    { resourceType: 'Encounter', id: 'e1', status: 'finished', class: { code: 'AMB' } },
    '',
    condition('c3', 'Patient/404'),
    '{"resourceType":"Patient"',
    patient('1'),
    patient('2', { gender: 'woman' }),
    patient('3', { birthDate: '1801-01-01' }),
  ];
  const job = await importLines(given, 'lab-a', lines);
  assert.deepEqual(await summary(given, job), {
    '-': { failed: 1 },
    Condition: { created: 1, failed: 2 },
    Encounter: { 'no-table': 1 },
    Patient: { created: 1, failed: 2 },
  });
  const created = await given.gateway.repository.read('Condition', 'lab-a.c1');
  assert.ok(created?.stored);
  const served = given.gateway.repository.render(created);
  assert.deepEqual(served['subject'], { reference: 'Patient/lab-a.1' });
  assert.deepEqual(served['encounter'], { reference: 'https://medimax.example/fhir/source/lab-a/Encounter/e1' });
  assert.deepEqual(served['code'], { text: 'Asthma' });

  const outcomes = await given.report(job, 'outcome');
  const said = outcomes.map(({ line, severity, code, expression }) => [line, severity, code, expression]);
  assert.deepEqual(said, [
    [2, 'error', 'not-found', 'Condition.subject'],
    [5, 'error', 'not-found', 'Condition.subject'],
    [6, 'error', 'structure', undefined],
    [8, 'error', 'code-invalid', 'Patient.gender'],
    [9, 'error', 'business-rule', 'Patient.birthDate'],
  ]);
});

test('lines refer to a patient whom MediMax has registered a moment ago', async () => {
  const medimax = await connectMedimax(given.gateway.pool);
  const [made] = await medimax.query<ResultSetHeader>("INSERT INTO Patient (name, sex) VALUES ('Walked In', 'Other')");
  await medimax.end();
  const subject = { identifier: { system: given.config.clinic.identifierSystem, value: String(made.insertId) } };
  const job = await importLines(given, 'lab-walk-in', [{ ...condition('w1', ''), subject }]);
  assert.deepEqual(await summary(given, job), { Condition: { created: 1 } });
  assert.equal((await given.gateway.repository.read('Condition', 'lab-walk-in.w1'))?.stored?.row['patient_id'], made.insertId);
});

test('a history of several conditions is as many rows of one resource', async () => {
  const before = await given.tables();
  const family = {
    resourceType: 'FamilyMemberHistory',
    id: 'f1',
    status: 'partial',
    patient: { reference: 'Patient/1' },
    relationship: { text: 'aunt' },
    condition: [
      { code: { text: 'Gout' } },
      { code: { text: 'Stroke' }, outcome: { text: 'well' } },
      { code: { text: 'Asthma' } },
    ],
  };
  for (const expected of [{ created: 1 }, { unchanged: 1 }]) {
    const job = await importLines(given, 'lab-family', [patient('1'), family]);
    assert.deepEqual((await summary(given, job))['FamilyMemberHistory'], expected);
  }
  const record = await given.gateway.repository.read('FamilyMemberHistory', 'lab-family.f1');
  assert.ok(record);
  assert.deepEqual(given.gateway.repository.render(record)['condition'], family.condition);
  const now = await given.tables();
  assert.equal(Number(now['Medical_History']) - Number(before['Medical_History']), 3);
  assert.equal(Number(now['fhir_resource']) - Number(before['fhir_resource']), 2);
});

test('the same file again changes nothing', async () => {
  const lines = [patient('1'), condition('c1', 'Patient/1'), condition('c2', 'Patient/1')];
  await importLines(given, 'lab-b', lines);
  const before = await given.tables();
  const again = await importLines(given, 'lab-b', lines);
  assert.deepEqual(await summary(given, again), { Patient: { unchanged: 1 }, Condition: { unchanged: 2 } });
  assert.deepEqual(await given.tables(), before);
});

test('two sources may both have Patient/1; a changed line is a new version of the same row', async () => {
  await importLines(given, 'lab-c', [patient('1', { name: [{ text: 'Bob' }] }), condition('x', 'Patient/1')]);
  const job = await importLines(given, 'lab-c', [condition('x', 'Patient/1', { code: { text: 'Angina' } })]);
  assert.deepEqual(await summary(given, job), { Condition: { updated: 1 } });
  const record = await given.gateway.repository.read('Condition', 'lab-c.x');
  assert.equal(record?.version, 2);
  assert.equal(record?.stored?.row['history_item'], 'Angina');
  assert.equal((await given.gateway.repository.read('Patient', 'lab-c.1'))?.stored?.row['name'], 'Bob');
});

test('a patient known by identifier is that patient: what is missing is added, what differs is reported', async () => {
  const identifier = [{ system: 'http://example.org/mrn', value: '77' }];
  await importLines(given, 'lab-d', [patient('1', { identifier })]);
  const job = await importLines(given, 'lab-e', [
    condition('c', 'Patient/other'),
    patient('other', { identifier, name: [{ text: 'Somebody else' }], maritalStatus: { text: 'married' } }),
  ]);
  assert.deepEqual(await summary(given, job), { Patient: { merged: 1 }, Condition: { created: 1 } });
  const record = await given.gateway.repository.read('Patient', 'lab-d.1');
  assert.ok(record);
  const served = given.gateway.repository.render(record);
  assert.deepEqual(served['maritalStatus'], { text: 'married' });
  assert.equal(record.stored?.row['name'], 'Ada Example');
  assert.equal(await given.gateway.repository.read('Patient', 'lab-e.other'), null);
  const [warning] = await given.report(job, 'outcome');
  assert.deepEqual([warning?.severity, warning?.expression], ['warning', 'Patient.name']);
  const again = await importLines(given, 'lab-e', [condition('d', 'Patient/other')]);
  assert.deepEqual(await summary(given, again), { Condition: { created: 1 } });
});

test('of several lines for one resource the last that can be kept counts', async () => {
  const job = await importLines(given, 'lab-f', [
    patient('1', { name: [{ text: 'One' }] }),
    patient('1', { name: [{ text: 'Two' }] }),
    patient('2'),
    patient('1', { name: [{ text: 'Three' }] }),
    patient('1', { gender: 'nonsense' }),
  ]);
  const { stored } = (await given.gateway.repository.read('Patient', 'lab-f.1')) ?? {};
  assert.equal(stored?.row['name'], 'Three');
  assert.equal((await summary(given, job))['Patient']?.['failed'], 1);
});

test('a Bundle: entries are lines, references by fullUrl resolve', async () => {
  const bundle = {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      {
        fullUrl: 'urn:uuid:11111111-1111-4111-8111-111111111111',
        resource: { ...patient('x'), id: undefined },
        request: { method: 'POST', url: 'Patient' },
      },
      {
        fullUrl: 'urn:uuid:22222222-2222-4222-8222-222222222222',
        resource: condition('c', 'urn:uuid:11111111-1111-4111-8111-111111111111'),
        request: { method: 'POST', url: 'Condition' },
      },
      { request: { method: 'DELETE', url: 'Patient/1' } },
    ],
  };
  const job = await importLines(given, 'lab-g', JSON.stringify(bundle, undefined, 1), 'bundle');
  assert.deepEqual(await summary(given, job), { '-': { failed: 1 }, Patient: { created: 1 }, Condition: { created: 1 } });
  const record = await given.gateway.repository.read('Condition', 'lab-g.c');
  assert.equal(record?.stored?.patientId, 'lab-g.11111111-1111-4111-8111-111111111111');
});

test('a fullUrl that is longer than a name the gateway keeps, or of other signs, does not hold up its entries', async () => {
  const entry = (urn: string, id: string) => [
    { fullUrl: `urn:oid:${urn}`, resource: patient(id) },
    { fullUrl: `${id}-c`, resource: condition(`${id}-c`, `urn:oid:${urn}`) },
  ];
  const bundle = {
    resourceType: 'Bundle',
    type: 'collection',
    entry: [...entry('1.2'.repeat(40), 'long'), ...entry('1.é', 'odd')],
  };
  const job = await importLines(given, 'lab-urn', JSON.stringify(bundle), 'bundle');
  assert.deepEqual((await summary(given, job))['Patient'], { created: 2 });
  assert.equal((await given.gateway.repository.read('Condition', 'lab-urn.long-c'))?.stored?.patientId, 'lab-urn.long');
});

test('an undo takes back what nobody has touched since, and tells of the rest', async () => {
  const before = await given.tables();
  await importLines(given, 'lab-h', [patient('1'), condition('a', 'Patient/1')]);
  const job = await importLines(given, 'lab-h', [
    condition('a', 'Patient/1', { code: { text: 'Gout' } }),
    condition('b', 'Patient/1'),
  ]);
  await given.desk.undo(job);
  await given.run(job);
  assert.equal((await given.gateway.repository.read('Condition', 'lab-h.a'))?.stored?.row['history_item'], 'Asthma');
  assert.equal((await given.gateway.repository.read('Condition', 'lab-h.b'))?.state, 'deleted');
  assert.equal((await given.tables())['Medical_History'], (before['Medical_History'] ?? 0) + 1);
  assert.deepEqual(await given.desk.parts.store.undoResult(job.id), { undone: 2, conflicts: [] });
  const again = await importLines(given, 'lab-h', [condition('b', 'Patient/1')]);
  assert.equal((await given.gateway.repository.read('Condition', 'lab-h.b'))?.state, 'living');
  assert.deepEqual(await summary(given, again), { Condition: { created: 1 } });
});

test('a dry run tells the same and writes nothing', async () => {
  const before = await given.tables();
  const lines = [condition('a', 'Patient/1'), condition('b', 'Patient/1'), condition('c', 'Patient/9'), patient('1')];
  const dry = await importLines(given, 'lab-i', lines, 'ndjson', { dryRun: true });
  assert.deepEqual(await given.tables(), before);
  const real = await importLines(given, 'lab-i', lines);
  assert.deepEqual(await summary(given, dry), await summary(given, real));
});

test('failed lines can be run again alone', async () => {
  const job = await importLines(given, 'lab-j', [condition('a', 'Patient/1'), condition('b', 'Patient/1')]);
  assert.deepEqual(await summary(given, job), { Condition: { failed: 2 } });
  await importLines(given, 'lab-j', [patient('1')]);
  assert.equal(await given.desk.retry(await given.desk.job(job.name)), 2);
  await given.run(job);
  assert.deepEqual(await summary(given, job), { Condition: { created: 2 } });
});
