/** Imports step back while MediMax writes, and threads that die do not take an import along. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { labLines } from '../../bench/import-lines.ts';
import { createPace } from '../../src/import/pace.ts';
import { runJob } from '../../src/import/turn.ts';
import { turnThreads } from '../../src/import/turn-threads.ts';
import { connectMedimax } from '../search/medimax.ts';
import { type ImportGateway, startImportGateway, summary } from './support.ts';

let given: ImportGateway;

before(async () => {
  given = await startImportGateway({ IMPORT_CHUNK_LINES: '50', IMPORT_LEASE_MS: '500' });
});
after(() => given?.close());

/** The most pieces of work that were under way at once. */
async function mostAtOnce(pace: ReturnType<typeof createPace>): Promise<number> {
  let running = 0;
  let most = 0;
  const work = async () => {
    running += 1;
    most = Math.max(most, running);
    await sleep(20);
    running -= 1;
  };
  await Promise.all(Array.from({ length: 8 }, () => pace.chunk(work)));
  return most;
}

test('one chunk at a time while MediMax writes; the gateway’s own writes are not meant', async () => {
  const { session } = given.desk.parts.store;
  const pace = createPace(session, { slowMs: 10_000, atOnce: 3 });
  assert.equal(await mostAtOnce(pace), 3);
  await session.modify("INSERT INTO Patient (name, dob, sex) VALUES ('Not MediMax', '1970-01-01', 'Male')");
  await sleep(1100);
  assert.equal(await pace.isMedimaxAtWork(), false);
  const medimax = await connectMedimax(given.gateway.pool);
  await medimax.query("INSERT INTO Patient (name, dob, sex) VALUES ('Of MediMax', '1970-01-01', 'Male')");
  await medimax.end();
  await sleep(1100);
  assert.equal(await pace.isMedimaxAtWork(), true);
  assert.equal(await mostAtOnce(pace), 1);
});

test('threads that die again and again: others go on, and every line is accounted for once', async () => {
  const lines = [...labLines(1000)];
  const stream = (async function* () {
    yield Buffer.from(lines.join('\n'));
  })();
  const { desk, config } = given;
  const job = await desk.receive({ source: 'mortal', dryRun: false }, [{ name: 'lab', kind: 'ndjson', stream }]);
  const entry = new URL('dying-thread.ts', import.meta.url);
  const threads = turnThreads(entry, config, { isMedimaxAtWork: async () => false }, () => {});
  await runJob(threads, job.id, { atOnce: 4 });
  await threads.close();
  assert.deepEqual(await summary(given, job), {
    Patient: { created: 50 },
    Observation: { created: 900 },
    DiagnosticReport: { created: 50 },
  });
  const [row] = await desk.parts.store.session.rows('SELECT MAX(epoch) FROM fhir_import_chunk WHERE job_id = ?', [job.id]);
  assert.ok(Number(row?.[0]) > 1, 'no thread died at a chunk');
});

test('turns that come at once go to different threads, and to one of them while MediMax is at work', async () => {
  const entry = new URL('telling-thread.ts', import.meta.url);
  for (const isMedimaxAtWork of [false, true]) {
    const threads = turnThreads(entry, given.config, { isMedimaxAtWork: async () => isMedimaxAtWork }, () => {});
    const turns = await Promise.all([1, 2, 3, 4].map((jobId) => threads.run(jobId)));
    await threads.close();
    const counts = Map.groupBy(turns, (turn) => (turn.kind === 'worked' ? turn.chunk : 0));
    assert.deepEqual(
      [...counts.values()].map(({ length }) => length),
      isMedimaxAtWork ? [4] : [2, 2],
    );
  }
});
