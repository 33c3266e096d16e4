/** One FamilyMemberHistory of several conditions is several rows of MediMax's: what a client does with it, and what MediMax does to its rows. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import supertest from 'supertest';
import { checkAll } from '../../src/cli/check-all.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import { type TwoWriters, twoWriters } from './legacy.ts';

let writers: TwoWriters;
let patient: number;

before(async () => {
  writers = await twoWriters();
  patient = await writers.run("INSERT INTO Patient (name, sex) VALUES ('Ann', 'Female')");
});
after(() => writers.close());

const father = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-RoleCode', code: 'FTH' }] };
const named = (text: string): JsonObject => ({ code: { text }, outcome: { text: `of ${text}` } });
const history = (...conditions: readonly JsonObject[]): JsonObject => ({
  resourceType: 'FamilyMemberHistory',
  status: 'completed',
  patient: { reference: `Patient/pt-${patient}` },
  relationship: father,
  condition: conditions,
});
const request = () => supertest(writers.app);
const send = async (method: 'post' | 'put', path: string, resource: JsonObject) =>
  request()[method](`/fhir/${path}`).set('Content-Type', 'application/fhir+json').send(JSON.stringify(resource));

async function create(...items: readonly string[]): Promise<{ readonly id: string; readonly keys: readonly number[] }> {
  const { body, status } = await send('post', 'FamilyMemberHistory', history(...items.map(named)));
  assert.equal(status, 201, JSON.stringify(body));
  return { id: body.id, keys: await keysOf(...items) };
}

/** Keys of the newest rows of these names. */
async function keysOf(...items: readonly string[]): Promise<number[]> {
  const keys: number[] = [];
  for (const item of items) {
    const [row] = await writers.rows('SELECT MAX(history_id) AS id FROM Medical_History WHERE history_item = ?', [item]);
    keys.push(Number(row?.['id']));
  }
  return keys;
}

const read = async (id: string) => (await request().get(`/fhir/FamilyMemberHistory/${id}`)).body;
const texts = (resource: { condition: { code: { text: string } }[] }) => resource.condition.map(({ code }) => code.text);
const rowsOf = async (keys: readonly number[]) =>
  (
    await writers.rows('SELECT history_type, history_item FROM Medical_History WHERE history_id IN (?) ORDER BY history_id', [
      keys,
    ])
  ).map(({ history_type: type, history_item: item }) => `${type} ${item}`);

test('each condition is a row, all rows are one resource, and it is found by each of them', async () => {
  const { id, keys } = await create('Stroke', 'Gout', 'Asthma');
  assert.deepEqual(await rowsOf(keys), ['family_history Stroke', 'family_history Gout', 'family_history Asthma']);
  const resource = await read(id);
  assert.deepEqual(resource.condition, [named('Stroke'), named('Gout'), named('Asthma')]);
  const all = (await request().get(`/fhir/FamilyMemberHistory?patient=Patient/pt-${patient}`)).body;
  assert.deepEqual(
    all.entry.map((entry: { resource: { id: string } }) => entry.resource.id),
    [id],
  );
  assert.equal((await request().get(`/fhir/FamilyMemberHistory/mh-${keys[1]}`)).status, 404);
  const unchanged = await send('put', `FamilyMemberHistory/${id}`, resource);
  assert.deepEqual([unchanged.status, unchanged.body.meta.versionId], [200, '1']);
});

test('an update adds and removes rows; rows that stay keep their keys', async () => {
  const { id, keys } = await create('One', 'Two', 'Three');
  const { body } = await send('put', `FamilyMemberHistory/${id}`, {
    ...history(named('One'), named('Three'), named('Four')),
    id,
  });
  assert.equal(body.meta.versionId, '2');
  assert.deepEqual(texts(await read(id)), ['One', 'Three', 'Four']);
  assert.deepEqual(await rowsOf(keys), ['family_history One', 'family_history Three']);
  const [four] = await keysOf('Four');
  assert.ok(Number(four) > Number(keys[2]));
  assert.deepEqual(
    await request()
      .get(`/fhir/FamilyMemberHistory/${id}/_history/1`)
      .then(({ body: past }) => texts(past)),
    ['One', 'Two', 'Three'],
  );
});

test("a change of a further row by MediMax is the resource's version", async () => {
  const { id, keys } = await create('A', 'B');
  await writers.run("UPDATE Medical_History SET history_item = 'C', updated_at = NOW() WHERE history_id = ?", [keys[1]]);
  const resource = await read(id);
  assert.equal(resource.meta.versionId, '2');
  assert.deepEqual(resource.condition, [named('A'), { ...named('B'), code: { text: 'C' } }]);
  await writers.run('UPDATE Medical_History SET history_item = history_item WHERE history_id = ?', [keys[1]]);
  assert.equal((await read(id)).meta.versionId, '2');
});

