/** What holds for every request: paths, methods, formats, bodies, CORS, ids, health and the log. https://hl7.org/fhir/R4/http.html */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { outcome } from '../support/outcome.ts';
import { fhirJson, post } from '../support/send.ts';

const emmy = { resourceType: 'Patient', name: [{ text: 'Emmy Noether' }], gender: 'female' };
const bodyBytesMax = 20_000;
const page = 'https://app.example';

let gateway: TestGateway;
let isReady = true;
before(async () => {
  const env = { BODY_MAX_BYTES: String(bodyBytesMax), CORS_ORIGINS: page };
  const ready = async () => [{ name: 'database', ready: isReady }];
  gateway = await startTestGateway({ env, ready });
});
after(() => gateway.close());

async function patients(): Promise<string> {
  const [rows] = await gateway.pool.query('SELECT COUNT(*) AS n FROM Patient');
  return JSON.stringify(rows);
}

describe('Paths and methods', () => {
  it('answer something useful at / and at the base', async () => {
    const root = await request(gateway.app).get('/').expect(200);
    assert.equal(root.body.fhir, gateway.baseUrl);
    assert.equal(root.body.capabilities, `${gateway.baseUrl}/metadata`);
    for (const url of ['/fhir', '/fhir/']) {
      const { body } = await request(gateway.app).get(url).expect(200);
      assert.match(body.issue[0].diagnostics, /^This is a FHIR R4 server\. .*\/metadata\. What it serves: .*Patient/);
    }
  });

  it('name the types that are served where one is not', async () => {
    for (const url of ['/fhir/Nonsense', '/fhir/Nonsense/1']) {
      const { body } = await request(gateway.app).get(url).expect(404);
      assert.match(body.issue[0].diagnostics, /^"Nonsense" is not served here; served are .*Patient/);
      assert.equal(body.issue[0].code, 'not-supported');
    }
    const { body } = await post(gateway.app, 'patient', emmy).expect(404);
    assert.match(body.issue[0].diagnostics, /Did you mean Patient\?$/);
  });

  it('are not found elsewhere', async () => {
    for (const url of ['/nowhere', '/fhir/Patient/pt-1/x/y/z/a', '/FHIR/metadata', '/livez/x']) {
      const { body } = await request(gateway.app).get(url).expect(404);
      const text = 'There is nothing at this path; FHIR is served below /fhir, see /fhir/metadata.';
      assert.deepEqual(body, outcome(['error', 'not-found', text]), url);
    }
  });

  it('take no operation for an id', async () => {
    const { body } = await request(gateway.app).get('/fhir/Patient/$nonsense').expect(404);
    const text = '"$nonsense" is not offered here; the CapabilityStatement at metadata lists what is.';
    assert.deepEqual(body, outcome(['error', 'not-supported', text]));
  });

  it('say what else could be done', async () => {
    const { headers, body } = await request(gateway.app).post('/fhir/Patient/pt-1').expect(405);
    const allow = String(headers['allow']);
    assert.ok(allow.startsWith('GET, HEAD, PUT, DELETE'), allow);
    assert.deepEqual(body, outcome(['error', 'not-supported', `POST is not supported here; supported are ${allow}.`]));
    await request(gateway.app).delete('/fhir/metadata').expect(405);
    const trace = await request(gateway.app).trace('/fhir/Patient/pt-1').expect(405);
    assert.equal(trace.headers['allow'], allow);
  });

  it('refuse what cannot be decoded', async () => {
    const path = await request(gateway.app).get('/fhir/Patient/%ff').expect(400);
    assert.deepEqual(path.body, outcome(['error', 'value', 'The path of the URL is not valid percent-encoded UTF-8.']));
    const query = await request(gateway.app).get('/fhir/Patient/a?name=%ff').expect(400);
    assert.deepEqual(query.body, outcome(['error', 'value', 'The query of the URL is not valid percent-encoded UTF-8.']));
  });
});

