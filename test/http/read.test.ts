/** Read, over HTTP. https://hl7.org/fhir/R4/http.html#read */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { outcome } from '../support/outcome.ts';
import { fhirJson, post, put } from '../support/send.ts';

const ada = {
  resourceType: 'Patient',
  text: { status: 'additional', div: '<div xmlns="http://www.w3.org/1999/xhtml">Ada</div>' },
  name: [{ family: 'Lovelace', given: ['Ada'] }],
  gender: 'female',
  birthDate: '1915-12-10',
  photo: [{ contentType: 'image/png', size: 12 }],
};

const subsetted = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue',
  code: 'SUBSETTED',
  display: 'subsetted',
};

describe('Read', () => {
  let gateway: TestGateway;
  let path: string;
  let lastModified: string;
  const get = (url = path) => request(gateway.app).get(url);

  before(async () => {
    gateway = await startTestGateway();
    const created = await post(gateway.app, 'Patient', ada).expect(201);
    path = `/fhir/Patient/${created.body.id}`;
    lastModified = String(created.headers['last-modified']);
  });
  after(() => gateway.close());

  it('gives the resource with its version', async () => {
    const { headers, body } = await get().expect(200);
    assert.equal(headers['content-type'], fhirJson);
    assert.equal(headers['etag'], 'W/"1"');
    assert.equal(headers['last-modified'], new Date(body.meta.lastUpdated).toUTCString());
    assert.equal(body.meta.versionId, '1');
    const { id: _id, meta: _meta, identifier: _identifier, ...content } = body;
    assert.deepEqual(content, ada);
  });

  it('answers HEAD with the headers of GET alone', async () => {
    const full = await get().expect(200);
    const head = await request(gateway.app).head(path).expect(200);
    assert.equal(head.text, undefined);
    for (const name of ['etag', 'last-modified', 'content-type', 'content-length']) {
      assert.equal(head.headers[name], full.headers[name], name);
    }
  });

  for (const tags of ['W/"1"', '"1"', '*', 'W/"7", W/"1"']) {
    it(`says 304 to If-None-Match: ${tags}`, async () => {
      const { headers, text } = await get().set('If-None-Match', tags).expect(304);
      assert.equal(headers['etag'], 'W/"1"');
      assert.equal(text, '');
    });
  }

  it('sends the resource to any other If-None-Match', async () => {
    await get().set('If-None-Match', 'W/"2"').expect(200);
  });

  it('refuses an If-None-Match that is no entity tag', async () => {
    const { body } = await get().set('If-None-Match', '1').expect(400);
    const text = 'If-None-Match is not an entity tag; send the ETag of the version you have read, such as W/"3".';
    assert.deepEqual(body, outcome(['error', 'value', text, 'http.If-None-Match']));
  });

  it('says 304 to If-Modified-Since of its own second, and 200 to the second before', async () => {
    await get().set('If-Modified-Since', lastModified).expect(304);
    const before = new Date(Date.parse(lastModified) - 1000).toUTCString();
    await get().set('If-Modified-Since', before).expect(200);
    await get().set('If-Modified-Since', 'yesterday').expect(200);
  });

  it('lets If-None-Match win over If-Modified-Since', async () => {
    await get().set('If-Modified-Since', lastModified).set('If-None-Match', 'W/"2"').expect(200);
  });

  it('gives the summary', async () => {
    const { body } = await get(`${path}?_summary=true`).expect(200);
    assert.deepEqual(body.meta.tag, [subsetted]);
    assert.equal(body.photo, undefined);
    assert.equal(body.text, undefined);
    assert.equal(body.gender, 'female');
  });

  it('gives narrative, data and chosen elements', async () => {
    const text = await get(`${path}?_summary=text`).expect(200);
    assert.deepEqual(text.body.text, ada.text);
    assert.equal(text.body.gender, undefined);
    const data = await get(`${path}?_summary=data`).expect(200);
    assert.equal(data.body.text, undefined);
    assert.deepEqual(data.body.photo, ada.photo);
    const elements = await get(`${path}?_elements=gender,name`).expect(200);
    assert.deepEqual(Object.keys(elements.body).sort(), ['gender', 'id', 'meta', 'name', 'resourceType']);
    const whole = await get(`${path}?_summary=false`).expect(200);
    assert.equal(whole.body.meta.tag, undefined);
  });

  it('refuses everything in the query that it does not know, at once', async () => {
    const { body } = await get(`${path}?_include=x&name=y&_pretty=true&_pretty=true`).expect(400);
    const known = 'it knows _format, _pretty, _elements, _summary.';
    assert.deepEqual(
      body,
      outcome(
        ['error', 'not-supported', `A read does not know the parameter _include; ${known}`, '_include'],
        ['error', 'not-supported', `A read does not know the parameter name; ${known}`, 'name'],
        ['error', 'value', 'The parameter _pretty is given more than once.', '_pretty'],
      ),
    );
  });

  it('refuses bad values of those that it knows', async () => {
    const { body } = await get(`${path}?_summary=count&_elements=name,nonsense`).expect(400);
    assert.deepEqual(
      body,
      outcome(
        ['error', 'value', '_summary counts, which only a search can do.', '_summary'],
        ['error', 'value', '_elements names "nonsense", which is no element of Patient.', '_elements'],
        ['error', 'value', '_summary and _elements cannot be combined.', '_summary'],
      ),
    );
  });

  it('knows no such id', async () => {
    for (const id of ['pt-4711', 'no.such', 'x'.repeat(65), 'a_b']) {
      const { body } = await get(`/fhir/Patient/${id}`).expect(404);
      assert.deepEqual(body, outcome(['error', 'not-found', `There is no Patient with the id ${id}.`]));
    }
  });

  it('says 410 of what was deleted', async () => {
    await put(gateway.app, 'Patient', 'gone', { ...ada, id: 'gone' }).expect(201);
    await request(gateway.app).delete('/fhir/Patient/gone').expect(204);
    const { body, headers } = await get('/fhir/Patient/gone').expect(410);
    assert.equal(headers['etag'], 'W/"2"');
    const text: string = body.issue[0].diagnostics;
    assert.match(text, /^Patient\/gone was deleted at \d{4}-\d\d-\d\dT[\d:.]+Z\.$/);
    assert.deepEqual(body, outcome(['error', 'deleted', text]));
  });
});