test('a further row that goes, or becomes something else, leaves the resource', async () => {
  const { id, keys } = await create('D', 'E', 'F');
  await writers.run('DELETE FROM Medical_History WHERE history_id = ?', [keys[1]]);
  assert.deepEqual(texts(await read(id)), ['D', 'F']);
  await writers.run("UPDATE Medical_History SET history_type = 'condition' WHERE history_id = ?", [keys[2]]);
  assert.deepEqual(texts(await read(id)), ['D']);
  assert.equal((await read(id)).meta.versionId, '3');
  assert.equal((await request().get(`/fhir/Condition/mh-${keys[2]}`)).body.code.text, 'F');
  // Back again it is an entry of its own: whose relative's it was is not said any more.
  await writers.run("UPDATE Medical_History SET history_type = 'family_history' WHERE history_id = ?", [keys[2]]);
  assert.equal((await request().get(`/fhir/FamilyMemberHistory/mh-${keys[2]}`)).body.condition[0].code.text, 'F');
  assert.deepEqual(texts(await read(id)), ['D']);
});

test('where the first row goes, the resource goes on with the others under its id', async () => {
  const { id, keys } = await create('G', 'H', 'I');
  await writers.run('DELETE FROM Medical_History WHERE history_id = ?', [keys[0]]);
  const resource = await read(id);
  assert.deepEqual(resource.condition, [named('H'), named('I')]);
  assert.deepEqual([resource.meta.versionId, resource.status, resource.relationship], ['2', 'completed', father]);
  await writers.run("UPDATE Medical_History SET history_type = 'other' WHERE history_id = ?", [keys[1]]);
  assert.deepEqual((await read(id)).condition, [named('I')]);
  assert.equal((await request().get(`/fhir/Observation/mh-${keys[1]}`)).status, 200);
  await writers.run("UPDATE Medical_History SET severity = 'severe' WHERE history_id = ?", [keys[2]]);
  assert.equal((await read(id)).meta.versionId, '4');
  const put = await send('put', `FamilyMemberHistory/${id}`, { ...(await read(id)), status: 'partial' });
  assert.equal(put.body.meta.versionId, '5');
  await writers.run('DELETE FROM Medical_History WHERE history_id = ?', [keys[2]]);
  assert.equal((await request().get(`/fhir/FamilyMemberHistory/${id}`)).status, 410);
  assert.deepEqual(
    await request()
      .get(`/fhir/FamilyMemberHistory/${id}/_history/1`)
      .then(({ body }) => texts(body)),
    ['G', 'H', 'I'],
  );
});

test('several statements before anybody looks: rows change places and go', async () => {
  const { id, keys } = await create('J', 'K', 'L');
  await writers.run("UPDATE Medical_History SET history_item = CONCAT(history_item, '!') WHERE history_id IN (?)", [keys]);
  await writers.run('DELETE FROM Medical_History WHERE history_id IN (?)', [keys.slice(0, 2)]);
  await writers.run("UPDATE Medical_History SET history_item = 'last' WHERE history_id = ?", [keys[2]]);
  assert.deepEqual(texts(await read(id)), ['last']);
  assert.equal((await read(id)).meta.versionId, '4');
  const { body } = await request().get(`/fhir/FamilyMemberHistory/${id}/_history`);
  assert.deepEqual(
    body.entry.map((entry: { resource: { condition: { code: { text: string } }[] } }) => texts(entry.resource)),
    [['last'], ['L!'], ['J!', 'K!', 'L!'], ['J', 'K', 'L']],
  );
});

test("a row that MediMax gives to another patient is that patient's alone", async () => {
  const other = await writers.run("INSERT INTO Patient (name, sex) VALUES ('Bob', 'Male')");
  const { id, keys } = await create('M', 'N');
  await writers.run('UPDATE Medical_History SET patient_id = ? WHERE history_id = ?', [other, keys[1]]);
  assert.deepEqual(texts(await read(id)), ['M']);
  const moved = (await request().get(`/fhir/FamilyMemberHistory/mh-${keys[1]}`)).body;
  assert.deepEqual([texts(moved), moved.patient.reference], [['N'], `Patient/pt-${other}`]);
});

test('withdrawing and deleting take all rows along; valid again it has them again', async () => {
  const { id, keys } = await create('O', 'P');
  const resource = await read(id);
  await send('put', `FamilyMemberHistory/${id}`, { ...resource, status: 'entered-in-error' });
  assert.deepEqual(await rowsOf(keys), []);
  assert.deepEqual(texts(await read(id)), ['O', 'P']);
  const { body } = await send('put', `FamilyMemberHistory/${id}`, resource);
  assert.deepEqual([body.meta.versionId, texts(body)], ['3', ['O', 'P']]);
  const again = await keysOf('O', 'P');
  assert.deepEqual(await rowsOf(again), ['family_history O', 'family_history P']);
  assert.equal((await request().delete(`/fhir/FamilyMemberHistory/${id}`)).status, 204);
  assert.deepEqual(await rowsOf(again), []);
});

