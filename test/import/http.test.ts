/** Imports over HTTP: upload, state, reports, list, cancel, limits; done by a worker with Redis, and without. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { Redis } from 'ioredis';
import request from 'supertest';
import { createApp } from '../../src/http/app.ts';
import { createImportDesk } from '../../src/import/desk.ts';
import { importParts } from '../../src/import/parts.ts';
import { type ImportWorker, openAnnouncements, startImportWorker } from '../../src/import/queue.ts';
import { type ImportGateway, startImportGateway } from './support.ts';

let given: ImportGateway;
let app: ReturnType<typeof createApp>;
let announcements: ReturnType<typeof openAnnouncements>;
let worker: ImportWorker | undefined;

before(async () => {
  given = await startImportGateway({ IMPORT_CHUNK_LINES: '2', IMPORT_JOBS_PER_SOURCE: '2', IMPORT_SWEEP_MS: '200' });
  const { gateway, config, log } = given;
  announcements = openAnnouncements(config.redis.url, config.db.name, log);
  const imports = createImportDesk(importParts(gateway), announcements.announce);
  const software = { name: 'MediMax FHIR Gateway', version: '0.0.0-test' };
  app = createApp({ ...gateway, log, software, imports, ready: async () => [] });
});

after(async () => {
  await worker?.close();
  await announcements?.close();
  await given?.close();
});

const patient = { resourceType: 'Patient', id: '1', name: [{ text: 'Ada Example' }], gender: 'female' };
const broken = { resourceType: 'Patient', id: '2', name: [{ text: 'Bob' }], gender: 'man' };
const condition = { resourceType: 'Condition', id: 'c', code: { text: 'Asthma' }, subject: { reference: 'Patient/1' } };
const ndjson = (...lines: readonly object[]) => lines.map((line) => `${JSON.stringify(line)}\n`).join('');

function upload(source: string, body: string | Buffer, type = 'application/fhir+ndjson', query = '') {
  return request(app).post(`/fhir/$import?source=${source}${query}`).set('Content-Type', type).send(body);
}

const pathOf = (url: string) => url.slice(url.indexOf('/fhir'));

async function ended(url: string) {
  for (;;) {
    const answer = await request(app).get(pathOf(url));
    if (answer.status !== 202) return answer;
    assert.match(answer.headers['x-progress'] ?? '', /lines/);
    assert.ok(answer.headers['retry-after']);
    await sleep(30);
  }
}

test('an upload waits for a worker, then its manifest and reports say what became of each line', async () => {
  const kickedOff = await upload('lab', ndjson(condition, patient, broken));
  assert.equal(kickedOff.status, 202);
  const url = kickedOff.headers['content-location'] ?? '';
  const waiting = await request(app).get(pathOf(url));
  assert.equal(waiting.status, 202);
  assert.equal(waiting.headers['x-progress'], '0 of 3 lines, 0 not taken');

  worker = startImportWorker(importParts(given.gateway), given.log);
  const { status, body } = await ended(url);
  assert.equal(status, 200);
  assert.deepEqual(body.extension.counts, { Condition: { created: 1 }, Patient: { created: 1, failed: 1 } });
  assert.deepEqual(
    body.output.map(({ type, count }: { type: string; count: number }) => [type, count]),
    [
      ['Condition', 1],
      ['Patient', 2],
    ],
  );

  const outcome = await request(app).get(pathOf(body.outcome[0].url));
  assert.equal(outcome.headers['content-type'], 'application/fhir+ndjson');
  const lines = outcome.text ?? outcome.body.toString();
  const said = JSON.parse(String(lines).trim());
  assert.deepEqual(said.issue[0].expression, ['Patient.gender']);
  const every = await request(app).get(pathOf(body.extension.everyLine)).buffer(true).parse(asText);
  assert.equal(every.body.trim().split('\n').length, 3);
  const failed = await request(app).get(pathOf(body.extension.failedLines)).buffer(true).parse(asText);
  assert.deepEqual(JSON.parse(failed.body), broken);
  assert.equal((await request(app).get('/fhir/Condition/lab.c')).status, 200);
});

function asText(response: request.Response, done: (failure: Error | null, text: string) => void): void {
  const parts: Buffer[] = [];
  response.on('data', (part) => parts.push(Buffer.from(part)));
  response.on('end', () => done(null, Buffer.concat(parts).toString()));
}

test('gzip and Bundles are taken too; the same again is unchanged', async () => {
  const packed = await request(app)
    .post('/fhir/$import?source=lab')
    .set({ 'Content-Type': 'application/fhir+ndjson', 'Content-Encoding': 'gzip' })
    .send(gzipSync(ndjson(patient, condition)));
  assert.equal(packed.status, 202);
  const manifest = await ended(packed.headers['content-location'] ?? '');
  assert.deepEqual(manifest.body.extension.counts, { Patient: { unchanged: 1 }, Condition: { unchanged: 1 } });

  const bundle = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: patient }, { resource: condition }] };
  const bundled = await upload('lab-2', JSON.stringify(bundle), 'application/fhir+json');
  const second = await ended(bundled.headers['content-location'] ?? '');
  assert.deepEqual(second.body.extension.counts, { Patient: { created: 1 }, Condition: { created: 1 } });
});

test('what cannot be taken is refused at once, and leaves no job', async () => {
  const jobs = async () => (await request(app).get('/fhir/$import')).body.parameter.length;
  const before = await jobs();
  const cases: readonly (readonly [number, ReturnType<typeof upload>])[] = [
    [400, request(app).post('/fhir/$import').set('Content-Type', 'application/fhir+ndjson').send('{}')],
    [400, upload('Lab 1', ndjson(patient))],
    [400, upload('lab', '')],
    [400, upload('lab', ndjson(patient), 'application/fhir+ndjson', '&merge=perhaps')],
    [400, upload('lab', '{"resourceType":"Bundle","type":"collection","entry":[', 'application/fhir+json')],
    [415, upload('lab', '<Bundle/>', 'application/fhir+xml')],
    [400, upload('lab', '{"resourceType":"Parameters"}', 'application/fhir+json')],
    [404, request(app).get('/fhir/$import/nothing')],
  ];
  for (const [status, answer] of cases) {
    const { status: got, body } = await answer;
    assert.equal(got, status, JSON.stringify(body));
    assert.equal(body.resourceType, 'OperationOutcome');
  }
  assert.equal(await jobs(), before);
});

test('Redis flushed while there is work: the sweep finds it in the database', async () => {
  await worker?.close();
  const { headers } = await upload('lab-3', ndjson({ ...patient, id: '9' }));
  const redis = new Redis(given.config.redis.url);
  await redis.flushdb();
  redis.disconnect();
  worker = startImportWorker(importParts(given.gateway), given.log);
  assert.deepEqual((await ended(headers['content-location'] ?? '')).body.extension.counts, { Patient: { created: 1 } });
});

test('too many imports of one source are a 429; a cancelled one is gone', async () => {
  await worker?.close();
  worker = undefined;
  const first = await upload('lab-4', ndjson(patient));
  await upload('lab-4', ndjson(patient));
  const third = await upload('lab-4', ndjson(patient));
  assert.equal(third.status, 429);
  assert.ok(third.headers['retry-after']);
  const path = pathOf(first.headers['content-location'] ?? '');
  assert.equal((await request(app).delete(path)).status, 202);
  assert.equal((await request(app).get(path)).status, 404);
  assert.equal((await upload('lab-4', ndjson(patient))).status, 202);
});

test('the CapabilityStatement lists it, and nothing of a patient is in the log', async () => {
  const { body } = await request(app).get('/fhir/metadata');
  const operations = body.rest[0].operation.map(({ name }: { name: string }) => name);
  assert.ok(operations.includes('import'));
  assert.ok(!given.logLines.some((line) => /Ada|Example|lab\./.test(line)));
});
