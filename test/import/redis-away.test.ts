/** Redis killed, absent or flushed: files are taken in all the same, and imports go on, as what is to be done is in the database. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import request from 'supertest';
import { createApp } from '../../src/http/app.ts';
import { createImportDesk } from '../../src/import/desk.ts';
import type { Job } from '../../src/import/job.ts';
import { importParts } from '../../src/import/parts.ts';
import { openAnnouncements } from '../../src/import/queue.ts';
import { type PrivateServer, startPrivateRedis } from '../support/private-servers.ts';
import { type ImportGateway, startImportGateway } from './support.ts';
import { assertAsUndisturbed, chunksDone, importInPeace, isOver, linesOf, until, waves } from './undisturbed.ts';
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts';

/** How long it is away at a time; `npm run hunt:import-servers` has it away for longer, in a longer import. */
const awayMs = Number(process.env['REDIS_AWAY_MS'] ?? 1500);
const all = waves(Math.max(400, awayMs / 5), 60);
const env = { IMPORT_CHUNK_LINES: '20', IMPORT_SWEEP_MS: '300', IMPORT_LEASE_MS: '2000', IMPORT_CONCURRENCY: '2' };

let redis: PrivateServer;
let given: ImportGateway;
let app: ReturnType<typeof createApp>;
let announcements: ReturnType<typeof openAnnouncements>;
let worker: WorkerProcess | undefined;

before(async () => {
  redis = await startPrivateRedis();
  given = await startImportGateway({ ...env, ...redis.env });
  const { gateway, config, log } = given;
  announcements = openAnnouncements(config.redis.url, config.db.name, log);
  const imports = createImportDesk(importParts(gateway), announcements.announce);
  const software = { name: 'MediMax FHIR Gateway', version: '0' };
  app = createApp({ ...gateway, log, software, imports, ready: async () => [] });
});
after(async () => {
  await worker?.kill();
  await announcements?.close();
  await given?.close();
  await redis?.remove();
});

async function upload(source: string, wave: readonly string[]): Promise<Job> {
  const { status, headers } = await request(app)
    .post(`/fhir/$import?source=${source}`)
    .set('Content-Type', 'application/fhir+ndjson')
    .send(linesOf(source, wave).join('\n'));
  assert.equal(status, 202);
  return given.desk.job(headers['content-location']?.split('/').at(-1) ?? '');
}

test('Redis killed, away for a while and flushed in an import: it ends as if nothing had been', async () => {
  const expected = await importInPeace(given, all);
  const rows = await given.tables();
  const [created = [], corrected = []] = all;
  worker = startWorkerProcess(given.config, env);
  const first = await upload('storm', created);
  const goesOn = async (worker: WorkerProcess) => {
    const done = await chunksDone(given, first);
    await until(worker, async () => (await isOver(given, first)) || (await chunksDone(given, first)) > done + 2);
  };
  await goesOn(worker);
  await redis.kill();
  const away = sleep(awayMs);
  assert.ok(!(await isOver(given, first)), 'the import was over before Redis was killed: it needs more lines');
  await goesOn(worker);
  await away;
  await redis.start();
  await goesOn(worker);
  const client = new Redis(given.config.redis.url);
  await client.flushall();
  client.disconnect();
  await redis.kill();
  const second = await upload('storm', corrected);
  for (const job of [first, second]) await until(worker, () => isOver(given, job));
  await assertAsUndisturbed(given, expected, 'storm', [first, second], rows);
  assert.equal(await worker.stop(), 0);
});

test('a worker that starts without Redis works, and takes turns from it when it is there', async () => {
  await redis.kill();
  worker = startWorkerProcess(given.config, env);
  const alone = await upload('alone', all[1] ?? []);
  await until(worker, () => isOver(given, alone));
  await redis.start();
  const queued = await upload('queued', all[1] ?? []);
  await until(worker, () => isOver(given, queued));
  assert.equal(await worker.stop(), 0);
});
