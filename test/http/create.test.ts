/** Create, over HTTP. https://hl7.org/fhir/R4/http.html#create */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { outcome } from '../support/outcome.ts';
import { post } from '../support/send.ts';

const grace = { resourceType: 'Patient', name: [{ family: 'Hopper', given: ['Grace'] }], gender: 'female' };

describe('Create', () => {
  let gateway: TestGateway;
  const rows = async () => {
    const [found] = await gateway.pool.query('SELECT COUNT(*) AS n FROM Patient');
    return JSON.stringify(found);
  };

  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  it('gives an id, a version and the whole resource', async () => {
    const { headers, body } = await post(gateway.app, 'Patient', grace).expect(201);
    assert.match(body.id, /^pt-[1-9][0-9]*$/);
    assert.equal(headers['location'], `${gateway.baseUrl}/Patient/${body.id}/_history/1`);
    assert.equal(headers['etag'], 'W/"1"');
    assert.equal(headers['last-modified'], new Date(body.meta.lastUpdated).toUTCString());
    assert.deepEqual(body.name, grace.name);
    const { body: read } = await request(gateway.app).get(`/fhir/Patient/${body.id}`).expect(200);
    assert.deepEqual(read, body);
  });

  it('ignores an id in the body, whatever it is', async () => {
    for (const id of ['mine', 'pt-999999', 'not an id!', 7]) {
      const { body } = await post(gateway.app, 'Patient', { ...grace, id }).expect(201);
      assert.match(body.id, /^pt-[1-9][0-9]*$/);
      assert.notEqual(body.id, 'pt-999999');
    }
  });

  it('returns what is preferred', async () => {
    const minimal = await post(gateway.app, 'Patient', grace).set('Prefer', 'return=minimal').expect(201);
    assert.equal(minimal.text, '');
    assert.equal(minimal.headers['content-length'], '0');
    assert.match(String(minimal.headers['location']), /\/Patient\/pt-\d+\/_history\/1$/);

    const told = await post(gateway.app, 'Patient', grace).set('Prefer', 'return=OperationOutcome').expect(201);
    const name = /Patient\/pt-\d+/.exec(String(told.headers['location']))?.[0];
    assert.deepEqual(told.body.issue[0].diagnostics, `${name} was created; it is at version 1.`);
    assert.equal(told.body.issue[0].severity, 'information');
  });

  it('shows as much as is asked for', async () => {
    const { body } = await request(gateway.app)
      .post('/fhir/Patient?_elements=gender&_pretty=true')
      .set('Content-Type', 'application/json')
      .send(JSON.stringify(grace))
      .expect(201);
    assert.equal(body.gender, 'female');
    assert.equal(body.name, undefined);
  });

  it('keeps every digit', async () => {
    const text =
      '{"resourceType":"Patient","name":[{"text":"Digits"}],"extension":[{"url":"http://example.org/x","valueDecimal":6.300}]}';
    const { text: sent } = await request(gateway.app)
      .post('/fhir/Patient')
      .set('Content-Type', 'application/json')
      .send(text)
      .expect(201);
    assert.ok(sent.includes('"valueDecimal":6.300}'), sent);
  });

  it('refuses another type, or none, with 400', async () => {
    const before = await rows();
    for (const [resource, text] of [
      [{ resourceType: 'Condition' }, 'The body is a resource of another type than the URL, which says Patient.'],
      [{}, 'resourceType is missing or not a string; "Patient" was expected.'],
      [{ resourceType: 3 }, 'resourceType is missing or not a string; "Patient" was expected.'],
    ] as const) {
      const { body } = await post(gateway.app, 'Patient', resource).expect(400);
      assert.deepEqual(body, outcome(['error', 'structure', text, 'resourceType']));
    }
    const { body } = await post(gateway.app, 'Patient', [grace]).expect(400);
    const text = 'The body is not a resource: a JSON object with resourceType "Patient" was expected.';
    assert.deepEqual(body, outcome(['error', 'structure', text]));
    assert.equal(await rows(), before);
  });

  it('refuses invalid content with 422 and all issues at once', async () => {
    const before = await rows();
    const { body } = await post(gateway.app, 'Patient', { ...grace, gender: 'f', birthDate: '10/12/1906', nonsense: 1 }).expect(
      422,
    );
    const places: string[] = body.issue.flatMap((issue: { expression?: string[] }) => issue.expression ?? []);
    for (const place of ['Patient.gender', 'Patient.birthDate', 'Patient.nonsense']) assert.ok(places.includes(place), place);
    assert.equal(await rows(), before);
  });

  it('refuses what MediMax cannot keep with 422', async () => {
    const { body } = await post(gateway.app, 'Patient', { ...grace, birthDate: '2999-01-01' }).expect(422);
    assert.deepEqual(body.issue[0].expression, ['Patient.birthDate']);
    assert.equal(body.issue[0].code, 'business-rule');
  });

  it('refuses a condition that it would not keep', async () => {
    const before = await rows();
    const { body } = await post(gateway.app, 'Patient', grace).set('If-None-Match', '*').set('If-Match', 'W/"1"').expect(501);
    assert.deepEqual(
      body,
      outcome(
        ['error', 'not-supported', 'If-None-Match is not supported on POST; nothing was changed.', 'http.If-None-Match'],
        ['error', 'not-supported', 'If-Match is not supported on POST; nothing was changed.', 'http.If-Match'],
      ),
    );
    assert.equal(await rows(), before);
  });

  it('refuses parameters that it does not know', async () => {
    const before = await rows();
    await request(gateway.app)
      .post('/fhir/Patient?identifier=1')
      .set('Content-Type', 'application/fhir+json')
      .send(JSON.stringify(grace))
      .expect(400);
    assert.equal(await rows(), before);
  });
});