describe('Formats', () => {
  it('are JSON or refused, before anything is written', async () => {
    const before = await patients();
    const { body, headers } = await post(gateway.app, 'Patient', emmy).set('Accept', 'application/fhir+xml').expect(406);
    const text =
      'Accept asks for a format that this gateway does not write: it writes application/fhir+json of FHIR 4.0, not XML or RDF.';
    assert.deepEqual(body, outcome(['error', 'not-supported', text, 'http.Accept']));
    assert.equal(headers['content-type'], fhirJson);
    assert.equal(await patients(), before);
  });

  it('of bodies are JSON or refused', async () => {
    const before = await patients();
    for (const [type, why] of [
      ['application/fhir+xml', 'XML and RDF are not supported; send application/fhir+json.'],
      ['text/plain', 'This Content-Type is not supported; send one of application/fhir+json, application/json, text/json.'],
      ['application/fhir+json; charset=utf-16', 'FHIR is UTF-8 only; send charset=utf-8.'],
      ['application/fhir+json; fhirVersion=3.0', 'This gateway speaks fhirVersion=4.0 only.'],
    ] as const) {
      const sent = request(gateway.app).post('/fhir/Patient').set('Content-Type', type);
      const { body } = await sent.send(JSON.stringify(emmy)).expect(415);
      assert.deepEqual(body, outcome(['error', 'not-supported', why, 'http.Content-Type']));
    }
    assert.equal(await patients(), before);
  });
});

describe('Bodies', () => {
  const send = (body: Buffer | string, headers: Record<string, string> = {}) =>
    request(gateway.app)
      .post('/fhir/Patient')
      .set({ 'Content-Type': fhirJson, ...headers })
      .serialize((bytes) => bytes)
      .send(body);
  const padded = (bytes: number) => JSON.stringify(emmy).padEnd(bytes, ' ');
  const tooLarge = outcome([
    'error',
    'too-long',
    `The body is larger than ${bodyBytesMax} bytes (after decompression), the most that this gateway takes.`,
  ]);

  it('may be as long as the limit', async () => {
    await send(padded(bodyBytesMax)).expect(201);
  });

  it('may not be longer', async () => {
    const before = await patients();
    for (const bytes of [bodyBytesMax + 1, 2_000_000]) {
      const { body, headers } = await send(padded(bytes)).expect(413);
      assert.deepEqual(body, tooLarge);
      assert.equal(headers['connection'], 'close');
    }
    assert.equal(await patients(), before);
  });

  it('may be gzip, within the limit after decompression', async () => {
    const gzip = { 'Content-Encoding': 'gzip' };
    await send(gzipSync(JSON.stringify(emmy)), gzip).expect(201);
    const { body } = await send(gzipSync(padded(50_000_000)), { ...gzip, 'Content-Type': 'application/json' }).expect(413);
    assert.deepEqual(body, tooLarge);
    const broken = await send(gzipSync(JSON.stringify(emmy)).subarray(0, 30), gzip).expect(400);
    const text = 'The body is not valid gzip, although Content-Encoding says so.';
    assert.deepEqual(broken.body, outcome(['error', 'structure', text, 'http.Content-Encoding']));
  });

  it('may be nothing else', async () => {
    const { body } = await send(JSON.stringify(emmy), { 'Content-Encoding': 'br' }).expect(415);
    const text = 'This Content-Encoding is not supported; send gzip or none.';
    assert.deepEqual(body, outcome(['error', 'not-supported', text, 'http.Content-Encoding']));
  });

  it('must be clean JSON', async () => {
    const before = await patients();
    for (const [body, why] of [
      ['', /no JSON/],
      ['{"resourceType":"Patient"', /ends too early/],
      ['{"resourceType":"Patient","gender":"male","gender":"female"}', /written twice/],
      ['{"resourceType":"Patient","__proto__":{}}', /__proto__/],
      [`${'['.repeat(5000)}${']'.repeat(5000)}`, /deep|levels/],
      [Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), /UTF-8/],
      ['<Patient/>', /line 1, column 1/],
    ] as const) {
      const answer = await send(body).expect(400);
      assert.equal(answer.body.resourceType, 'OperationOutcome');
      assert.match(answer.body.issue[0].diagnostics, why);
    }
    assert.equal(await patients(), before);
  });
});

