/** MedicationRequest over HTTP: read, search, history of what MedicationStatement says; writes are sent there. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { post, put } from '../support/send.ts';

interface Entry {
  readonly fullUrl: string;
  readonly resource: { readonly id: string; readonly resourceType: string };
}

describe('A view', () => {
  let gateway: TestGateway;
  let patient: string;
  const ids: string[] = [];
  const get = (path: string) => request(gateway.app).get(`/fhir/${path}`);
  const found = async (query: string) =>
    ((await get(query).expect(200)).body.entry ?? []).map(({ resource }: Entry) => resource.id).toSorted();
  const statement = (status: string, text: string) => ({
    resourceType: 'MedicationStatement',
    status,
    subject: { reference: patient },
    medicationCodeableConcept: { text },
    effectivePeriod: { start: '2020-01-01', ...(status === 'active' || status === 'on-hold' ? {} : { end: '2020-02-01' }) },
  });

  before(async () => {
    gateway = await startTestGateway();
    const { body } = await post(gateway.app, 'Patient', { resourceType: 'Patient', name: [{ text: 'V' }] }).expect(201);
    patient = `Patient/${body.id}`;
    for (const [status, text] of [
      ['active', 'Aspirin'],
      ['on-hold', 'Ibuprofen'],
      ['not-taken', 'Codeine'],
    ] as const)
      ids.push((await post(gateway.app, 'MedicationStatement', statement(status, text)).expect(201)).body.id);
  });
  after(() => gateway.close());

  it('has the id, the version and the content of what it shows', async () => {
    const { body, headers } = await get(`MedicationRequest/${ids[0]}`).expect(200);
    const { body: viewed, headers: its } = await get(`MedicationStatement/${ids[0]}`).expect(200);
    assert.equal(body.resourceType, 'MedicationRequest');
    assert.deepEqual(body.meta, viewed.meta);
    assert.equal(headers['etag'], its['etag']);
    assert.equal(body.intent, 'order');
    assert.equal(body.authoredOn, '2020-01-01');
    await get('MedicationRequest/none').expect(404);
    await get(`MedicationRequest/${ids[0]}`)
      .set('If-None-Match', headers['etag'] ?? '')
      .expect(304);
  });

  it('refuses to be written and says where to write', async () => {
    const { body, headers } = await post(gateway.app, 'MedicationRequest', {}).expect(405);
    assert.equal(headers['allow'], 'GET, HEAD, OPTIONS');
    assert.match(body.issue[0].details.text, /write the MedicationStatement of the same id/);
    await put(gateway.app, 'MedicationRequest', ids[0] ?? '', {}).expect(405);
    await request(gateway.app).delete(`/fhir/MedicationRequest/${ids[0]}`).expect(405);
  });

  it('is refused in a transaction, which says what to send', async () => {
    const request = { method: 'POST', url: 'MedicationRequest' };
    const entry = [{ resource: { resourceType: 'MedicationRequest', status: 'active', intent: 'order' }, request }];
    const { body } = await post(gateway.app, '', { resourceType: 'Bundle', type: 'transaction', entry }).expect(422);
    assert.match(body.issue[0].details.text, /MedicationRequest only shows what MedicationStatement says: send that/);
  });

  it('is searched by its own codes', async () => {
    const [active, held, stopped] = ids;
    assert.deepEqual(await found(`MedicationRequest?patient=${patient}&intent=order`), ids.toSorted());
    assert.deepEqual(await found('MedicationRequest?status=active'), [active]);
    assert.deepEqual(await found('MedicationRequest?status=stopped,on-hold'), [held, stopped].toSorted());
    assert.deepEqual(await found('MedicationRequest?status:not=active'), [held, stopped].toSorted());
    assert.deepEqual(await found('MedicationRequest?status=http://example.org|active'), []);
    assert.deepEqual(await found('MedicationRequest?intent=plan'), []);
    assert.deepEqual(await found('MedicationRequest?intent:not=order'), []);
    assert.deepEqual(await found('MedicationRequest?intent=plan,order'), ids.toSorted());
    assert.deepEqual(await found('MedicationRequest?code:text=Aspirin'), [active]);
    assert.deepEqual(await found(`MedicationRequest?_id=${held}`), [held]);
    assert.deepEqual(await found(`${patient}/MedicationRequest`), ids.toSorted());
  });

  it('finds exactly what FHIRPath on the view would find by status', async () => {
    const all: { entry: { resource: { id: string; status: string } }[] } = (await get('MedicationRequest').expect(200)).body;
    for (const status of ['active', 'on-hold', 'stopped', 'completed', 'unknown', 'entered-in-error', 'draft', 'cancelled']) {
      const expected = all.entry.filter(({ resource }) => resource.status === status).map(({ resource }) => resource.id);
      assert.deepEqual(await found(`MedicationRequest?status=${status}`), expected.toSorted(), status);
    }
  });

  it('answers a searchset of its own type, pages and all', async () => {
    const { body } = await get('MedicationRequest?intent=order&_count=2&_include=MedicationRequest:patient').expect(200);
    assert.equal(
      body.link[0].url,
      `${gateway.baseUrl}/MedicationRequest?intent=order&_count=2&_include=MedicationRequest%3Apatient`,
    );
    const types = body.entry.map(({ resource }: Entry) => resource.resourceType);
    assert.deepEqual(types, ['MedicationRequest', 'MedicationRequest', 'Patient']);
    assert.ok(body.entry[0].fullUrl.startsWith(`${gateway.baseUrl}/MedicationRequest/`));
    const next: string = body.link.find(({ relation }: { relation: string }) => relation === 'next').url;
    assert.ok(next.startsWith(`${gateway.baseUrl}/MedicationRequest?_page=`));
    const page = await get(next.replace(`${gateway.baseUrl}/`, '')).expect(200);
    assert.equal(page.body.entry[0].resource.resourceType, 'MedicationRequest');
    const slim = await get('MedicationRequest?_elements=intent').expect(200);
    assert.deepEqual(Object.keys(slim.body.entry[0].resource).toSorted(), [
      'id',
      'intent',
      'medicationCodeableConcept',
      'meta',
      'resourceType',
      'status',
      'subject',
    ]);
  });

  it('refuses what cannot be exact', async () => {
    const { body } = await get('MedicationRequest?authoredon=2020&_sort=status&_revinclude=x:y').expect(400);
    assert.equal(body.issue.length, 3);
    const lenient = await get('MedicationRequest?authoredon=2020').set('Prefer', 'handling=lenient').expect(200);
    assert.equal(lenient.body.entry[0].resource.resourceType, 'OperationOutcome');
    assert.equal(lenient.body.link[0].url, `${gateway.baseUrl}/MedicationRequest`);
  });

  it('has the history of what it shows', async () => {
    const changed = { ...statement('completed', 'Aspirin'), id: ids[0] };
    await put(gateway.app, 'MedicationStatement', ids[0] ?? '', changed).expect(200);
    const { body } = await get(`MedicationRequest/${ids[0]}/_history`).expect(200);
    assert.deepEqual(
      body.entry.map(
        ({ resource }: { resource: { resourceType: string; status: string } }) => `${resource.resourceType} ${resource.status}`,
      ),
      ['MedicationRequest completed', 'MedicationRequest active'],
    );
    const old = await get(`MedicationRequest/${ids[0]}/_history/1`).expect(200);
    assert.equal(old.body.status, 'active');
  });

  it('is never in a search of the whole system, nor in a chart, unless asked for', async () => {
    for (const query of ['?_count=100', `${patient}/*`]) {
      const { body } = await get(query).expect(200);
      assert.ok(
        body.entry.every(({ resource }: Entry) => resource.resourceType !== 'MedicationRequest'),
        query,
      );
    }
  });

  it('is in $everything only when asked for, and once', async () => {
    const types = async (query: string) =>
      (await get(`${patient}/$everything${query}`).expect(200)).body.entry.map(({ resource }: Entry) => resource.resourceType);
    assert.ok(!(await types('')).includes('MedicationRequest'));
    assert.deepEqual(await types('?_type=MedicationRequest'), Array(3).fill('MedicationRequest'));
    const both: string[] = await types('?_type=MedicationRequest,MedicationStatement');
    assert.deepEqual(both.toSorted(), [...Array(3).fill('MedicationRequest'), ...Array(3).fill('MedicationStatement')]);
  });

  it('is read-only in the CapabilityStatement', async () => {
    const { body } = await get('metadata').expect(200);
    const listed = body.rest[0].resource.find(({ type }: { type: string }) => type === 'MedicationRequest');
    assert.match(listed.documentation, /read-only view of MedicationStatement/);
    assert.deepEqual(
      listed.interaction.map(({ code }: { code: string }) => code),
      ['vread', 'history-instance', 'read', 'history-type', 'search-type'],
    );
    assert.deepEqual(listed.searchParam.map(({ name }: { name: string }) => name).toSorted(), [
      '_id',
      '_lastUpdated',
      'code',
      'intent',
      'medication',
      'patient',
      'status',
      'subject',
    ]);
  });
});
