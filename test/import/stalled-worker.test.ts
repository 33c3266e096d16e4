/** Workers that stand still for longer than their lease, and go on when others have done their work: everything is there once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Overtaken } from '../../src/import/chunk-lease.ts';
import type { Job } from '../../src/import/job.ts';
import { createJobStore } from '../../src/import/job-store.ts';
import type { ImportParts } from '../../src/import/parts.ts';
import { workChunk } from '../../src/import/work-chunk.ts';
import { contentOf, type ImportGateway, importLines, startImportGateway, summary } from './support.ts';
import { assertAsUndisturbed, importInPeace, isOver, linesOf, receive, until, waves } from './undisturbed.ts';
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts';

/** How often a worker stands still; `npm run hunt:import-servers` has it do so more often. */
const stops = Number(process.env['STOPS'] ?? 4);
const all = waves(160, 160);
const env = {
  IMPORT_CHUNK_LINES: '20',
  IMPORT_LEASE_MS: '250',
  IMPORT_SWEEP_MS: '100',
  IMPORT_CONCURRENCY: '2',
  IMPORT_THREADS: '1',
};

let given: ImportGateway;
const workers: WorkerProcess[] = [];

before(async () => {
  given = await startImportGateway(env);
});
after(async () => {
  for (const worker of workers) await worker.kill();
  await given?.close();
});

test('worker processes stopped for longer than their lease, then continued: the tables are those of an undisturbed import', async () => {
  const expected = await importInPeace(given, all);
  workers.push(startWorkerProcess(given.config, env), startWorkerProcess(given.config, env));
  let lost = 0;
  for (let stopped = 0; stopped < stops; ) {
    const rows = await given.tables();
    const source = `storm-${stopped}`;
    const jobs: Job[] = [];
    for (const wave of all) {
      const job = await receive(given, source, wave);
      jobs.push(job);
      lost += await standStill(job, stopped);
      stopped += 1;
    }
    await assertAsUndisturbed(given, expected, source, jobs, rows);
  }
  assert.ok(lost > 0, 'no chunk was taken from a worker that stood still');
  for (const worker of workers) assert.equal(await worker.stop(), 0);
});

const one = async (text: string) => (await given.desk.parts.store.session.rows(text))[0] ?? [];

/** One worker after the other, each time at another place. Returns how many chunks were taken a second time. */
async function standStill(job: Job, number: number): Promise<number> {
  const worker = workers[number % workers.length];
  assert.ok(worker);
  const taken = `SELECT COUNT(*) FROM fhir_import_chunk WHERE job_id = ${job.id} AND epoch > 0`;
  await until(worker, async () => Number((await one(taken))[0]) > number % 3);
  await sleep((number * 29) % 70);
  worker.signal('SIGSTOP');
  // Where it stands in a transaction, nobody can take the chunk before it goes on.
  const deadline = Date.now() + 1200;
  while (Date.now() < deadline && !(await isOver(given, job))) await sleep(20);
  worker.signal('SIGCONT');
  for (const each of workers) await until(each, () => isOver(given, job));
  return Number((await one(`SELECT SUM(epoch - 1) FROM fhir_import_chunk WHERE job_id = ${job.id}`))[0]);
}

test('a worker that stands still before an update does not undo what a later import has said meanwhile', async () => {
  const { parts } = given.desk;
  const [created = [], corrected = []] = all;
  const few = (wave: readonly string[]) => linesOf('late', wave.slice(0, 20));
  await importLines(given, 'late', few(created));
  const job = await receive(given, 'late', corrected.slice(0, 20));
  const chunk = await parts.store.take(job, 1);
  assert.ok(chunk);
  const reached = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  const repository: ImportParts['repository'] = {
    ...parts.repository,
    async update(...given) {
      reached.resolve();
      await goOn.promise;
      return parts.repository.update(...given);
    },
  };
  const late = workChunk({ ...parts, repository }, job, chunk, { setWise: true, alive: async () => {} });
  late.catch(() => {});
  await reached.promise;
  await given.run(job);
  await importLines(given, 'late', few(created));
  const before = await contentOf(given, 'late');
  goOn.resolve();
  await assert.rejects(late, Overtaken);
  assert.equal(await contentOf(given, 'late'), before);
});

test('a worker that stands still between taking a chunk and reading it has lost it', async () => {
  const { parts } = given.desk;
  const { pool } = given.gateway;
  const job = await receive(given, 'between', all[0]?.slice(0, 20) ?? []);
  // The second worker takes it at the moment when the first has committed.
  let second: Awaited<ReturnType<typeof parts.store.take>> = null;
  const stalling = new Proxy(pool, {
    get(target, name) {
      if (name !== 'execute') return Reflect.get(target, name).bind(target);
      return async (...asked: Parameters<typeof pool.execute>) => {
        await sleep(10);
        second ??= await parts.store.take(job, 30_000);
        return target.execute(...asked);
      };
    },
  });
  const first = await createJobStore(stalling, parts.parts.journal, 30_000).take(job, 1);
  assert.equal(first, null);
  assert.ok(second);
});

test('a worker that stands still for good in a transaction loses it, and others do its work', { timeout: 120_000 }, async () => {
  // MariaDB takes a transaction from a process that is silent for twice as long.
  const impatient = await startImportGateway({ ...env, DB_READ_TIMEOUT_MS: '1500' });
  try {
    const job = await receive(impatient, 'frozen', all[0]?.slice(0, 20) ?? []);
    assert.ok(await impatient.desk.parts.store.take(job, 1));
    const connection = await impatient.gateway.pool.getConnection();
    await connection.query('START TRANSACTION');
    await connection.query(`SELECT epoch FROM fhir_import_chunk WHERE job_id = ${job.id} FOR UPDATE`);
    await impatient.run(job);
    assert.deepEqual(await summary(impatient, job), {
      Patient: { created: 1 },
      Observation: { created: 18 },
      DiagnosticReport: { created: 1 },
    });
    await assert.rejects(connection.query('COMMIT'));
    connection.destroy();
  } finally {
    await impatient.close();
  }
});
