/** Conditional create, update, delete and patch, alone and in Bundles, over HTTP. https://hl7.org/fhir/R4/http.html#cond-update */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const system = 'http://hospital.example/mrn';
const patient = (value: string, more = {}) => ({
  resourceType: 'Patient',
  identifier: [{ system, value }],
  name: [{ text: `Patient ${value}` }],
  ...more,
});
const by = (value: string) => `identifier=${encodeURIComponent(`${system}|${value}`)}`;

describe('Conditional interactions', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  const send = (
    method: 'post' | 'put' | 'patch' | 'delete',
    path: string,
    body?: object,
    headers: Record<string, string> = {},
  ) => {
    const sent = request(gateway.app)
      [method](`/fhir${path}`)
      .set({ 'Content-Type': 'application/fhir+json', ...headers });
    return body === undefined ? sent : sent.send(JSON.stringify(body));
  };
  const transaction = (...entry: object[]) => send('post', '', { resourceType: 'Bundle', type: 'transaction', entry });
  const count = async () => {
    const [rows] = await gateway.pool.query('SELECT COUNT(*) AS n FROM Patient');
    return JSON.parse(JSON.stringify(rows))[0].n as number;
  };

  it('creates only where the search finds nothing', async () => {
    const first = await send('post', '/Patient', patient('c1'), { 'If-None-Exist': by('c1') }).expect(201);
    const second = await send('post', '/Patient', patient('c1', { gender: 'male' }), { 'If-None-Exist': by('c1') }).expect(200);
    assert.equal(second.body.id, first.body.id);
    assert.equal(second.body.gender, first.body.gender);
    assert.equal(second.headers['etag'], 'W/"1"');
    await send('post', '/Patient', patient('c1')).expect(201);
    const { body } = await send('post', '/Patient', patient('c1'), { 'If-None-Exist': by('c1') }).expect(412);
    assert.equal(body.issue[0].code, 'multiple-matches');
  });

  it('makes one row of a hundred equal conditional creates', async () => {
    const before = await count();
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => send('post', '/Patient', patient('hundred'), { 'If-None-Exist': by('hundred') })),
    );
    const tally = Object.groupBy(answers, ({ status }) => String(status));
    assert.deepEqual([tally['201']?.length, tally['200']?.length], [1, 99]);
    assert.equal(await count(), before + 1);
  });

  it('updates the one that is found, or creates it', async () => {
    const { body: made } = await send('put', `/Patient?${by('u1')}`, patient('u1')).expect(201);
    const { body: changed } = await send('put', `/Patient?${by('u1')}`, patient('u1', { gender: 'female' })).expect(200);
    assert.equal(changed.id, made.id);
    assert.equal(changed.meta.versionId, '2');
    await send('put', `/Patient?${by('u1')}`, patient('u1', { id: 'other' })).expect(400);
    await send('put', `/Patient?${by('u1')}`, patient('u1'), { 'If-Match': 'W/"1"' }).expect(412);
    const { body: named } = await send('put', `/Patient?${by('u2')}`, patient('u2', { id: 'u2-own' })).expect(201);
    assert.equal(named.id, 'u2-own');
    await send('put', `/Patient?${by('u3')}`, patient('u3', { id: 'u2-own' })).expect(409);
    await send('post', '/Patient', patient('u1')).expect(201);
    await send('put', `/Patient?${by('u1')}`, patient('u1')).expect(412);
  });

  it('makes one row of parallel conditional updates', async () => {
    const before = await count();
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_none, at) =>
        send('put', `/Patient?${by('many')}`, patient('many', { name: [{ text: `N ${at}` }] })),
      ),
    );
    assert.deepEqual([...new Set(answers.map(({ status }) => status))].toSorted(), [200, 201]);
    assert.equal(await count(), before + 1);
    const versions = answers.map(({ body }) => Number(body.meta.versionId));
    assert.deepEqual(
      versions.toSorted((a, b) => a - b),
      Array.from({ length: 30 }, (_none, at) => at + 1),
    );
  });

  it('deletes what is found, one at most', async () => {
    const { body: made } = await send('post', '/Patient', patient('d1')).expect(201);
    await send('delete', `/Patient?${by('nobody')}`).expect(204);
    await send('delete', `/Patient?${by('d1')}`).expect(204);
    await request(gateway.app).get(`/fhir/Patient/${made.id}`).expect(410);
    await send('post', '/Patient', patient('d2')).expect(201);
    await send('post', '/Patient', patient('d2')).expect(201);
    const before = await count();
    await send('delete', `/Patient?${by('d2')}`).expect(412);
    assert.equal(await count(), before);
  });

  it('deletes as many as the configuration allows', async () => {
    const other = await startTestGateway({ env: { CONDITIONAL_DELETES_MAX: '2' } });
    try {
      const at = (path: string) => request(other.app).delete(`/fhir${path}`);
      for (const value of ['m', 'm', 'n', 'n', 'n'])
        await request(other.app).post('/fhir/Patient').set('Content-Type', 'application/json').send(patient(value)).expect(201);
      await at(`/Patient?${by('m')}`).expect(204);
      await at(`/Patient?${by('n')}`).expect(412);
      const { body } = await request(other.app).get('/fhir/Patient?_summary=count').expect(200);
      assert.equal(body.total, 3);
      const { body: capabilities } = await request(other.app).get('/fhir/metadata').expect(200);
      const resource = capabilities.rest[0].resource.find(({ type }: { type: string }) => type === 'Patient');
      assert.equal(resource.conditionalDelete, 'multiple');
    } finally {
      await other.close();
    }
  });

  it('patches the one that is found', async () => {
    await send('post', '/Patient', patient('p1')).expect(201);
    const patch = [{ op: 'add', path: '/gender', value: 'other' }];
    const headers = { 'Content-Type': 'application/json-patch+json' };
    const { body } = await send('patch', `/Patient?${by('p1')}`, patch, headers).expect(200);
    assert.equal(body.gender, 'other');
    await send('patch', `/Patient?${by('nobody')}`, patch, headers).expect(404);
  });

  it('refuses every parameter it does not understand, and conditions that say nothing', async () => {
    const before = await count();
    const unless = (condition: string) => send('post', '/Patient', patient('x'), { 'If-None-Exist': condition });
    await unless('identifer=x').expect(400);
    await unless('identifier=x&nonsense=1').set('Prefer', 'handling=lenient').expect(400);
    await unless('name:wild=x').expect(400);
    await unless('_sort=name&identifier=x').expect(400);
    await unless('').expect(400);
    await send('put', '/Patient', patient('x')).expect(400);
    await send('delete', '/Patient').expect(400);
    await send('delete', '/Patient?_pretty=true').expect(400);
    await send('delete', '/Patient?nonsense=1').expect(400);
    assert.equal(await count(), before);
  });

  it('resolves conditional references before any write', async () => {
    const { body: made } = await send('post', '/Patient', patient('ref')).expect(201);
    const condition = (value: string) => ({
      resource: { resourceType: 'Condition', code: { text: 'Flu' }, subject: { reference: `Patient?${by(value)}` } },
      request: { method: 'POST', url: 'Condition' },
    });
    const { body } = await transaction(condition('ref'), condition('ref')).expect(200);
    assert.equal(body.entry[0].resource.subject.reference, `Patient/${made.id}`);
    await send('post', '/Patient', patient('two')).expect(201);
    await send('post', '/Patient', patient('two')).expect(201);
    const before = await count();
    const { body: refused } = await transaction(
      { resource: patient('never'), request: { method: 'POST', url: 'Patient' } },
      condition('none'),
      condition('two'),
    ).expect(412);
    assert.deepEqual(
      refused.issue.map((issue: { code: string; expression: string[] }) => [issue.code, issue.expression[0]]),
      [
        ['not-found', 'Bundle.entry[1].resource.subject'],
        ['multiple-matches', 'Bundle.entry[2].resource.subject'],
      ],
    );
    assert.equal(await count(), before);
  });

  it('takes two equal ifNoneExist in one Bundle for one resource, and links to what was there', async () => {
    const before = await count();
    const urn = (n: number) => `urn:uuid:00000000-0000-4000-8000-00000000000${n}`;
    const create = (n: number) => ({
      fullUrl: urn(n),
      resource: patient('same'),
      request: { method: 'POST', url: 'Patient', ifNoneExist: by('same') },
    });
    const flu = (n: number) => ({
      resource: { resourceType: 'Condition', code: { text: 'Flu' }, subject: { reference: urn(n) } },
      request: { method: 'POST', url: 'Condition' },
    });
    const { body } = await transaction(create(1), create(2), flu(1), flu(2)).expect(200);
    const statuses = body.entry.map((one: { response: { status: string } }) => one.response.status);
    assert.deepEqual(statuses, ['201 Created', '200 OK', '201 Created', '201 Created']);
    assert.equal(await count(), before + 1);
    const again = await transaction(create(1), flu(1)).expect(200);
    assert.equal(again.body.entry[0].response.status, '200 OK');
    const subjects = [...body.entry, ...again.body.entry].flatMap(
      (one: { resource: { subject?: { reference: string } } }) => one.resource.subject?.reference ?? [],
    );
    assert.deepEqual([...new Set(subjects)], [`Patient/${body.entry[0].resource.id}`]);
    assert.equal(await count(), before + 1);
  });

  it('keeps the conditions of other entries: update, patch and delete by a search', async () => {
    await send('post', '/Patient', patient('b1')).expect(201);
    await send('post', '/Patient', patient('b2')).expect(201);
    const patch = Buffer.from(JSON.stringify([{ op: 'add', path: '/gender', value: 'male' }])).toString('base64');
    const { body } = await transaction(
      { resource: patient('b1', { gender: 'female' }), request: { method: 'PUT', url: `Patient?${by('b1')}` } },
      { resource: patient('b3'), request: { method: 'PUT', url: `Patient?${by('b3')}` } },
      { request: { method: 'DELETE', url: `Patient?${by('b2')}` } },
    ).expect(200);
    assert.deepEqual(
      body.entry.map((one: { response: { status: string } }) => one.response.status),
      ['200 OK', '201 Created', '204 No Content'],
    );
    const patched = await transaction({
      resource: { resourceType: 'Binary', contentType: 'application/json-patch+json', data: patch },
      request: { method: 'PATCH', url: `Patient?${by('b3')}` },
    }).expect(200);
    assert.equal(patched.body.entry[0].resource.gender, 'male');
  });

  it('does the same in a batch, each entry for itself', async () => {
    const { body } = await send('post', '', {
      resourceType: 'Bundle',
      type: 'batch',
      entry: [
        { resource: patient('k1'), request: { method: 'POST', url: 'Patient', ifNoneExist: by('k1') } },
        { resource: patient('k1'), request: { method: 'POST', url: 'Patient', ifNoneExist: 'nonsense=1' } },
        { resource: { resourceType: 'Encounter' }, request: { method: 'POST', url: 'Encounter' } },
        { request: { method: 'GET', url: 'Patient/none' } },
        { request: { method: 'GET', url: `Patient?${by('c1')}` } },
        { request: { method: 'DELETE', url: `Patient?${by('nobody')}` } },
      ],
    }).expect(200);
    assert.equal(body.type, 'batch-response');
    assert.deepEqual(
      body.entry.map((one: { response: { status: string } }) => one.response.status.slice(0, 3)),
      ['201', '400', '404', '404', '200', '204'],
    );
    assert.match(body.entry[2].response.outcome.issue[0].diagnostics, /Encounter/);
    assert.equal(body.entry[4].resource.type, 'searchset');
  });
});
