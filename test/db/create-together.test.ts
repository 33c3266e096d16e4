/** Creates that share a transaction: each is a resource of its own, and one that MediMax refuses is nobody else's trouble. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;

before(async () => {
  gateway = await startTestGateway();
});
after(() => gateway.close());

const patientNamed = (text: string) => ({ resourceType: 'Patient', name: [{ text }], gender: 'female' });

async function post(resource: { readonly resourceType: string }) {
  return request(gateway.app)
    .post(`/fhir/${resource.resourceType}`)
    .set('Content-Type', 'application/fhir+json')
    .send(JSON.stringify(resource));
}

async function values(sql: string): Promise<unknown[]> {
  const [rows] = await gateway.pool.query({ sql, rowsAsArray: true });
  return (rows as unknown as unknown[][]).map(([value]) => value); // rowsAsArray
}

test('forty at a time: each has its own id, its own content, its first version and one entry in the feed', async () => {
  const names = Array.from({ length: 40 }, (_, n) => `Together ${n}`);
  const answers = await Promise.all(names.map((name) => post(patientNamed(name))));
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
  const ids = answers.map(({ body }) => String(body.id));
  assert.equal(new Set(ids).size, 40);
  for (const [at, id] of ids.entries()) {
    const { body, headers } = await request(gateway.app).get(`/fhir/Patient/${id}`);
    assert.equal(body.name[0].text, names[at]);
    assert.equal(headers['etag'], 'W/"1"');
    assert.ok(isDeepStrictEqual(body, answers[at]?.body));
  }
  const entries = await values(
    "SELECT COUNT(*) FROM fhir_change c JOIN fhir_resource r USING (rid) JOIN Patient t ON t.patient_id = r.source_key WHERE t.name LIKE 'Together %' GROUP BY r.rid",
  );
  assert.deepEqual(
    entries,
    Array.from({ length: 40 }, () => 1),
  );
});

test('some of them did share a transaction', async () => {
  const [transactions = 0] = await values("SELECT COUNT(DISTINCT tx) FROM fhir_resource WHERE type = 'Patient'");
  assert.ok(Number(transactions) < 40, `${transactions} transactions for 40 patients`);
});

test('a row that the database refuses is refused alone', async () => {
  await gateway.pool.query('ALTER TABLE Patient ADD CONSTRAINT chk_no_zebra CHECK (name <> "Zebra")');
  const names = ['Ant', 'Bee', 'Zebra', 'Cat', 'Dog'];
  const answers = await Promise.all(names.map((name) => post(patientNamed(name))));
  assert.deepEqual(
    answers.map(({ status }) => status),
    [201, 201, 422, 201, 201],
  );
  assert.deepEqual(await values("SELECT name FROM Patient WHERE name IN ('Ant', 'Bee', 'Zebra', 'Cat', 'Dog') ORDER BY name"), [
    'Ant',
    'Bee',
    'Cat',
    'Dog',
  ]);
});

test('charts of several patients and several types in one moment', async () => {
  const [one, two] = await Promise.all(['One', 'Two'].map((name) => post(patientNamed(name))));
  const subject = (answer: typeof one) => ({ reference: `Patient/${answer?.body.id}` });
  const condition = (of: typeof one, text: string) => ({ resourceType: 'Condition', subject: subject(of), code: { text } });
  const answers = await Promise.all([
    post(condition(one, 'Asthma')),
    post({ ...patientNamed('Three') }),
    post(condition(two, 'Gout')),
    post(condition(one, 'Migraine')),
  ]);
  assert.deepEqual(
    answers.map(({ status, body }) => [status, body.subject?.reference ?? body.name[0].text]),
    [
      [201, subject(one).reference],
      [201, 'Three'],
      [201, subject(two).reference],
      [201, subject(one).reference],
    ],
  );
});
