/** Update and update-as-create, over HTTP. https://hl7.org/fhir/R4/http.html#update */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { outcome } from '../support/outcome.ts';
import { post, put } from '../support/send.ts';

const alan = { resourceType: 'Patient', name: [{ family: 'Turing', given: ['Alan'] }], gender: 'male' };

describe('Update', () => {
  let gateway: TestGateway;
  const create = async () => String((await post(gateway.app, 'Patient', alan).expect(201)).body.id);

  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  it('makes a new version', async () => {
    const id = await create();
    const { headers, body } = await put(gateway.app, 'Patient', id, { ...alan, id, birthDate: '1912-06-23' }).expect(200);
    assert.equal(headers['etag'], 'W/"2"');
    assert.equal(headers['location'], undefined);
    assert.equal(headers['content-location'], `${gateway.baseUrl}/Patient/${id}/_history/2`);
    assert.equal(headers['last-modified'], new Date(body.meta.lastUpdated).toUTCString());
    assert.equal(body.birthDate, '1912-06-23');
    assert.equal(body.meta.versionId, '2');
  });

  it('makes no version of what was read', async () => {
    const id = await create();
    const { body, headers } = await request(gateway.app).get(`/fhir/Patient/${id}`).expect(200);
    const again = await put(gateway.app, 'Patient', id, body).expect(200);
    assert.equal(again.headers['etag'], headers['etag']);
    assert.equal(again.headers['last-modified'], headers['last-modified']);
    assert.deepEqual(again.body, body);
    const told = await put(gateway.app, 'Patient', id, body).set('Prefer', 'return=OperationOutcome').expect(200);
    assert.equal(told.body.issue[0].diagnostics, `Patient/${id} already said this; it stays at version 1.`);
  });

  it("creates under the client's id", async () => {
    const { headers, body } = await put(gateway.app, 'Patient', 'my.own-1', { ...alan, id: 'my.own-1' }).expect(201);
    assert.equal(headers['location'], `${gateway.baseUrl}/Patient/my.own-1/_history/1`);
    assert.equal(headers['etag'], 'W/"1"');
    assert.equal(body.id, 'my.own-1');
    const { body: read } = await request(gateway.app).get('/fhir/Patient/my.own-1').expect(200);
    assert.deepEqual(read, body);
  });

  it('revives what was deleted, and goes on counting', async () => {
    await put(gateway.app, 'Patient', 'phoenix', { ...alan, id: 'phoenix' }).expect(201);
    await request(gateway.app).delete('/fhir/Patient/phoenix').expect(204);
    const { headers } = await put(gateway.app, 'Patient', 'phoenix', { ...alan, id: 'phoenix' }).expect(201);
    assert.equal(headers['etag'], 'W/"3"');
  });

  for (const id of ['pt-123456', 'pt-0', 'PT-7']) {
    it(`gives ${id} to nobody, because MediMax may need it`, async () => {
      const { headers, body } = await put(gateway.app, 'Patient', id, { ...alan, id }).expect(405);
      const text = `Patient/${id} does not exist, and ids of this form are given by the gateway only: POST to Patient, or choose another id.`;
      assert.deepEqual(body, outcome(['error', 'business-rule', text, 'id']));
      assert.equal(headers['allow'], 'GET, HEAD, OPTIONS');
    });
  }

  it('wants the id of the URL in the body', async () => {
    const missing = await put(gateway.app, 'Patient', 'one', alan).expect(400);
    const text = 'The resource must carry the id of the URL: "id": "one".';
    assert.deepEqual(missing.body, outcome(['error', 'required', text, 'id']));
    const other = await put(gateway.app, 'Patient', 'one', { ...alan, id: 'two' }).expect(400);
    assert.deepEqual(other.body, outcome(['error', 'value', 'The id in the body is not that of the URL, which is one.', 'id']));
  });

  it('refuses ids that are none', async () => {
    for (const id of ['a_b', 'x'.repeat(65), 'a%20b']) {
      const { body } = await put(gateway.app, 'Patient', id, { ...alan, id }).expect(400);
      const text = 'The id in the URL cannot be one: an id is 1 to 64 letters, digits, "-" and ".".';
      assert.deepEqual(body, outcome(['error', 'value', text, 'id']), id);
    }
  });

  it('refuses invalid content with 422', async () => {
    const id = await create();
    const { body } = await put(gateway.app, 'Patient', id, { ...alan, id, gender: 'm' }).expect(422);
    assert.deepEqual(body.issue[0].expression, ['Patient.gender']);
    const { headers } = await request(gateway.app).get(`/fhir/Patient/${id}`).expect(200);
    assert.equal(headers['etag'], 'W/"1"');
  });

  describe('with If-Match', () => {
    for (const tags of ['W/"1"', '"1"', '*', 'W/"5", W/"1"']) {
      it(`${tags} changes version 1`, async () => {
        const id = await create();
        const { headers } = await put(gateway.app, 'Patient', id, { ...alan, id, gender: 'other' })
          .set('If-Match', tags)
          .expect(200);
        assert.equal(headers['etag'], 'W/"2"');
      });
    }

    for (const tags of ['W/"2"', '"0"', 'W/"abc"', 'W/"2", W/"3"', 'W/"01"', 'W/"99999999999999999999"']) {
      it(`${tags} does not`, async () => {
        const id = await create();
        const { body } = await put(gateway.app, 'Patient', id, { ...alan, id, gender: 'other' })
          .set('If-Match', tags)
          .expect(412);
        assert.equal(body.issue[0].code, 'conflict');
        assert.deepEqual(body.issue[0].expression, ['http.If-Match']);
        const { headers } = await request(gateway.app).get(`/fhir/Patient/${id}`).expect(200);
        assert.equal(headers['etag'], 'W/"1"');
      });
    }

    it('creates nothing', async () => {
      for (const tags of ['W/"1"', '*', '"1", "2"']) {
        await put(gateway.app, 'Patient', 'nobody', { ...alan, id: 'nobody' })
          .set('If-Match', tags)
          .expect(412);
      }
      await request(gateway.app).get('/fhir/Patient/nobody').expect(404);
    });

    it('that is no entity tag is refused', async () => {
      const id = await create();
      const { body } = await put(gateway.app, 'Patient', id, { ...alan, id })
        .set('If-Match', '1')
        .expect(400);
      const text = 'If-Match is not an entity tag; send the ETag of the version you have read, such as W/"3".';
      assert.deepEqual(body, outcome(['error', 'value', text, 'http.If-Match']));
    });

    it('lets one of many writers through', async () => {
      const id = await create();
      const writes = Array.from({ length: 8 }, (_, index) =>
        put(gateway.app, 'Patient', id, { ...alan, id, birthDate: `1912-06-1${index}` }).set('If-Match', 'W/"1"'),
      );
      const statuses = (await Promise.all(writes)).map(({ status }) => status).sort();
      assert.deepEqual(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
    });
  });

  it('refuses conditions that it would not keep', async () => {
    for (const name of ['If-None-Match', 'If-Unmodified-Since', 'If-None-Exist']) {
      const { body } = await put(gateway.app, 'Patient', 'c', { ...alan, id: 'c' })
        .set(name, '*')
        .expect(501);
      const text = `${name} is not supported on PUT; nothing was changed.`;
      assert.deepEqual(body, outcome(['error', 'not-supported', text, `http.${name}`]));
    }
  });
});

describe('Update where If-Match is required', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway({ env: { REQUIRE_IF_MATCH: 'true' } });
  });
  after(() => gateway.close());

  it('changes nothing without it', async () => {
    const id = 'careful';
    await put(gateway.app, 'Patient', id, { ...alan, id }).expect(201);
    const text = `This gateway changes Patient/${id} only with If-Match: send the ETag of the version you have read.`;
    const expected = outcome(['error', 'required', text, 'http.If-Match']);
    const changed = await put(gateway.app, 'Patient', id, { ...alan, id, gender: 'other' }).expect(400);
    assert.deepEqual(changed.body, expected);
    const deleted = await request(gateway.app).delete(`/fhir/Patient/${id}`).expect(400);
    assert.deepEqual(deleted.body, expected);
    await put(gateway.app, 'Patient', id, { ...alan, id, gender: 'other' })
      .set('If-Match', 'W/"1"')
      .expect(200);
    await request(gateway.app).delete(`/fhir/Patient/${id}`).set('If-Match', 'W/"2"').expect(204);
    await request(gateway.app).delete(`/fhir/Patient/${id}`).expect(204);
  });

  it('is in the CapabilityStatement', async () => {
    const { body } = await request(gateway.app).get('/fhir/metadata').expect(200);
    // Definitions come with the gateway and have no versions.
    for (const { versioning, readHistory } of body.rest[0].resource)
      assert.equal(versioning, readHistory ? 'versioned-update' : 'no-version');
  });
});
