/** Imports of files by their URLs: Parameters in, fetched by a worker from a server that the settings allow. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import request from 'supertest';
import { createApp } from '../../src/http/app.ts';
import { isAllowed } from '../../src/import/allowed-url.ts';
import { createImportDesk } from '../../src/import/desk.ts';
import { startImportWorker } from '../../src/import/queue.ts';
import { runTurn } from '../../src/import/turn.ts';
import { type ImportGateway, startImportGateway } from './support.ts';

type Serve = (response: ServerResponse, request: IncomingMessage) => void;

const files = new Map<string, Serve>();
const asked: string[] = [];
const server = createServer((incoming, response) => {
  const path = (incoming.url ?? '').replace(/\?.*/, '');
  asked.push(path);
  const serve = files.get(path);
  if (serve) serve(response, incoming);
  else response.writeHead(404).end('not here');
});

let given: ImportGateway;
let app: ReturnType<typeof createApp>;
let origin = '';

before(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  given = await startImportGateway({
    IMPORT_CHUNK_LINES: '2',
    IMPORT_SWEEP_MS: '100',
    IMPORT_MAX_BYTES: '200000',
    IMPORT_JOBS_PER_SOURCE: '50',
    REQUEST_TIMEOUT_MS: '1500',
    IMPORT_URLS: `${origin}/out, http://127.0.0.1:1`,
  });
  const software = { name: 'MediMax FHIR Gateway', version: '0.0.0-test' };
  app = createApp({ ...given.gateway, log: given.log, software, imports: given.desk, ready: async () => [] });
});

after(async () => {
  server.closeAllConnections();
  server.close();
  await given?.close();
});

const patient = (id: string) => ({ resourceType: 'Patient', id, name: [{ text: `Ada ${id}` }], gender: 'female' });
const ndjson = (...ids: readonly string[]) => ids.map((id) => `${JSON.stringify(patient(id))}\n`).join('');
const says =
  (body: string | Buffer, headers: Readonly<Record<string, string>> = {}): Serve =>
  (response) =>
    response.writeHead(200, headers).end(body);

interface Part {
  readonly name: string;
  readonly part?: readonly Part[];
  readonly [value: string]: unknown;
}

const format: Part = { name: 'inputFormat', valueCode: 'application/fhir+ndjson' };
const inputSource: Part = { name: 'inputSource', valueUri: 'https://lab.example/fhir' };
const input = (url: string): Part => ({
  name: 'input',
  part: [
    { name: 'type', valueCode: 'Patient' },
    { name: 'url', valueUrl: url },
  ],
});

function kickOff(parameter: readonly Part[], { query = '', prefer = 'respond-async', more = {} } = {}) {
  return request(app)
    .post(`/fhir/$import${query}`)
    .set({ 'Content-Type': 'application/fhir+json', ...(prefer ? { Prefer: prefer } : {}) })
    .send({ resourceType: 'Parameters', parameter, ...more });
}

async function begun(source: string, ...paths: readonly string[]) {
  const urls = paths.map((path) => (path.startsWith('http') ? path : `${origin}/out/${path}?sig=SECRET`));
  const { status, headers, body } = await kickOff([format, inputSource, ...urls.map(input)], { query: `?source=${source}` });
  assert.equal(status, 202, JSON.stringify(body));
  const location = headers['content-location'] ?? '';
  const job = await given.desk.job(location.slice(location.lastIndexOf('/') + 1));
  const poll = () => request(app).get(`/fhir/$import/${job.name}`);
  return { job, poll };
}

