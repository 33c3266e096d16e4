/** Redis killed, absent or flushed: files are taken in all the same, and imports go on, as what is to be done is in the database. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import request from 'supertest';
import { type Assembly, assemble } from '../../src/assemble.ts';
import type { Job } from '../../src/import/job.ts';
import { type PrivateServer, startPrivateRedis } from '../support/private-servers.ts';
import { type ImportGateway, startImportGateway } from './support.ts';
import { assertAsUndisturbed, chunksDone, importInPeace, isOver, linesOf, until, waves } from './undisturbed.ts';
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts';

/** How long it is away at a time; `npm run hunt:import-servers` has it away for longer, in a longer import. */
const awayMs = Number(process.env['REDIS_AWAY_MS'] ?? 1500);
const all = waves(Math.max(600, awayMs / 5), 60);
const env = {
  IMPORT_CHUNK_LINES: '20',
  IMPORT_SWEEP_MS: '300',
  IMPORT_LEASE_MS: '2000',
  IMPORT_CONCURRENCY: '2',
  IMPORT_THREADS: '1',
};

let redis: PrivateServer;
let given: ImportGateway;
let server: Assembly;
let worker: WorkerProcess | undefined;

before(async () => {
  redis = await startPrivateRedis();
  given = await startImportGateway({ ...env, ...redis.env });
  server = await assemble(given.config, given.log);
});
after(async () => {
  await worker?.kill();
  await server?.close();
  await given?.close();
  await redis?.remove();
});

async function upload(source: string, wave: readonly string[]): Promise<Job> {
  const { status, headers } = await request(server.handler)
    .post(`/fhir/$import?source=${source}`)
    .set('Content-Type', 'application/fhir+ndjson')
    .send(linesOf(source, wave).join('\n'));
  assert.equal(status, 202);
  return given.desk.job(headers['content-location']?.split('/').at(-1) ?? '');
}

/** Uploads are taken without Redis, so nobody must take the server out of service for it. */
async function assertReady(): Promise<void> {
  const { body } = await request(server.handler).get('/readyz').expect(200);
  assert.deepEqual([body.status, body.checks[1]], ['ready', { name: 'redis', ready: false, optional: true }]);
}

test('Redis absent, there again, flushed and killed in an import: it ends as if nothing had been', async () => {
  const expected = await importInPeace(given, all);
  const rows = await given.tables();
  const [created = [], corrected = []] = all;
  await redis.kill();
  const away = sleep(awayMs);
  await assertReady();
  const started = startWorkerProcess(given.config, env);
  worker = started;
  const first = await upload('storm', created);
  const goesOn = async () => {
    const done = await chunksDone(given, first);
    await until(started, async () => (await chunksDone(given, first)) > done + 2);
    assert.ok(!(await isOver(given, first)), 'the import was over too early: it needs more lines');
  };
  await goesOn();
  await away;
  await redis.start();
  await goesOn();
  const client = new Redis(given.config.redis.url);
  await client.flushall();
  client.disconnect();
  await goesOn();
  await redis.kill();
  const second = await upload('storm', corrected);
  for (const job of [first, second]) await until(started, () => isOver(given, job));
  await assertAsUndisturbed(given, expected, 'storm', [first, second], rows);
  const told = started.logged().filter(({ event }) => event === 'import-queue');
  assert.equal(told[0]?.['text'], 'Redis does not answer. Imports go on without it.');
  assert.equal(await started.stop(), 0);
});
