/** Transaction Bundles, over HTTP. https://hl7.org/fhir/R4/http.html#transaction */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

interface Entry {
  readonly fullUrl?: string;
  readonly resource?: { readonly [key: string]: unknown; readonly resourceType: string };
  readonly request: { readonly method: string; readonly url: string; readonly [key: string]: string };
}

const urn = (n: number) => `urn:uuid:00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const patient = (name: string) => ({ resourceType: 'Patient', name: [{ text: name }] });
const condition = (subject: string, text: string) => ({
  resourceType: 'Condition',
  clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
  code: { text },
  subject: { reference: subject },
});
const postOf = (fullUrl: string, resource: NonNullable<Entry['resource']>): Entry => ({
  fullUrl,
  resource,
  request: { method: 'POST', url: resource.resourceType },
});

describe('Transaction', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  const send = (entry: readonly Entry[], headers: Record<string, string> = {}) =>
    request(gateway.app)
      .post('/fhir')
      .set('Content-Type', 'application/fhir+json')
      .set(headers)
      .send(JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }));
  const read = async (location: string) => {
    const path = location.slice(gateway.baseUrl.length).replace(/\/_history.*/, '');
    return (await request(gateway.app).get(`/fhir${path}`).expect(200)).body;
  };
  const counts = async () => {
    const [rows] = await gateway.pool.query(
      'SELECT (SELECT COUNT(*) FROM Patient) p, (SELECT COUNT(*) FROM Medical_History) h, (SELECT COUNT(*) FROM fhir_resource) r, (SELECT COUNT(*) FROM fhir_change) c, (SELECT COUNT(*) FROM fhir_version) v, (SELECT COALESCE(SUM(version), 0) FROM fhir_resource) s',
    );
    return JSON.stringify(rows);
  };

  it('creates what refers to each other, whatever the order', async () => {
    const { body } = await send([
      postOf(urn(2), condition(urn(1), 'Asthma')),
      postOf(urn(1), { ...patient('Ada'), generalPractitioner: [{ display: 'Dr X' }] }),
    ]).expect(200);
    assert.equal(body.type, 'transaction-response');
    assert.deepEqual(
      body.entry.map((one: { response: { status: string } }) => one.response.status),
      ['201 Created', '201 Created'],
    );
    const ada = await read(body.entry[1].response.location);
    const asthma = await read(body.entry[0].response.location);
    assert.equal(asthma.subject.reference, `Patient/${ada.id}`);
    assert.deepEqual(body.entry[0].resource, asthma);
    assert.deepEqual(body.entry[1].resource, ada);
    assert.equal(body.entry[0].response.etag, 'W/"1"');
  });

  it('rewrites links everywhere: circles, extensions, contained, narrative', async () => {
    const first = {
      ...condition(urn(1), 'Cough'),
      text: { status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml"><a href="${urn(3)}">see</a></div>` },
      extension: [
        { url: 'http://example.org/r', valueReference: { reference: urn(3) } },
        { url: 'http://example.org/u', valueUri: urn(3) },
        { url: 'http://example.org/c', valueCanonical: urn(3) },
        { url: 'http://example.org/s', valueString: urn(3) },
      ],
      contained: [{ resourceType: 'Observation', id: 'o', status: 'final', code: { text: 'x' }, subject: { reference: urn(1) } }],
      evidence: [{ detail: [{ reference: '#o' }] }],
    };
    const second = {
      ...condition(urn(1), 'Cold'),
      extension: [{ url: 'http://example.org/r', valueReference: { reference: urn(2) } }],
    };
    const { body } = await send([postOf(urn(2), first), postOf(urn(3), second), postOf(urn(1), patient('Circle'))]).expect(200);
    const [a, b, p] = await Promise.all(body.entry.map((one: { response: { location: string } }) => read(one.response.location)));
    const to = (resource: { id: string; resourceType: string }) => `${resource.resourceType}/${resource.id}`;
    assert.equal(a.subject.reference, to(p));
    assert.equal(a.contained[0].subject.reference, to(p));
    assert.equal(a.extension[0].valueReference.reference, to(b));
    assert.equal(a.extension[1].valueUri, to(b));
    assert.equal(a.extension[2].valueCanonical, urn(3));
    assert.equal(a.extension[3].valueString, urn(3));
    assert.ok(a.text.div.includes(`href="${to(b)}"`), a.text.div);
    assert.equal(b.extension[0].valueReference.reference, to(a));
  });

  it('follows relative references below the base of a fullUrl', async () => {
    const base = 'http://other.example/fhir';
    const { body } = await send([
      { ...postOf(`${base}/Condition/1`, condition('Patient/77', 'Fever')) },
      { ...postOf(`${base}/Patient/77`, patient('Elsewhere')) },
    ]).expect(200);
    assert.equal(body.entry[0].resource.subject.reference, `Patient/${body.entry[1].resource.id}`);
  });

  it('deletes, creates, updates, then reads, whatever the order', async () => {
    const made = await send([postOf(urn(1), patient('Old')), postOf(urn(2), condition(urn(1), 'Gone'))]).expect(200);
    const old = made.body.entry[0].resource;
    const gone = made.body.entry[1].resource;
    const { body } = await send([
      { request: { method: 'GET', url: `Patient/${old.id}` } },
      { resource: { ...old, gender: 'female' }, request: { method: 'PUT', url: `Patient/${old.id}`, ifMatch: 'W/"1"' } },
      postOf(urn(3), condition(`Patient/${old.id}`, 'New')),
      { request: { method: 'DELETE', url: `Condition/${gone.id}` } },
      { resource: { ...patient('Named'), id: 'own-name' }, request: { method: 'PUT', url: 'Patient/own-name' } },
      postOf(urn(4), condition('Patient/own-name', 'Refers to a client id')),
    ]).expect(200);
    assert.deepEqual(
      body.entry.map((one: { response: { status: string } }) => one.response.status),
      ['200 OK', '200 OK', '201 Created', '204 No Content', '201 Created', '201 Created'],
    );
    assert.equal(body.entry[0].resource.gender, 'female');
    assert.equal(body.entry[1].response.etag, 'W/"2"');
    assert.equal(body.entry[5].resource.subject.reference, 'Patient/own-name');
    await request(gateway.app).get(`/fhir/Condition/${gone.id}`).expect(410);
  });

  it('is refused as a whole, with the issues of every entry', async () => {
    const before = await counts();
    const { body } = await send([
      postOf(urn(1), patient('Fine')),
      postOf(urn(2), { ...condition(urn(1), 'Bad'), recordedDate: 'yesterday' }),
      postOf(urn(3), { ...patient('Bad'), gender: 'f' }),
    ]).expect(422);
    const errors = body.issue.filter((issue: { severity: string }) => issue.severity === 'error');
    const places = errors.flatMap((issue: { expression: string[] }) => issue.expression);
    assert.deepEqual([...new Set(places)], ['Bundle.entry[1].resource.recordedDate', 'Bundle.entry[2].resource.gender']);
    assert.equal(await counts(), before);
  });

  it('gathers the issues that only the mapping and the database know', async () => {
    const before = await counts();
    const { body } = await send([
      postOf(urn(1), { ...patient('Future'), birthDate: '2999-01-01' }),
      postOf(urn(2), condition('Patient/pt-99999', 'Nobody')),
      postOf(urn(3), condition(urn(77), 'Nowhere')),
    ]).expect(422);
    assert.deepEqual(
      body.issue.flatMap((issue: { expression: string[] }) => issue.expression),
      ['Bundle.entry[2].resource.subject'],
    );
    const again = await send([
      postOf(urn(1), { ...patient('Future'), birthDate: '2999-01-01' }),
      postOf(urn(2), condition('Patient/pt-99999', 'Nobody')),
    ]).expect(422);
    assert.deepEqual(
      again.body.issue.flatMap((issue: { expression: string[] }) => issue.expression),
      ['Bundle.entry[0].resource.birthDate', 'Bundle.entry[1].resource.subject'],
    );
    assert.equal(await counts(), before);
  });

  it('names types that are not kept', async () => {
    const before = await counts();
    const { body } = await send([
      postOf(urn(1), patient('Fine')),
      postOf(urn(2), { resourceType: 'Encounter', status: 'finished' }),
    ]).expect(422);
    assert.match(body.issue[0].diagnostics, /keeps no Encounter/);
    assert.deepEqual(body.issue[0].expression, ['Bundle.entry[1]']);
    assert.equal(await counts(), before);
  });

  it('refuses two writes of one resource, other versions, and what is no interaction', async () => {
    const { body: made } = await send([postOf(urn(1), patient('Twice'))]).expect(200);
    const { id } = made.entry[0].resource;
    const before = await counts();
    const put = (name: string, more = {}): Entry => ({
      resource: { ...patient(name), id },
      request: { method: 'PUT', url: `Patient/${id}`, ...more },
    });
    await send([put('A'), put('B')]).expect(400);
    await send([put('A', { ifMatch: 'W/"7"' }), postOf(urn(2), patient('Never'))]).expect(412);
    await send([postOf(urn(2), patient('Never')), { request: { method: 'GET', url: 'Patient/none' } }]).expect(404);
    await send([{ request: { method: 'POST', url: 'Patient/1/2' }, resource: patient('x') }]).expect(400);
    assert.equal(await counts(), before);
  });

  it('answers as much as is preferred', async () => {
    const minimal = await send([postOf(urn(1), patient('Min'))], { Prefer: 'return=minimal' }).expect(200);
    assert.equal(minimal.body.entry[0].resource, undefined);
    assert.match(minimal.body.entry[0].response.location, /Patient\/pt-\d+\/_history\/1$/);
    const told = await send([postOf(urn(1), patient('Told'))], { Prefer: 'return=OperationOutcome' }).expect(200);
    assert.equal(told.body.entry[0].response.outcome.resourceType, 'OperationOutcome');
    const empty = await request(gateway.app)
      .post('/fhir')
      .set('Content-Type', 'application/fhir+json')
      .send('{"resourceType":"Bundle","type":"transaction"}')
      .expect(200);
    assert.deepEqual(empty.body, { resourceType: 'Bundle', type: 'transaction-response' });
  });

  it('makes one version of each resource: an appointment and its symptoms come together', async () => {
    const appointment = {
      resourceType: 'Appointment',
      status: 'booked',
      start: '2030-01-01T09:00:00Z',
      end: '2030-01-01T09:30:00Z',
      participant: [{ actor: { reference: urn(1) }, status: 'accepted' }],
    };
    const symptom = (of: string) => ({
      resourceType: 'Observation',
      status: 'final',
      code: { coding: [{ system: 'http://loinc.org', code: '75325-1' }] },
      subject: { reference: urn(1) },
      valueCodeableConcept: { text: of },
      extension: [
        { url: 'https://medimax.example/fhir/StructureDefinition/medimax-appointment', valueReference: { reference: urn(2) } },
      ],
    });
    const { body } = await send([
      postOf(urn(3), symptom('Cough')),
      postOf(urn(4), symptom('Fever')),
      postOf(urn(2), appointment),
      postOf(urn(1), patient('Sick')),
    ]).expect(200);
    const served = await read(body.entry[2].response.location);
    assert.equal(served.meta.versionId, '1');
    assert.deepEqual(served.participant[0].actor.reference, `Patient/${body.entry[3].resource.id}`);
    const cough = await read(body.entry[0].response.location);
    assert.equal(cough.extension[0].valueReference.reference, `Appointment/${served.id}`);
    const again = await send([{ resource: served, request: { method: 'PUT', url: `Appointment/${served.id}` } }]).expect(200);
    assert.equal(again.body.entry[0].response.etag, 'W/"1"');
  });

  it('makes one version of what several entries change', async () => {
    const appointment = {
      resourceType: 'Appointment',
      status: 'booked',
      start: '2030-01-01T09:00:00Z',
      end: '2030-01-01T09:30:00Z',
      participant: [{ actor: { reference: urn(1) }, status: 'accepted' }],
      reasonCode: [{ text: 'Cough' }, { text: 'Fever' }, { text: 'Rash' }],
    };
    const { body: made } = await send([postOf(urn(1), patient('Many')), postOf(urn(2), appointment)]).expect(200);
    const { id } = made.entry[1].resource;
    const { body: found } = await request(gateway.app)
      .get(`/fhir/Observation?patient=${made.entry[0].resource.id}&_sort=_id`)
      .expect(200);
    const symptoms: string[] = found.entry.map((one: { resource: { id: string } }) => one.resource.id);
    assert.equal(symptoms.length, 3);
    await send(symptoms.slice(0, 2).map((one) => ({ request: { method: 'DELETE', url: `Observation/${one}` } }))).expect(200);
    const { body: once } = await request(gateway.app).get(`/fhir/Appointment/${id}`).expect(200);
    assert.equal(once.meta.versionId, '2');
    assert.deepEqual(once.reasonCode, [{ text: 'Rash' }]);
    const { body: changed } = await send([
      { request: { method: 'DELETE', url: `Observation/${symptoms[2]}` } },
      {
        resource: { ...once, comment: 'x', reasonCode: undefined },
        request: { method: 'PUT', url: `Appointment/${id}`, ifMatch: 'W/"2"' },
      },
    ]).expect(200);
    assert.equal(changed.entry[1].response.etag, 'W/"3"');
    assert.equal(changed.entry[1].resource.meta.versionId, '3');
    const { body: history } = await request(gateway.app).get(`/fhir/Appointment/${id}/_history`).expect(200);
    assert.deepEqual(
      history.entry.map((one: { resource: { meta: { versionId: string }; reasonCode?: object[] } }) => [
        one.resource.meta.versionId,
        one.resource.reasonCode?.length ?? 0,
      ]),
      [
        ['3', 0],
        ['2', 1],
        ['1', 3],
      ],
    );
  });
});