test('files come by URL: plain, packed by name or by HTTP, over a redirect; nothing is fetched before the 202', async () => {
  files.set('/out/a.ndjson', says(ndjson('1', '2', '3')));
  files.set('/out/b.ndjson.gz', says(gzipSync(ndjson('4')), { 'Content-Type': 'application/gzip' }));
  files.set('/out/c.ndjson', says(gzipSync(ndjson('5', '6')), { 'Content-Encoding': 'gzip' }));
  files.set('/out/empty.ndjson', says(''));
  files.set('/out/moved', (response) => response.writeHead(302, { Location: '/out/d.ndjson' }).end());
  files.set('/out/d.ndjson', says(ndjson('7')));
  const { job, poll } = await begun('lab', 'a.ndjson', 'b.ndjson.gz', 'c.ndjson', 'empty.ndjson', 'moved');
  assert.deepEqual(asked, []);
  const waiting = await poll();
  assert.deepEqual([waiting.status, waiting.headers['x-progress']], [202, 'Fetching: 0 lines so far']);

  await given.run(job);
  const { status, body } = await poll();
  assert.equal(status, 200, JSON.stringify(body));
  assert.deepEqual(body.extension.counts, { Patient: { created: 7 } });
  assert.deepEqual(
    body.extension.files.map(({ name, lines }: { name: string; lines: number }) => [name, lines]),
    [
      [`${origin}/out/a.ndjson`, 3],
      [`${origin}/out/b.ndjson.gz`, 1],
      [`${origin}/out/c.ndjson`, 2],
      [`${origin}/out/empty.ndjson`, 0],
      [`${origin}/out/moved`, 1],
    ],
  );
  assert.equal((await request(app).get('/fhir/Patient/lab.7')).status, 200);
  assert.doesNotMatch(JSON.stringify([await given.desk.job(job.name), given.logLines]), /SECRET/);
  assert.equal((await request(app).post(`/fhir/$import/${job.name}/$undo`)).status, 202);
  await given.run(job);
  assert.equal((await poll()).body.extension.undo.undone, 7);
});

