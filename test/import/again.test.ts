/** A file that says one resource several times, in different chunks: sent again, in any order of the chunks, it changes nothing. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ImportGateway, importLines, startImportGateway, summary } from './support.ts';

let given: ImportGateway;

before(async () => {
  given = await startImportGateway({ IMPORT_CHUNK_LINES: '1' });
});
after(() => given?.close());

const patient = (family: string) => ({ resourceType: 'Patient', id: '1', name: [{ family }] });
const condition = (text: string) => ({ resourceType: 'Condition', id: 'c', code: { text }, subject: { reference: 'Patient/1' } });

async function said(source: string): Promise<unknown> {
  return (await given.gateway.repository.read('Condition', `${source}.c`))?.stored?.row['history_item'];
}

for (const [name, texts] of [
  ['twice', ['A', 'B']],
  ['and back', ['A', 'B', 'A']],
  ['three times', ['A', 'B', 'C']],
] as const) {
  test(`one resource ${name}: the same file again is no news, whatever comes first`, async () => {
    const source = name.replaceAll(' ', '-');
    const lines = [patient('Muster'), ...texts.map(condition)];
    await importLines(given, source, lines);
    assert.equal(await said(source), texts.at(-1));
    const before = await given.tables();
    for (let round = 0; round < 4; round += 1) {
      const job = await importLines(given, source, lines, 'ndjson', { dryRun: round === 0 });
      assert.deepEqual(await given.tables(), before);
      assert.equal(await said(source), texts.at(-1));
      const { Condition = {} } = await summary(given, job);
      assert.equal((Condition['unchanged'] ?? 0) + (Condition['overtaken'] ?? 0), texts.length, JSON.stringify(Condition));
    }
  });
}

test('what was overtaken once is news when it comes alone', async () => {
  await importLines(given, 'alone', [patient('Muster'), condition('A'), condition('B')]);
  await importLines(given, 'alone', [condition('A')]);
  assert.equal(await said('alone'), 'A');
  await importLines(given, 'alone', [condition('B'), condition('A')]);
  assert.equal(await said('alone'), 'A');
  await importLines(given, 'alone', [condition('A'), condition('B')]);
  assert.equal(await said('alone'), 'B');
});

test('two lanes: what says nothing new has the last word all the same when it is the last line', async () => {
  for (let round = 0; round < 10; round += 1) {
    const source = `lanes-${round}`;
    await importLines(given, source, [patient('Muster'), condition('A')]);
    await importLines(given, source, [condition('B'), condition('A')]);
    assert.equal(await said(source), 'A');
  }
});

test('a patient known by another id is no exception', async () => {
  const identifier = [{ system: 'http://example.org/mrn', value: '4711' }];
  await importLines(given, 'first', [{ resourceType: 'Patient', id: 'x', name: [{ family: 'Muster' }], identifier }]);
  const lines = ['A', 'B'].map((city) => ({ ...patient('Muster'), identifier, address: [{ city }] }));
  await importLines(given, 'second', lines);
  const before = await given.tables();
  await importLines(given, 'second', lines);
  await importLines(given, 'second', lines);
  assert.deepEqual(await given.tables(), before);
});