describe('CORS', () => {
  it('lets a configured page in', async () => {
    const { headers } = await request(gateway.app).get('/fhir/metadata').set('Origin', page).expect(200);
    assert.equal(headers['access-control-allow-origin'], page);
    assert.match(
      String(headers['access-control-expose-headers']),
      /ETag, Location, Content-Location, Last-Modified, X-Request-Id/,
    );
    assert.equal(headers['vary'], 'Origin');
  });

  it('lets it see errors, too', async () => {
    const { headers } = await request(gateway.app).get('/fhir/Patient/nobody').set('Origin', page).expect(404);
    assert.equal(headers['access-control-allow-origin'], page);
  });

  it('answers its preflight', async () => {
    const { headers } = await request(gateway.app)
      .options('/fhir/Patient/pt-1')
      .set({ Origin: page, 'Access-Control-Request-Method': 'PUT' })
      .expect(204);
    assert.match(String(headers['access-control-allow-methods']), /PUT/);
    assert.match(String(headers['access-control-allow-headers']), /If-Match/);
    assert.equal(headers['access-control-max-age'], '600');
  });

  it('lets no other in', async () => {
    const { headers } = await request(gateway.app).options('/fhir/Patient').set('Origin', 'https://evil.example').expect(204);
    assert.equal(headers['access-control-allow-origin'], undefined);
    assert.equal(headers['access-control-allow-methods'], undefined);
  });
});

describe('Every answer', () => {
  it('carries the fixed headers and a request id, and nothing about the software', async () => {
    for (const url of ['/', '/livez', '/fhir/metadata', '/fhir/Patient/nobody', '/nowhere']) {
      const { headers } = await request(gateway.app).get(url);
      assert.equal(headers['x-content-type-options'], 'nosniff', url);
      assert.equal(headers['cache-control'], 'no-store', url);
      assert.equal(headers['content-security-policy'], "default-src 'none'; frame-ancestors 'none'", url);
      assert.match(String(headers['x-request-id']), /^[0-9a-f-]{36}$/);
      assert.equal(headers['x-powered-by'], undefined);
      assert.equal(headers['strict-transport-security'], undefined);
    }
  });

  it("carries the client's own request id where it is harmless", async () => {
    const own = await request(gateway.app).get('/livez').set('X-Request-Id', 'my-1').expect(200);
    assert.equal(own.headers['x-request-id'], 'my-1');
    const other = await request(gateway.app).get('/livez').set('X-Request-Id', 'my "1"').expect(200);
    assert.notEqual(other.headers['x-request-id'], 'my "1"');
  });
});

describe('Health', () => {
  it('is alive', async () => {
    const { body, headers } = await request(gateway.app).get('/livez').expect(200);
    assert.deepEqual(body, { status: 'live' });
    assert.equal(headers['content-type'], 'application/json; charset=utf-8');
  });

  it('is ready when everything it needs is', async () => {
    const ready = await request(gateway.app).get('/readyz').expect(200);
    assert.deepEqual(ready.body, { status: 'ready', checks: [{ name: 'database', ready: true }] });
    isReady = false;
    const { body, headers } = await request(gateway.app).get('/readyz').expect(503);
    isReady = true;
    assert.deepEqual(body, { status: 'not ready', checks: [{ name: 'database', ready: false }] });
    assert.equal(headers['retry-after'], '2');
  });
});

describe('The log', () => {
  it('has one line a request, with the route and never the id or the query', async () => {
    const from = gateway.logLines.length;
    await request(gateway.app).get('/fhir/Patient/secret-4711?name=secret').set('X-Request-Id', 'r1').expect(400);
    const lines = gateway.logLines.slice(from).map((line) => JSON.parse(line));
    assert.equal(lines.length, 1);
    const { time, ms, bytes, ...line } = lines[0];
    assert.match(time, /^\d{4}-/);
    assert.ok(ms >= 0 && bytes > 0);
    assert.deepEqual(line, { level: 'info', event: 'request', id: 'r1', method: 'GET', route: '/fhir/Patient/:id', status: 400 });
    assert.ok(!gateway.logLines.slice(from).join('').includes('secret'));
  });

  it('keeps probes for debugging', async () => {
    const from = gateway.logLines.length;
    await request(gateway.app).get('/livez').expect(200);
    assert.equal(JSON.parse(gateway.logLines[from] ?? '{}').level, 'debug');
  });
});
