/** Delete, over HTTP. https://hl7.org/fhir/R4/http.html#delete */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { outcome } from '../support/outcome.ts';
import { post } from '../support/send.ts';

const kurt = { resourceType: 'Patient', name: [{ family: 'Gödel', given: ['Kurt'] }] };

describe('Delete', () => {
  let gateway: TestGateway;
  const create = async () => String((await post(gateway.app, 'Patient', kurt).expect(201)).body.id);
  const remove = (id: string) => request(gateway.app).delete(`/fhir/Patient/${id}`);

  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  it('says nothing but the version of the deletion', async () => {
    const id = await create();
    const { headers, text } = await remove(id).expect(204);
    assert.equal(text, '');
    assert.equal(headers['etag'], 'W/"2"');
    assert.equal(headers['content-length'], undefined);
    await request(gateway.app).get(`/fhir/Patient/${id}`).expect(410);
  });

  it('is done the second time, too, and where there never was anything', async () => {
    const id = await create();
    await remove(id).expect(204);
    await remove(id).expect(204);
    await remove('never-was').expect(204);
    await remove(id).set('If-Match', 'W/"1"').expect(204);
  });

  it('tells in an outcome when asked', async () => {
    const id = await create();
    const first = await remove(id).set('Prefer', 'return=OperationOutcome').expect(200);
    assert.deepEqual(first.body, outcome(['information', 'informational', `Patient/${id} was deleted; it is at version 2.`]));
    const second = await remove(id).set('Prefer', 'return=OperationOutcome').expect(200);
    assert.deepEqual(second.body, outcome(['information', 'informational', `Patient/${id} was not there; nothing was changed.`]));
  });

  it('keeps If-Match', async () => {
    const id = await create();
    const { body } = await remove(id).set('If-Match', 'W/"2"').expect(412);
    assert.equal(body.issue[0].code, 'conflict');
    await request(gateway.app).get(`/fhir/Patient/${id}`).expect(200);
    await remove(id).set('If-Match', 'W/"1"').expect(204);
  });

  it('refuses a patient whose chart is not empty, unless the whole chart is meant', async () => {
    const id = await create();
    const key = Number(id.slice(3));
    await gateway.pool.query(
      "INSERT INTO Medical_History (patient_id, history_type, history_item) VALUES (?, 'condition', 'Asthma')",
      [key],
    );
    const { body } = await remove(id).expect(409);
    assert.equal(body.resourceType, 'OperationOutcome');
    await request(gateway.app).get(`/fhir/Patient/${id}`).expect(200);
    await remove(id).set('X-Cascade', 'none').expect(409);
    await remove(id).set('X-Cascade', 'delete').expect(204);
    await request(gateway.app).get(`/fhir/Patient/${id}`).expect(410);
  });

  it('refuses an X-Cascade that it does not understand', async () => {
    const id = await create();
    const { body } = await remove(id).set('X-Cascade', 'everything').expect(400);
    assert.deepEqual(body, outcome(['error', 'value', 'X-Cascade is neither "delete" nor "none".', 'http.X-Cascade']));
  });

  it('refuses parameters: a conditional delete must not become a plain one', async () => {
    const id = await create();
    await request(gateway.app).delete(`/fhir/Patient/${id}?identifier=1`).expect(400);
    await request(gateway.app).get(`/fhir/Patient/${id}`).expect(200);
  });

  it('knows no such thing as an id that is none', async () => {
    await remove('a_b').expect(404);
  });
});
