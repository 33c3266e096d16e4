/** Our definitions over HTTP: read, search, $lookup, $validate-code, $expand, $translate. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { outcome } from '../support/outcome.ts';
import { fhirJson, post } from '../support/send.ts';

interface Parameter {
  readonly name: string;
  readonly part?: readonly Parameter[];
  readonly [value: string]: unknown;
}

describe('Terminology', () => {
  let gateway: TestGateway;
  let base: string;
  const get = (path: string) => request(gateway.app).get(`/fhir/${path}`);
  const values = (parameters: readonly Parameter[]) =>
    Object.fromEntries(parameters.map(({ name, part: _part, ...value }) => [name, Object.values(value)[0]]));
  const run = async (path: string) => values((await get(path).expect(200)).body.parameter);

  before(async () => {
    gateway = await startTestGateway();
    const { body } = await get('CodeSystem/medimax-severity').expect(200);
    base = body.url.replace('/CodeSystem/medimax-severity', '');
  });
  after(() => gateway.close());

  it('reads a definition, with an ETag', async () => {
    const { body, headers } = await get('CodeSystem/medimax-severity').expect(200);
    assert.equal(headers['content-type'], fhirJson);
    assert.deepEqual(
      body.concept.map(({ code }: { code: string }) => code),
      ['mild', 'moderate', 'severe', 'critical'],
    );
    await get('CodeSystem/medimax-severity')
      .set('If-None-Match', headers['etag'] ?? '')
      .expect(304);
    await get('CodeSystem/none').expect(404);
    await get('CodeSystem/medimax-severity?_elements=url').expect(400);
  });

  it('says that definitions cannot be written', async () => {
    const { body, headers } = await post(gateway.app, 'CodeSystem', { resourceType: 'CodeSystem' }).expect(405);
    assert.equal(headers['allow'], 'GET, HEAD, OPTIONS');
    assert.match(body.issue[0].details.text, /come with the gateway/);
    await request(gateway.app).delete('/fhir/ValueSet/medimax-sex').expect(405);
  });

  it('finds by url, name and system, and refuses what it does not know', async () => {
    const ids = async (query: string) =>
      ((await get(query).expect(200)).body.entry ?? []).map(({ resource }: { resource: { id: string } }) => resource.id);
    assert.deepEqual(await ids(`ValueSet?url=${base}/ValueSet/medimax-sex`), ['medimax-sex']);
    assert.deepEqual(await ids('CodeSystem?name=medimaxsev'), ['medimax-severity']);
    assert.deepEqual(await ids('CodeSystem?name:exact=medimaxseverity'), []);
    assert.deepEqual(await ids('CodeSystem?code=critical,sudden'), ['medimax-onset', 'medimax-severity']);
    assert.deepEqual(await ids('ConceptMap?target-system=http://hl7.org/fhir/administrative-gender'), ['medimax-sex-gender']);
    const { body } = await get('ConceptMap?publisher=x&name:missing=true').expect(400);
    assert.equal(body.issue.length, 2);
    const lenient = await get('CodeSystem?publisher=x').set('Prefer', 'handling=lenient').expect(200);
    assert.equal(lenient.body.entry[0].resource.resourceType, 'OperationOutcome');
    assert.equal(lenient.body.link[0].url, `${gateway.baseUrl}/CodeSystem`);
  });

  it('pages', async () => {
    const seen: string[] = [];
    let path = 'ConceptMap?_count=10';
    for (let page = 0; path !== '' && page < 20; page += 1) {
      const { body } = await get(path).expect(200);
      seen.push(...body.entry.map(({ resource }: { resource: { id: string } }) => resource.id));
      const next = body.link.find(({ relation }: { relation: string }) => relation === 'next');
      path = next ? next.url.replace(`${gateway.baseUrl}/`, '') : '';
      if (path === '') assert.equal(seen.length, body.total);
    }
    assert.equal(new Set(seen).size, seen.length);
  });

  it('$lookup', async () => {
    const found = await run(`CodeSystem/$lookup?system=${base}/CodeSystem/medimax-severity&code=critical`);
    assert.equal(found['display'], 'Critical');
    const missing = await get(`CodeSystem/$lookup?system=${base}/CodeSystem/medimax-severity&code=fatal`).expect(404);
    assert.match(missing.body.issue[0].details.text, /has no code "fatal"/);
    const other = await get('CodeSystem/$lookup?system=http://loinc.org&code=718-7').expect(404);
    const text =
      'This server holds no CodeSystem "http://loinc.org", only its own: a search without parameters lists what there is.';
    assert.deepEqual(other.body, outcome(['error', 'not-found', text, 'system']));
    const unknown = await get('CodeSystem/$lookup?system=x&code=y&property=z').expect(400);
    assert.match(unknown.body.issue[0].details.text, /does not know the parameter property/);
  });

  it('$validate-code of a code system and of a value set, by GET and by POST', async () => {
    assert.equal((await run('CodeSystem/medimax-sex/$validate-code?code=Male'))['result'], true);
    assert.equal((await run('CodeSystem/medimax-sex/$validate-code?code=male'))['result'], false);
    const set = `ValueSet/$validate-code?url=${base}/ValueSet/medimax-test-name-loinc&system=http://loinc.org`;
    assert.equal((await run(`${set}&code=718-7`))['result'], true);
    const wrong = await run(`${set}&code=718-7&display=Sodium`);
    assert.equal(wrong['result'], false);
    assert.match(String(wrong['message']), /^The display of 718-7 is "Hemoglobin/);
    const coding = { system: `${base}/CodeSystem/medimax-sex`, code: 'Other' };
    const body = {
      resourceType: 'Parameters',
      parameter: [{ name: 'codeableConcept', valueCodeableConcept: { coding: [coding] } }],
    };
    const posted = await post(gateway.app, 'ValueSet/medimax-sex/$validate-code', body).expect(200);
    assert.equal(values(posted.body.parameter)['result'], true);
    await post(gateway.app, 'ValueSet/medimax-sex/$validate-code', { resourceType: 'Parameters' }).expect(400);
    await post(gateway.app, 'ValueSet/medimax-sex/$validate-code', { resourceType: 'Patient' }).expect(400);
  });

  it('$expand, in pages and filtered', async () => {
    const { body } = await get('ValueSet/medimax-sex/$expand').expect(200);
    assert.equal(body.expansion.total, 3);
    assert.equal(body.compose, undefined);
    const page = await get('ValueSet/medimax-unit/$expand?offset=2&count=3').expect(200);
    assert.equal(page.body.expansion.contains.length, 3);
    assert.equal(page.body.expansion.offset, 2);
    const filtered = await get('ValueSet/medimax-test-name-loinc/$expand?filter=hemoglobin a1c').expect(200);
    assert.ok(filtered.body.expansion.contains.length > 0);
    await get('ValueSet/$expand?url=http://hl7.org/fhir/ValueSet/observation-status').expect(404);
    await get('ValueSet/medimax-sex/$expand?count=x').expect(400);
  });

  it('$translate', async () => {
    const { body } = await get(`ConceptMap/$translate?system=${base}/CodeSystem/medimax-sex&code=Female`).expect(200);
    assert.deepEqual(body.parameter, [
      { name: 'result', valueBoolean: true },
      {
        name: 'match',
        part: [
          { name: 'equivalence', valueCode: 'equivalent' },
          { name: 'concept', valueCoding: { system: 'http://hl7.org/fhir/administrative-gender', code: 'female' } },
          { name: 'source', valueUri: `${base}/ConceptMap/medimax-sex-gender` },
        ],
      },
    ]);
    const none = await run(`ConceptMap/medimax-sex-gender/$translate?system=http://example.org&code=x`);
    assert.equal(none['result'], false);
    await get('ConceptMap/none/$translate?system=x&code=y').expect(404);
    await get('ConceptMap/$translate?code=y').expect(400);
  });

  it('has a definition of each operation of our own that the CapabilityStatement claims', async () => {
    const { body } = await get('metadata').expect(200);
    const [rest] = body.rest;
    const claimed: { definition: string }[] = [...rest.operation, ...rest.resource.flatMap(({ operation = [] }) => operation)];
    const own = new Set(claimed.map(({ definition }) => definition).filter((url) => url.startsWith(`${base}/`)));
    assert.ok(own.size > 0);
    for (const url of own) assert.equal((await get(url.slice(base.length + 1)).expect(200)).body.url, url);
  });

  it('is in the CapabilityStatement, and its codes can be searched by', async () => {
    const { body } = await get('metadata').expect(200);
    const listed = body.rest[0].resource.find(({ type }: { type: string }) => type === 'CodeSystem');
    assert.deepEqual(
      listed.interaction.map(({ code }: { code: string }) => code),
      ['read', 'search-type'],
    );
    assert.deepEqual(
      listed.operation.map(({ name }: { name: string }) => name),
      ['lookup', 'validate-code'],
    );
    const { body: capabilities } = await get('metadata?mode=terminology').expect(200);
    assert.ok(capabilities.codeSystem.some(({ uri }: { uri: string }) => uri === `${base}/CodeSystem/medimax-sex`));
    const found = await get(`Observation?code:in=${base}/ValueSet/medimax-test-name-loinc`).expect(200);
    assert.equal(found.body.type, 'searchset');
  });
});
