/** Idempotency-Key, over HTTP: the first answer stands, nothing is done twice. */
import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import request from 'supertest';
import { createIdempotencyStore, sealAnswer } from '../../src/db/idempotency.ts';
import { sessionOf } from '../../src/db/pool.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

describe('Idempotency-Key', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  const send = (path: string, body: object, key: string) =>
    request(gateway.app)
      .post(`/fhir${path}`)
      .set({ 'Content-Type': 'application/fhir+json', 'Idempotency-Key': key })
      .send(JSON.stringify(body));
  const patient = (name: string) => ({ resourceType: 'Patient', name: [{ text: name }] });
  const bundle = (type: string, ...names: string[]) => ({
    resourceType: 'Bundle',
    type,
    entry: [
      ...names.map((name) => ({ resource: patient(name), request: { method: 'POST', url: 'Patient' } })),
      { request: { method: 'GET', url: 'metadata' } },
    ].slice(0, names.length),
  });
  const count = async () => {
    const [rows] = await gateway.pool.query('SELECT COUNT(*) AS n FROM Patient');
    return JSON.parse(JSON.stringify(rows))[0].n as number;
  };
  /** As if the process had ended before its answer could be kept. */
  const forget = (key: string, type = '') =>
    gateway.pool.query(
      'UPDATE fhir_idempotency SET status = NULL, headers = NULL, body = NULL, lease_until = ? WHERE key_hash = ?',
      ['2020-01-01', hash('sha256', JSON.stringify([type, key]), 'buffer')],
    );

  it('gives a create, a transaction and a batch the first answer again', async () => {
    for (const [path, body] of [
      ['/Patient', patient('Once')],
      ['', bundle('transaction', 'A', 'B')],
      ['', bundle('batch', 'C', 'D')],
    ] as const) {
      const before = await count();
      const key = `again ${JSON.stringify(body)}`.slice(0, 200);
      const first = await send(path, body, key);
      assert.ok(first.status < 300, first.text);
      const added = (await count()) - before;
      const second = await send(path, body, key).expect(first.status);
      assert.deepEqual(second.body, first.body);
      assert.equal(second.headers['etag'], first.headers['etag']);
      assert.equal(second.headers['location'], first.headers['location']);
      assert.equal(second.headers['idempotency-replayed'], 'true');
      assert.equal(first.headers['idempotency-replayed'], undefined);
      assert.equal((await count()) - before, added);
    }
  });

  it('refuses the key with another request', async () => {
    await send('/Patient', patient('One'), 'k2').expect(201);
    const before = await count();
    await send('/Patient', patient('Two'), 'k2').expect(422);
    assert.equal(await count(), before);
    await send('', bundle('transaction', 'One'), 'k2').expect(200);
    await send('/Patient', patient('One'), 'k'.repeat(256)).expect(400);
  });

  it('frees the key when nothing was changed', async () => {
    await send('/Patient', { ...patient('Bad'), gender: 'x' }, 'k3').expect(422);
    await send('/Patient', { ...patient('Future'), birthDate: '2999-01-01' }, 'k3').expect(422);
    await send('/Patient', patient('Good'), 'k3').expect(201);
  });

  it('does what is sent fifty times at once just once', async () => {
    const before = await count();
    const answers = await Promise.all(Array.from({ length: 50 }, () => send('/Patient', patient('Fifty'), 'k4')));
    assert.equal((await count()) - before, 1);
    for (const { status, headers } of answers) {
      assert.ok(status === 201 || status === 409, String(status));
      if (status === 409) assert.equal(headers['retry-after'], '1');
    }
    const ids = answers.filter(({ status }) => status === 201).map(({ body }) => body.id);
    assert.equal(new Set(ids).size, 1);
    const again = await send('/Patient', patient('Fifty'), 'k4').expect(201);
    assert.equal(again.body.id, ids[0]);
  });

  it('lets nobody commit who has lost the key to another', async () => {
    const store = createIdempotencyStore(gateway.pool, 10_000, 24);
    const [key, content, answer] = [
      Buffer.alloc(32, 1),
      Buffer.alloc(32, 2),
      { status: 201, headers: { ETag: 'W/"1"' }, body: '{}' },
    ];
    const first = await store.claim(key, content, 0);
    const second = await store.claim(key, content, 60_000);
    assert.ok(first.is === 'mine' && second.is === 'mine');
    const session = sessionOf(gateway.pool, 10_000);
    await assert.rejects(sealAnswer(session, first.claim, answer), /taken this one over/);
    assert.equal((await store.claim(key, content, 0)).is, 'running');
    assert.equal((await store.claim(key, Buffer.alloc(32, 3), 0)).is, 'other');
    await sealAnswer(session, second.claim, answer);
    await store.release(second.claim);
    assert.deepEqual(await store.claim(key, content, 0), { is: 'answered', answer });
  });

  it('lets a batch whose process has ended find what was done', async () => {
    const body = bundle('batch', 'P', 'Q', 'R');
    const first = await send('', body, 'k6').expect(200);
    const before = await count();
    await forget('k6');
    const second = await send('', body, 'k6').expect(200);
    assert.equal(await count(), before);
    assert.deepEqual(
      second.body.entry.map((one: { resource: { id: string } }) => one.resource.id),
      first.body.entry.map((one: { resource: { id: string } }) => one.resource.id),
    );
  });
});
