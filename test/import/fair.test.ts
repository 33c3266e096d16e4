/** Imports take turns: a short one does not wait for the end of a long one. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { labLines } from '../../bench/import-lines.ts';
import type { Job } from '../../src/import/job.ts';
import { type ImportWorker, startImportWorker } from '../../src/import/queue.ts';
import { type ImportGateway, startImportGateway } from './support.ts';

let given: ImportGateway;
let worker: ImportWorker | undefined;

before(async () => {
  given = await startImportGateway({ IMPORT_CHUNK_LINES: '20', IMPORT_CONCURRENCY: '2', IMPORT_SWEEP_MS: '200' });
});
after(async () => {
  await worker?.close();
  await given?.close();
});

function receive(source: string, lines: number): Promise<Job> {
  const stream = (async function* () {
    yield Buffer.from([...labLines(lines)].map((line) => line.replaceAll('LAB-', `${source}-`)).join('\n'));
  })();
  return given.desk.receive({ source, dryRun: false }, [{ name: 'lab', kind: 'ndjson', stream }]);
}

test('a short import that comes after a long one is over long before it', async () => {
  const { desk, log } = given;
  const long = await receive('long', 1600);
  worker = startImportWorker(desk.parts, log);
  const progress = (job: Job) => desk.parts.store.progress(job.id);
  while ((await progress(long)).chunksDone < 4) await sleep(5);
  const short = await receive('short', 80);
  while ((await desk.job(short.name)).state !== 'done') await sleep(5);
  const { chunks, chunksDone } = await progress(long);
  assert.ok(chunksDone < chunks / 2, `${chunksDone} of ${chunks} chunks of the long one were done first`);
});
