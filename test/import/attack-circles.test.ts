/** Patients who refer to one another, or to somebody who never comes, hold up nobody who stands on them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type ImportGateway, importLines, startImportGateway, summary } from './support.ts';

let given: ImportGateway;

before(async () => {
  given = await startImportGateway({ IMPORT_CHUNK_LINES: '2' });
});
after(() => given?.close());

const patient = (id: string, other: string) => ({
  resourceType: 'Patient',
  id,
  name: [{ text: 'Ada Example' }],
  link: [{ other: { reference: `Patient/${other}` }, type: 'seealso' }],
});
const condition = (id: string, subject: string) => ({
  resourceType: 'Condition',
  id,
  code: { text: 'Asthma' },
  subject: { reference: `Patient/${subject}` },
});
const linkOf = async (id: string) => {
  const record = await given.gateway.repository.read('Patient', id);
  return record?.stored ? given.gateway.repository.render(record)['link'] : undefined;
};

test('two patients who are linked to each other', async () => {
  const lines = [condition('a', '1'), condition('b', '2'), patient('1', '2'), condition('c', '1'), patient('2', '1')];
  const job = await importLines(given, 'circle', [...lines, condition('d', '2')]);
  assert.deepEqual(await summary(given, job), { Patient: { created: 2 }, Condition: { created: 4 } });
  assert.deepEqual(await given.report(job, 'outcome'), []);
  assert.deepEqual(await linkOf('circle.1'), [{ other: { reference: 'Patient/circle.2' }, type: 'seealso' }]);
  assert.deepEqual(await linkOf('circle.2'), [{ other: { reference: 'Patient/circle.1' }, type: 'seealso' }]);
});

test('a reference that a line could do without is still waited for behind such patients', async () => {
  const evidence = [{ detail: [{ reference: 'urn:uuid:late' }] }];
  const lines = [patient('1', '2'), patient('2', '1'), { ...condition('early', '1'), evidence }, condition('a', '2')];
  const job = await importLines(given, 'behind', [...lines, condition('b', '1'), condition('late', '1')]);
  assert.deepEqual(await given.report(job, 'outcome'), []);
  const record = await given.gateway.repository.read('Condition', 'behind.early');
  assert.ok(record?.stored);
  assert.deepEqual(given.gateway.repository.render(record)['evidence'], [{ detail: [{ reference: 'Condition/behind.late' }] }]);
});

test('a patient who is linked to nobody that comes: told, and the chart is taken', async () => {
  const lines = [condition('a', '1'), condition('b', '1'), patient('1', '404'), condition('c', '404')];
  const job = await importLines(given, 'alone', [...lines, condition('d', '1')]);
  assert.deepEqual(await summary(given, job), { Patient: { created: 1 }, Condition: { created: 3, failed: 1 } });
  const told = (await given.report(job, 'outcome')).map(({ line, severity, code }) => [line, severity, code]);
  assert.deepEqual(told, [
    [3, 'warning', 'not-found'],
    [4, 'error', 'not-found'],
  ]);
});