test('Bundles by URL; without a source its URI names it, the same each time', async () => {
  const bundle = { resourceType: 'Bundle', type: 'collection', entry: [{ resource: patient('1') }] };
  files.set('/out/bundle.json', says(JSON.stringify(bundle)));
  const parameter = [
    { name: 'inputFormat', valueString: 'application/fhir+json' },
    inputSource,
    input(`${origin}/out/bundle.json`),
  ];
  const sources: string[] = [];
  for (const status of ['created', 'unchanged']) {
    const { headers } = await kickOff(parameter, { query: '?dryRun=false' });
    const job = await given.desk.job((headers['content-location'] ?? '').replace(/.*\//, ''));
    await given.run(job);
    const { body } = await request(app).get(`/fhir/$import/${job.name}`);
    assert.deepEqual(body.extension.counts, { Patient: { [status]: 1 } });
    sources.push(job.source);
    assert.equal(job.options.base, 'https://lab.example/fhir');
  }
  assert.match(sources[0] ?? '', /^s-[0-9a-f]{16}$/);
  assert.equal(sources[0], sources[1]);
});

test('what cannot be begun is refused at once, in words, and makes no job', async () => {
  const url = `${origin}/out/a.ndjson`;
  const all = [format, inputSource, input(url)];
  const storage = (...part: readonly Part[]): Part => ({ name: 'storageDetail', part });
  const cases: readonly (readonly [number, RegExp, ReturnType<typeof kickOff>])[] = [
    [400, /Prefer: respond-async/, kickOff(all, { prefer: '' })],
    [400, /inputFormat is missing.*inputSource is missing.*input is missing/s, kickOff([])],
    [400, /no exportType here; known are inputFormat/, kickOff([...all, { name: 'exportType', valueCode: 'dynamic' }])],
    [400, /no md5 here; known are type, url/, kickOff([format, inputSource, { name: 'input', part: [{ name: 'md5' }] }])],
    [400, /inputFormat is given once/, kickOff([format, ...all])],
    [400, /not valueBoolean/, kickOff([{ name: 'inputFormat', valueBoolean: true }, inputSource, input(url)])],
    [400, /no element mode/, kickOff(all, { more: { mode: 'batch' } })],
    [400, /named by their URLs/, kickOff(all, { query: '?file=x' })],
    [
      422,
      /inputFormat is application\/fhir\+ndjson or/,
      kickOff([{ name: 'inputFormat', valueCode: 'text/csv' }, inputSource, input(url)]),
    ],
    [422, /inputSource is an absolute URI/, kickOff([format, { name: 'inputSource', valueUri: 'lab' }, input(url)])],
    [422, /only type of storage is https/, kickOff([...all, storage({ name: 'type', valueCode: 'aws-s3' })])],
    [400, /no credentialHttpBasic here/, kickOff([...all, storage({ name: 'credentialHttpBasic', valueString: 'a:b' })])],
    [422, /http or https URL/, kickOff([format, inputSource, input('file:///etc/passwd')])],
    [422, /without name and password/, kickOff([format, inputSource, input(url.replace('//', '//me:pw@'))])],
    [
      403,
      /\/other\/a is not fetched: IMPORT_URLS does not list/,
      kickOff([format, inputSource, input(`${origin}/other/a?sig=SECRET`)]),
    ],
    [413, /65536 bytes at most/, kickOff(Array.from({ length: 900 }, () => input(url)))],
  ];
  const before = (await given.desk.list()).length;
  const { parts } = given.desk;
  const closed = createImportDesk(
    { ...parts, config: { ...parts.config, import: { ...parts.config.import, urls: [] } } },
    async () => {},
  );
  await assert.rejects(closed.fetch({ source: 'lab', dryRun: false }, 'ndjson', [url]), /IMPORT_URLS is not set/);
  for (const [status, text, answer] of cases) {
    const { status: got, body } = await answer;
    assert.deepEqual([got, body.resourceType], [status, 'OperationOutcome'], `${text} ${JSON.stringify(body)}`);
    assert.match(body.issue.map(({ diagnostics }: { diagnostics: string }) => diagnostics).join('\n'), text);
    assert.doesNotMatch(JSON.stringify(body), /SECRET|pw/);
  }
  assert.equal((await given.desk.list()).length, before);
  const taken = await kickOff([
    ...all,
    storage({ name: 'type', valueCode: 'https' }, { name: 'contentEncoding', valueCode: 'gzip' }),
  ]);
  assert.equal(taken.status, 202);
});

test('a download that fails makes the import fail, with the address but not its query, and keeps no line', async () => {
  files.set('/out/good.ndjson', says(ndjson('g')));
  files.set('/out/cut.ndjson', (response) => {
    response.writeHead(200, { 'Content-Length': '100000' });
    response.write(ndjson('1', '2', '3'), () => response.destroy());
  });
  files.set('/out/away', (response) => response.writeHead(307, { Location: `${origin}/secret?sig=SECRET` }).end());
  files.set('/out/round', (response) => response.writeHead(302, { Location: '/out/round' }).end());
  files.set('/out/large', says(gzipSync(Buffer.alloc(300_000, 'a'))));
  files.set('/out/broken.gz', says(gzipSync(ndjson('1', '2')).subarray(0, 60)));
  files.set('/out/silent', (response) => response.writeHead(200).flushHeaders());
  const cases: readonly (readonly [string, RegExp])[] = [
    ['nothing.ndjson', /the server answered with 404/],
    ['cut.ndjson', /the connection failed/],
    ['away', /it leads to http:\/\/127\.0\.0\.1:\d+\/secret, which IMPORT_URLS does not allow/],
    ['round', /leads on more than 5 times/],
    ['large', /larger than an import may be \(IMPORT_MAX_BYTES\)/],
    ['broken.gz', /no whole gzip file/],
    ['silent', /nothing came for 1500 ms \(REQUEST_TIMEOUT_MS\)/],
    ['http://127.0.0.1:1/x?sig=SECRET', /http:\/\/127\.0\.0\.1:1\/x could not be fetched: the connection failed/],
  ];
  for (const [path, why] of cases) {
    const { job, poll } = await begun('lab-2', 'good.ndjson', path);
    await given.run(job);
    const { status, body } = await poll();
    assert.equal(status, 422);
    const [{ diagnostics }] = body.issue;
    assert.match(diagnostics, why);
    assert.ok(diagnostics.includes(path.replace(/\?.*/, '')) && !diagnostics.includes('SECRET'), diagnostics);
    assert.deepEqual(await given.desk.parts.store.chunkNumbers(job.id), []);
    assert.doesNotMatch(JSON.stringify(await given.desk.job(job.name)), /SECRET/);
  }
  assert.ok(!asked.includes('/secret'));
  const { job, poll } = await begun('lab-2', 'empty.ndjson');
  await given.run(job);
  assert.match((await poll()).body.issue[0].diagnostics, /no line in the files/);
  assert.equal((await request(app).get('/fhir/Patient/lab-2.g')).status, 404);
});

/** A file that stops after some lines until it is let go on; tells when somebody has got that far. */
function slowFile(path: string, first: string, rest: string) {
  const opened: (() => void)[] = [];
  let readers = 0;
  files.set(path, (response) => {
    readers += 1;
    response.write(first);
    opened.push(() => response.end(rest));
  });
  return {
    async reached(count: number) {
      while (readers < count) await sleep(10);
    },
    goOn: () => {
      for (const one of opened.splice(0)) one();
    },
  };
}

test('a worker that stalls or dies while it fetches: another starts the file over that was not complete; no line is there twice', async () => {
  const slow = slowFile('/out/slow.ndjson', ndjson('3', '4', '5'), ndjson('6', '7'));
  files.set('/out/first.ndjson', says(ndjson('1', '2')));
  const { job, poll } = await begun('lab-3', 'first.ndjson', 'slow.ndjson');
  const { parts } = given.desk;
  const before = asked.length;
  const stalled = runTurn(parts, job.id, 1_000_000, given.log);
  await slow.reached(1);
  assert.equal((await runTurn(parts, job.id, 1_000_000, given.log)).kind, 'busy');
  while ((await parts.store.progress(job.id)).lines < 4) await sleep(10);
  await sleep(150);
  const second = runTurn(parts, job.id, 100, given.log); // for this one the lease of the first is over
  await slow.reached(2);
  slow.goOn();
  assert.equal((await stalled).kind, 'busy');
  assert.equal((await second).kind, 'worked');
  await given.run(job);
  assert.deepEqual((await poll()).body.extension.counts, { Patient: { created: 7 } });
  assert.deepEqual(asked.slice(before), ['/out/first.ndjson', '/out/slow.ndjson', '/out/slow.ndjson']);
});

test('a process that ends lets go at once; a cancelled import is not fetched on', async () => {
  const slow = slowFile('/out/slow-2.ndjson', ndjson('1', '2', '3'), ndjson('4', '5'));
  const { job, poll } = await begun('lab-4', 'slow-2.ndjson');
  const { parts } = given.desk;
  const ending = new AbortController();
  const ended = runTurn(parts, job.id, 1_000_000, given.log, ending.signal);
  await slow.reached(1);
  ending.abort();
  assert.equal((await ended).kind, 'busy');
  const next = runTurn(parts, job.id, 200, given.log);
  await slow.reached(2);
  assert.equal((await request(app).delete(`/fhir/$import/${job.name}`)).status, 202);
  assert.equal((await next).kind, 'busy');
  assert.equal((await poll()).status, 404);
});

test('a worker with its queue fetches and loads; closing it does not wait for a file that is slow in coming', async () => {
  files.set('/out/queued.ndjson', says(ndjson('1', '2', '3')));
  const { job, poll } = await begun('lab-5', 'queued.ndjson');
  const worker = startImportWorker(given.desk.parts, given.log);
  while ((await poll()).status === 202) await sleep(20);
  assert.deepEqual((await poll()).body.extension.counts, { Patient: { created: 3 } });
  assert.equal((await given.desk.job(job.name)).state, 'done');

  const slow = slowFile('/out/slow-3.ndjson', ndjson('4', '5', '6'), ndjson('7'));
  const { job: second } = await begun('lab-5', 'slow-3.ndjson');
  await slow.reached(1);
  await worker.close();
  slow.goOn();
  assert.equal((await given.desk.job(second.name)).state, 'fetching');
  files.set('/out/slow-3.ndjson', says(ndjson('4', '5', '6', '7')));
  await given.run(second);
  assert.deepEqual((await request(app).get(`/fhir/$import/${second.name}`)).body.extension.counts, { Patient: { created: 4 } });
});

test('an allowed folder is that folder: no neighbour, no other port, no way out of it', () => {
  const allowed = ['https://lab.example/out/', 'http://files.example:8080'];
  const yes = ['https://lab.example/out/a', 'https://LAB.example:443/out/b?x=/..', 'http://files.example:8080/anything'];
  const no = [
    'https://lab.example/outside',
    'https://lab.example/out/../secret',
    'https://lab.example/out/%2e%2e/secret',
    'https://lab.example/out/..%2fsecret',
    'http://lab.example/out/a',
    'https://lab.example.evil.example/out/a',
    'https://lab.example@evil.example/out/a',
    'https://me:pw@lab.example/out/a',
    'http://files.example/a',
    'ftp://lab.example/out/a',
    'nothing',
  ];
  assert.deepEqual(
    yes.filter((url) => !isAllowed(url, allowed)),
    [],
  );
  assert.deepEqual(
    no.filter((url) => isAllowed(url, allowed)),
    [],
  );
});
