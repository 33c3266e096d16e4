/** MariaDB killed or stopped in the midst of an import, and started again, for a while without taking changes: the worker goes on by itself. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Job } from '../../src/import/job.ts';
import { type PrivateServer, startPrivateMariadb } from '../support/private-servers.ts';
import { type ImportGateway, startImportGateway } from './support.ts';
import { assertAsUndisturbed, chunksDone, importInPeace, isOver, receive, until, waves } from './undisturbed.ts';
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts';

/** How often it goes down; `npm run hunt:import-servers` does so more often, in a longer import. */
const outages = Number(process.env['OUTAGES'] ?? 4);
const all = waves(outages * 100, outages * 25);
const env = { IMPORT_CHUNK_LINES: '20', IMPORT_LEASE_MS: '2000', IMPORT_SWEEP_MS: '100', IMPORT_CONCURRENCY: '2' };

let mariadb: PrivateServer;
let given: ImportGateway;
let worker: WorkerProcess | undefined;

before(async () => {
  mariadb = await startPrivateMariadb();
  given = await startImportGateway({ ...env, ...mariadb.env });
});
after(async () => {
  await worker?.kill();
  await given?.close();
  await mariadb?.remove();
});

test('MariaDB killed and stopped in an import, and started again: the tables are those of an undisturbed import', async () => {
  const expected = await importInPeace(given, all);
  const rows = await given.tables();
  worker = startWorkerProcess(given.config, env);
  const jobs: Job[] = [];
  let done = 0;
  for (const [at, wave] of all.entries()) {
    const job = await receive(given, 'storm', wave);
    jobs.push(job);
    const most = Math.ceil((outages * (at + 1)) / all.length);
    for (; done < most; done += 1) await outage(worker, job, done);
    await until(worker, () => isOver(given, job));
  }
  await assertAsUndisturbed(given, expected, 'storm', jobs, rows);
  const logged = worker.logged();
  for (const hindrance of ['away', 'read-only'])
    assert.ok(logged.some(({ event, because }) => event === 'import-waits' && because === hindrance));
  assert.deepEqual(
    logged.filter(({ level }) => level === 'error'),
    [],
  );
  assert.equal(await worker.stop(), 0);
});

/** Every other time by force; each time at another place, for another while. */
async function outage(worker: WorkerProcess, job: Job, number: number): Promise<void> {
  const start = await chunksDone(given, job);
  await until(worker, async () => (await chunksDone(given, job)) > start);
  await sleep((number * 37) % 90);
  assert.ok(!(await isOver(given, job)), 'the import was over before the last outage: it needs more lines');
  await (number % 2 === 0 ? mariadb.kill() : mariadb.stop());
  await sleep((number * 130) % 500);
  if (number === outages - 1) {
    // As on the former primary after a failover.
    await mariadb.start(['--read-only']);
    await until(worker, async () => worker.logged().some(({ because }) => because === 'read-only'));
    await mariadb.stop();
  }
  await mariadb.start();
}
