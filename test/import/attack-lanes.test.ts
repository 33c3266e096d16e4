/** Lines about one resource in chunks that are in work at the same time: the last line counts, whoever writes first. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { workChunk } from '../../src/import/work-chunk.ts';
import { type ImportGateway, importLines, startImportGateway, summary } from './support.ts';

let given: ImportGateway;

before(async () => {
  given = await startImportGateway({ IMPORT_CHUNK_LINES: '1' });
});
after(() => given?.close());

const patient = { resourceType: 'Patient', id: '1', name: [{ text: 'Ada Example' }] };
const condition = (text: string) => ({ resourceType: 'Condition', id: 'c', code: { text }, subject: { reference: 'Patient/1' } });

test('the first line, written after the second, does not take its place', async () => {
  const { desk } = given;
  const { store } = desk.parts;
  await importLines(given, 'lanes', [patient, condition('Asthma')]);
  const stream = (async function* () {
    yield Buffer.from([condition('First'), condition('Second')].map((line) => JSON.stringify(line)).join('\n'));
  })();
  const job = await desk.receive({ source: 'lanes', dryRun: false }, [{ name: 'x', kind: 'ndjson', stream }]);
  const first = await store.take(job, 30_000);
  const second = await store.take(job, 30_000);
  assert.ok(first && second);
  // The first is prepared, and then waits until the second is in.
  const behind = async () => workChunk(desk.parts, job, second, { setWise: true, alive: async () => {} });
  await workChunk(desk.parts, job, first, { setWise: true, alive: behind });
  await given.run(job);
  assert.deepEqual(await summary(given, job), { Condition: { updated: 1, overtaken: 1 } });
  const record = await given.gateway.repository.read('Condition', 'lanes.c');
  assert.deepEqual([record?.version, record?.stored?.row['history_item']], [2, 'Second']);
});
