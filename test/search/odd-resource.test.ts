/** A resource that cannot be indexed keeps no other from being found, and `check` knows of it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import supertest from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { connectMedimax } from './medimax.ts';

let gateway: TestGateway;

before(async () => {
  gateway = await startTestGateway();
});
after(() => gateway.close());

test('searches of the type go on, and the trouble is noted once', async () => {
  const medimax = await connectMedimax(gateway.pool);
  await medimax.query("INSERT INTO Patient (name, sex) VALUES ('Odd One', 'Other'), ('Sound Two', 'Female')");
  await medimax.end();
  await supertest(gateway.app).get('/fhir/Patient?name=odd').expect(200);
  // What no version of the gateway writes: an overlay without its parts.
  await gateway.pool.query("UPDATE fhir_resource SET overlay = '{}' WHERE type = 'Patient' AND source_key = 1");
  await gateway.pool.query('INSERT INTO fhir_search_pending (type, rid) SELECT type, rid FROM fhir_resource');

  const found = await supertest(gateway.app).get('/fhir/Patient?name=sound');
  assert.equal(found.status, 200, JSON.stringify(found.body));
  assert.deepEqual(
    found.body.entry.map((entry: { resource: { name: { text: string }[] } }) => entry.resource.name[0]?.text),
    ['Sound Two'],
  );
  const [troubles] = await gateway.pool.query('SELECT place, source_key FROM fhir_trouble');
  assert.deepEqual(troubles, [{ place: 'Patient', source_key: 1 }]);
});
