/** Imports over HTTP as strangers ask for them: preferences, formats, packed files, clients that go away, many at once, what a 404 is. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request as open, type Server } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { createApp } from '../../src/http/app.ts';
import { type ImportGateway, startImportGateway } from './support.ts';

let given: ImportGateway;
let server: Server;
let base: string;

before(async () => {
  given = await startImportGateway({ IMPORT_JOBS_PER_SOURCE: '2', IMPORT_MAX_BYTES: '3000000' });
  const software = { name: 'MediMax FHIR Gateway', version: '0.0.0-test' };
  server = createServer(createApp({ ...given.gateway, log: given.log, software, imports: given.desk, ready: async () => [] }));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  base = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}/fhir/$import`;
});

after(async () => {
  server?.closeAllConnections();
  server?.close();
  await given?.close();
});

const line = `${JSON.stringify({ resourceType: 'Patient', id: '1', name: [{ text: 'Ada Example' }] })}\n`;
const ndjson = { 'Content-Type': 'application/fhir+ndjson' };

function upload(source: string, body: string | Buffer = line, headers: Readonly<Record<string, string>> = ndjson) {
  return fetch(`${base}?source=${source}`, { method: 'POST', headers, body });
}

async function manifestAt(url: string): Promise<{ readonly extension: { readonly dryRun: boolean; readonly counts: object } }> {
  return JSON.parse(await (await fetch(url)).text());
}

/** Where a job is, and the job itself, done. */
async function finished(answer: Response) {
  assert.equal(answer.status, 202, await answer.clone().text());
  const name = (answer.headers.get('content-location') ?? '').split('/').at(-1) ?? '';
  await given.run(await given.desk.job(name));
  return `${base}/${name}`;
}

test('Prefer: dry-run asks for a dry run, and the answer says so; against dryRun=false it is refused', async () => {
  const answer = await upload('dry', line, { ...ndjson, Prefer: 'respond-async, dry-run' });
  assert.equal(answer.headers.get('preference-applied'), 'respond-async, dry-run');
  const { extension } = await manifestAt(await finished(answer));
  assert.deepEqual([extension.dryRun, extension.counts], [true, { Patient: { created: 1 } }]);
  assert.equal(await given.gateway.repository.read('Patient', 'dry.1'), null);
  const both = await fetch(`${base}?source=dry&dryRun=false`, {
    method: 'POST',
    headers: { ...ndjson, Prefer: 'dry-run' },
    body: line,
  });
  assert.equal(both.status, 400);
});

test('the manifest is application/json and says when it goes; reports may be asked for as NDJSON', async () => {
  const job = await finished(await upload('formats'));
  const manifest = await fetch(job, { headers: { Accept: 'application/json' } });
  assert.equal(manifest.headers.get('content-type'), 'application/json');
  assert.ok(Date.parse(manifest.headers.get('expires') ?? '') > Date.now());
  for (const accept of ['application/fhir+ndjson', 'application/ndjson, */*;q=0.1', 'application/fhir+json', '*/*']) {
    const report = await fetch(`${job}/lines`, { headers: { Accept: accept } });
    assert.equal(report.status, 200, accept);
    assert.equal(report.headers.get('content-type'), 'application/fhir+ndjson');
    assert.equal((await report.text()).trim().split('\n').length, 1);
  }
  assert.equal((await fetch(`${job}/lines`, { headers: { Accept: 'text/turtle' } })).status, 406);
  assert.equal((await fetch(`${job}/nothing`, { headers: { Accept: 'application/fhir+ndjson' } })).status, 404);
});

test('a file that is gzip is taken without Content-Encoding too; a part of one is refused; a bomb is too large', async () => {
  const packed = await manifestAt(await finished(await upload('packed', gzipSync(line))));
  assert.deepEqual(packed.extension.counts, { Patient: { created: 1 } });
  const part = await upload('packed', gzipSync(line).subarray(0, 30));
  assert.equal(part.status, 400);
  const bomb = await upload('packed', gzipSync(Buffer.alloc(5_000_000, 0x20)));
  assert.equal(bomb.status, 413);
});

test('a client that goes away in the middle of a packed upload leaves no import under way', async () => {
  const packed = gzipSync(line.repeat(100));
  const headers = { ...ndjson, 'Content-Encoding': 'gzip', 'Content-Length': packed.length };
  for (let count = 0; count < 3; count += 1) {
    const sending = open(`${base}?source=gone`, { method: 'POST', headers });
    sending.on('error', () => undefined);
    sending.write(packed.subarray(0, 40));
    while ((await given.desk.parts.store.openJobs('gone')) === 0) await sleep(10);
    sending.destroy();
    for (let wait = 0; wait < 200 && (await given.desk.parts.store.openJobs('gone')) > 0; wait += 1) await sleep(10);
    assert.equal(await given.desk.parts.store.openJobs('gone'), 0);
  }
});

test('of many uploads at the same moment no more are let in than may be', async () => {
  const answers = await Promise.all(Array.from({ length: 8 }, () => upload('crowd')));
  assert.deepEqual(answers.map(({ status }) => status).sort(), [202, 202, 429, 429, 429, 429, 429, 429]);
  assert.ok(answers.every(({ status, headers }) => status === 202 || headers.has('retry-after')));
});

test('a cancelled import is a 404, to a second DELETE too; one that is being undone is not thrown away', async () => {
  const cancelled = (await upload('away')).headers.get('content-location')?.split('/').at(-1);
  const statuses: number[] = [];
  for (const method of ['DELETE', 'DELETE', 'GET']) statuses.push((await fetch(`${base}/${cancelled}`, { method })).status);
  assert.deepEqual(statuses, [202, 404, 404]);
  const job = await finished(await upload('undone'));
  assert.equal((await fetch(`${job}/$undo`, { method: 'POST' })).status, 202);
  assert.equal((await fetch(job, { method: 'DELETE' })).status, 409);
});

test('a retry that was cut short can be asked for again', async () => {
  const broken = JSON.stringify({ resourceType: 'Patient', id: '2', name: [{ text: 'Bob' }], gender: 'man' });
  const job = await finished(await upload('again', `${line}${broken}\n`));
  const row = await given.desk.job(job.split('/').at(-1) ?? '');
  await given.desk.parts.store.retryFailed(row);
  await given.desk.parts.store.session.modify("UPDATE fhir_import_job SET state = 'done' WHERE job_id = ?", [row.id]);
  assert.equal(await given.desk.retry(await given.desk.job(row.name)), 1);
  await given.run(row);
  const { extension } = await manifestAt(job);
  assert.deepEqual(extension.counts, { Patient: { created: 1, failed: 1 } });
});