test('a transaction makes the same rows, and a deleted patient leaves none', async () => {
  const bundle = {
    resourceType: 'Bundle',
    type: 'transaction',
    entry: [
      {
        fullUrl: 'urn:uuid:6b3b1ae4-8b3a-4a37-9a5e-3f4f0f8f2a11',
        resource: { resourceType: 'Patient', name: [{ text: 'Cleo' }] },
        request: { method: 'POST', url: 'Patient' },
      },
      {
        resource: {
          ...history(named('Q'), named('R'), named('S')),
          patient: { reference: 'urn:uuid:6b3b1ae4-8b3a-4a37-9a5e-3f4f0f8f2a11' },
        },
        request: { method: 'POST', url: 'FamilyMemberHistory' },
      },
    ],
  };
  const { body, status } = await send('post', '', bundle);
  assert.equal(status, 200, JSON.stringify(body));
  const [, type, id] = /(FamilyMemberHistory)\/([^/]+)\//.exec(body.entry[1].response.location) ?? [];
  assert.deepEqual(texts(await read(String(id))), ['Q', 'R', 'S'], type);
  const keys = await keysOf('Q', 'R', 'S');
  const [, patientId] = /Patient\/([^/]+)\//.exec(body.entry[0].response.location) ?? [];
  assert.equal((await request().delete(`/fhir/Patient/${patientId}`).set('X-Cascade', 'delete')).status, 204);
  assert.deepEqual(await rowsOf(keys), []);
  assert.equal((await request().get(`/fhir/FamilyMemberHistory/${id}`)).status, 410);
  assert.deepEqual(await writers.rows('SELECT * FROM fhir_linked_row WHERE row_key IN (?)', [keys]), []);
});

test('MediMax deletes the patient: one tombstone for the resource, and nothing is left tied', async () => {
  const own = await writers.run("INSERT INTO Patient (name, sex) VALUES ('Dora', 'Female')");
  const { body } = await send('post', 'FamilyMemberHistory', {
    ...history(named('T'), named('U')),
    patient: { reference: `Patient/pt-${own}` },
  });
  await writers.run('DELETE FROM Patient WHERE patient_id = ?', [own]);
  assert.equal((await request().get(`/fhir/FamilyMemberHistory/${body.id}`)).status, 410);
  const page = (await request().get(`/fhir/FamilyMemberHistory/${body.id}/_history`)).body;
  assert.equal(page.total, 2);
});

test('without triggers the resource changes with its further rows, and the rows left are found on their own when the first one goes', async () => {
  const swept = await twoWriters({ DB_TRIGGERS: 'false' });
  try {
    const key = await swept.run("INSERT INTO Patient (name, sex) VALUES ('Eve', 'Female')");
    const ask = () => supertest(swept.app);
    await ask().get(`/fhir/Patient/pt-${key}`).expect(200);
    const resource = { ...history(named('V'), named('W'), named('X')), patient: { reference: `Patient/pt-${key}` } };
    const made = await ask()
      .post('/fhir/FamilyMemberHistory')
      .set('Content-Type', 'application/fhir+json')
      .send(JSON.stringify(resource));
    assert.equal(made.status, 201, JSON.stringify(made.body));
    const rows = await swept.rows('SELECT history_id FROM Medical_History ORDER BY history_id');
    const [first, second, third] = rows.map(({ history_id: id }) => Number(id));
    await swept.run('DELETE FROM Medical_History WHERE history_id = ?', [second]);
    const now = await ask().get(`/fhir/FamilyMemberHistory/${made.body.id}`);
    assert.deepEqual([now.body.meta.versionId, texts(now.body)], ['2', ['V', 'X']]);
    await swept.run('DELETE FROM Medical_History WHERE history_id = ?', [first]);
    await ask().get(`/fhir/FamilyMemberHistory/${made.body.id}`).expect(410);
    assert.deepEqual(texts((await ask().get(`/fhir/FamilyMemberHistory/mh-${third}`)).body), ['X']);
  } finally {
    await swept.close();
  }
});

test('the books are as they should be', async () => {
  const { findings } = await checkAll(writers.config, { fix: false });
  assert.deepEqual(
    findings.filter(({ severity }) => severity === 'error'),
    [],
  );
  assert.deepEqual(
    await writers.rows(
      'SELECT l.row_key FROM fhir_linked_row l LEFT JOIN Medical_History h ON h.history_id = l.row_key WHERE h.history_id IS NULL',
    ),
    [],
  );
});
