/** `Prefer: respond-async` on Bundles and searches, over HTTP. https://hl7.org/fhir/R4/async.html */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

describe('Respond-async', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  const patient = (name: string, more = {}) => ({ resourceType: 'Patient', name: [{ text: name }], ...more });
  const bundle = (type: string, ...resources: object[]) => ({
    resourceType: 'Bundle',
    type,
    entry: resources.map((resource) => ({ resource, request: { method: 'POST', url: 'Patient' } })),
  });
  const post = (body: object, prefer: string) =>
    request(gateway.app)
      .post('/fhir')
      .set({ 'Content-Type': 'application/fhir+json', Prefer: prefer })
      .send(JSON.stringify(body));
  const pathOf = (headers: Record<string, string>) => `/fhir${String(headers['content-location']).slice(gateway.baseUrl.length)}`;
  const fetched = async (path: string) => {
    for (;;) {
      const answer = await request(gateway.app).get(path);
      if (answer.status !== 202) return answer;
      assert.equal(answer.headers['retry-after'], '1');
      await sleep(20);
    }
  };
  const count = async () => {
    const [rows] = await gateway.pool.query('SELECT COUNT(*) AS n FROM Patient');
    return JSON.parse(JSON.stringify(rows))[0].n as number;
  };

  it('answers a Bundle later, as it would have at once', async () => {
    for (const type of ['transaction', 'batch']) {
      const before = await count();
      const { headers, text } = await post(bundle(type, patient('A'), patient('B')), 'respond-async, return=minimal').expect(202);
      assert.equal(text, '');
      const { status, body } = await fetched(pathOf(headers));
      assert.equal(status, 200);
      assert.equal(body.type, `${type}-response`);
      assert.deepEqual(
        body.entry.map((one: { response: { status: string }; resource?: object }) => [one.response.status, one.resource]),
        [
          ['201 Created', undefined],
          ['201 Created', undefined],
        ],
      );
      assert.equal((await count()) - before, 2);
      assert.deepEqual((await fetched(pathOf(headers))).body, body);
    }
  });

  it('answers a refusal later', async () => {
    const { headers } = await post(bundle('transaction', patient('A', { gender: 'x' })), 'respond-async').expect(202);
    const { status, body } = await fetched(pathOf(headers));
    assert.equal(status, 422);
    assert.equal(body.resourceType, 'OperationOutcome');
  });

  it('answers a search later, by GET and by form', async () => {
    const { body: now } = await request(gateway.app).get('/fhir/Patient?name=A&_sort=_id').expect(200);
    const later = await request(gateway.app).get('/fhir/Patient?name=A&_sort=_id').set('Prefer', 'respond-async').expect(202);
    assert.deepEqual((await fetched(pathOf(later.headers))).body.entry, now.entry);
    const form = await request(gateway.app)
      .post('/fhir/Patient/_search')
      .set({ Prefer: 'respond-async', 'Content-Type': 'application/x-www-form-urlencoded' })
      .send('name=A&_sort=_id')
      .expect(202);
    assert.deepEqual((await fetched(pathOf(form.headers))).body.entry, now.entry);
  });

  it('forgets what is cancelled; a transaction at work is not committed', async () => {
    const before = await count();
    await gateway.pool.query('UPDATE Patient SET name = name WHERE patient_id = 0');
    const connection = await gateway.pool.getConnection();
    await connection.query('START TRANSACTION');
    await connection.query('SELECT slot FROM fhir_condition_slot FOR UPDATE');
    const waiting = {
      resourceType: 'Bundle',
      type: 'transaction',
      entry: [{ resource: patient('Slow'), request: { method: 'POST', url: 'Patient', ifNoneExist: 'name=Slow' } }],
    };
    const { headers } = await post(waiting, 'respond-async').expect(202);
    await request(gateway.app).get(pathOf(headers)).expect(202);
    for (let claims = 0; claims === 0; ) {
      const [rows] = await gateway.pool.query('SELECT COUNT(*) AS n FROM fhir_idempotency WHERE status IS NULL');
      claims = JSON.parse(JSON.stringify(rows))[0].n;
    }
    await request(gateway.app).delete(pathOf(headers)).expect(202);
    await connection.query('ROLLBACK');
    connection.release();
    await request(gateway.app).get(pathOf(headers)).expect(404);
    await request(gateway.app).delete(pathOf(headers)).expect(404);
    await sleep(300);
    assert.equal(await count(), before);
  });

  it('is taken over where the process at work has ended, and does nothing twice', async () => {
    const before = await count();
    const { headers } = await post(bundle('transaction', patient('Over')), 'respond-async').expect(202);
    const first = await fetched(pathOf(headers));
    await gateway.pool.query(
      "UPDATE fhir_async_job SET state = 0, status = NULL, body = NULL, lease_until = '2020-01-01' WHERE state = 1",
    );
    const second = await fetched(pathOf(headers));
    assert.deepEqual(second.body, first.body);
    assert.equal((await count()) - before, 1);
  });

  it('knows no jobs of others', async () => {
    await request(gateway.app)
      .get(`/fhir/$async/${'0'.repeat(32)}`)
      .expect(404);
    await request(gateway.app).get('/fhir/$async/1').expect(404);
  });
});
