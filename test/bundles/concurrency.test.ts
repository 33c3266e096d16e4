/** Transactions that meet: none is lost, none is done twice, and what cannot go on is tried again as a whole. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import request from 'supertest';
import { readConfig } from '../../src/config.ts';
import { migrateUp } from '../../src/db/migrate.ts';
import { writeBundle } from '../../src/db/transaction-bundle.ts';
import type { EntryWrite } from '../../src/db/transaction-bundle-entries.ts';
import { createGatewayRegistry, openGateway } from '../../src/gateway.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { freshDatabase } from '../support/servers.ts';

let gateway: TestGateway;
before(async () => {
  gateway = await startTestGateway();
});
after(() => gateway.close());

const post = (type: string, entry: readonly object[]) =>
  request(gateway.app)
    .post('/fhir')
    .set('Content-Type', 'application/fhir+json')
    .send(JSON.stringify({ resourceType: 'Bundle', type, entry }));
const patient = (text: string, more = {}) => ({ resourceType: 'Patient', name: [{ text }], ...more });
const create = (resource: { readonly resourceType: string }, more = {}) => ({
  resource,
  request: { method: 'POST', url: resource.resourceType, ...more },
});

test('transactions that change the same resources in opposite orders all go through', async () => {
  const made = await post(
    'transaction',
    [1, 2, 3, 4].map((n) => create(patient(`P${n}`))),
  ).expect(200);
  const ids: string[] = made.body.entry.map(({ resource }: { resource: { id: string } }) => resource.id);
  const change = (id: string, at: number) => ({
    resource: patient(`${id} ${at}`, { id }),
    request: { method: 'PUT', url: `Patient/${id}` },
  });
  const answers = await Promise.all(
    Array.from({ length: 24 }, (_none, at) =>
      post('transaction', [
        ...(at % 2 === 0 ? ids : ids.toReversed()).map((id) => change(id, at)),
        create({ resourceType: 'Condition', code: { text: `C ${at}` }, subject: { reference: `Patient/${ids[at % 4]}` } } as {
          resourceType: string;
        }),
      ]),
    ),
  );
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  for (const id of ids) await request(gateway.app).get(`/fhir/Patient/${id}`).expect('ETag', 'W/"25"');
});

test('equal conditional creates in different orders make one row each, in parallel Bundles', async () => {
  const one = (n: number) =>
    create(patient(`S${n}`, { identifier: [{ system: 'http://s.example', value: String(n) }] }), {
      ifNoneExist: `identifier=http://s.example|${n}`,
    });
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_none, at) =>
      post('transaction', at % 2 === 0 ? [one(1), one(2), one(3)] : [one(3), one(2), one(1)]),
    ),
  );
  assert.deepEqual([...new Set(answers.map(({ status }) => status))], [200]);
  const { body } = await request(gateway.app).get('/fhir/Patient?identifier=http://s.example|&_summary=count').expect(200);
  assert.equal(body.total, 3);
});

test('a batch keeps what reads and writes are conditional on', async () => {
  const { body: made } = await post('transaction', [create(patient('B'))]).expect(200);
  const { id } = made.entry[0].resource;
  const get = (more: object) => ({ request: { method: 'GET', url: `Patient/${id}`, ...more } });
  const { body } = await post('batch', [
    get({ ifNoneMatch: 'W/"1"' }),
    get({ ifNoneMatch: 'W/"2"' }),
    { resource: patient('B2', { id }), request: { method: 'PUT', url: `Patient/${id}`, ifMatch: 'W/"9"' } },
    { request: { method: 'PATCH', url: `Patient/${id}` }, resource: { resourceType: 'Parameters', parameter: [] } },
    { request: { method: 'GET', url: 'Patient?nonsense=1' } },
    { request: { method: 'HEAD', url: `Patient/${id}` } },
  ]).expect(200);
  assert.deepEqual(
    body.entry.map((one: { response: { status: string } }) => one.response.status.slice(0, 3)),
    ['304', '200', '412', '200', '400', '200'],
  );
});

test('where the server cannot return keys, rows go one by one and the result is the same', async () => {
  const database = await freshDatabase();
  const config = readConfig({ ...database.env, DB_POOL_MIN: '1', DB_POOL_MAX: '2' });
  await migrateUp(config, createGatewayRegistry());
  const { parts, repository, close } = await openGateway(config);
  try {
    const entries: EntryWrite[] = [
      { kind: 'create', index: 0, resourceType: 'Patient', provisional: 'Patient/x0', content: () => patient('No keys') },
      ...Array.from(
        { length: 5 },
        (_none, at): EntryWrite => ({
          kind: 'create',
          index: at + 1,
          resourceType: 'Condition',
          provisional: `Condition/x${at + 1}`,
          content: (addressOf) => ({
            resourceType: 'Condition',
            code: { text: `C ${at}` },
            subject: { reference: addressOf('Patient/x0') ?? 'Patient/x0' },
          }),
        }),
      ),
    ];
    const bundle = { entries, references: [], reads: [], requireIfMatch: false };
    const results = await writeBundle({ ...parts, insertReturns: false }, bundle, {
      origin: 'client',
      deadline: Date.now() + 10_000,
    });
    const records = [...results.values()].flat().map(({ record }) => record);
    for (const [at, record] of records.entries()) {
      const read = await repository.read(record.resourceType, record.id);
      assert.deepEqual(read && repository.render(read), repository.render(record));
      if (at > 0) assert.deepEqual(read && repository.render(read)['code'], { text: `C ${at - 1}` });
    }
    assert.equal(records.length, 6);
  } finally {
    await close();
    await database.drop();
  }
});
