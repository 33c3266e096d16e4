/** Worker processes that are killed with SIGKILL in the midst of an import: the tables are those of an undisturbed one. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { labLines } from '../../bench/import-lines.ts';
import { contentOf, type ImportGateway, importLines, startImportGateway, summary } from './support.ts';
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts';

/** `npm run hunt:worker-kills` kills more, in a longer import. */
const kills = Number(process.env['WORKER_KILLS'] ?? 3);
const lineCount = Math.max(2000, kills * 500);
const env = { IMPORT_CHUNK_LINES: '100', IMPORT_LEASE_MS: '300', IMPORT_SWEEP_MS: '100' };

let given: ImportGateway;
let worker: WorkerProcess | undefined;

before(async () => {
  given = await startImportGateway(env);
});
after(async () => {
  await worker?.kill();
  await given?.close();
});

const linesOf = (source: string) => [...labLines(lineCount)].map((line) => line.replaceAll('LAB-', `${source}-`));

test('workers killed by SIGKILL: the tables are those of an undisturbed import', async () => {
  const { desk } = given;
  const before = await given.tables();
  const calmJob = await importLines(given, 'calm', linesOf('calm'));
  const between = await given.tables();

  const bytes = Buffer.from(linesOf('storm').join('\n'));
  const stream = (async function* () {
    yield bytes;
  })();
  const job = await desk.receive({ source: 'storm', dryRun: false }, [{ name: 'lab.ndjson', kind: 'ndjson', stream }]);
  const state = async () => (await desk.job(job.name)).state;
  const done = async () => (await desk.parts.store.progress(job.id)).chunksDone;

  let killed = 0;
  while (killed < kills) {
    const start = await done();
    worker = startWorkerProcess(given.config, env);
    while ((await done()) === start) {
      assert.ok(!worker.hasEnded(), 'the worker has ended by itself');
      await sleep(5);
    }
    await sleep((killed * 37) % 90); // at different places
    assert.equal(await state(), 'running', 'the import was over before the last kill: it needs more lines');
    await worker.kill();
    killed += 1;
  }
  worker = startWorkerProcess(given.config, env);
  while ((await state()) === 'running') {
    assert.ok(!worker.hasEnded(), 'the worker has ended by itself');
    await sleep(20);
  }
  assert.equal(await worker.stop(), 0);

  const counts = await summary(given, job);
  assert.deepEqual(counts, await summary(given, calmJob));
  const created = Object.values(counts).reduce((sum, byStatus) => sum + (byStatus['created'] ?? 0), 0);
  assert.equal(created, lineCount);
  assert.equal(await contentOf(given, 'storm'), (await contentOf(given, 'calm')).replaceAll('calm', 'storm'));
  const end = await given.tables();
  for (const [table, count] of Object.entries(between)) {
    assert.equal((end[table] ?? 0) - count, count - (before[table] ?? 0), `rows of ${table}`);
  }
});
