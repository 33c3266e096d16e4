/** A dry run tells what the import will tell: lines about one resource in several chunks, merges within the file, rows. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Job } from '../../src/import/job.ts';
import { manifestOf } from '../../src/import/report.ts';
import { type ImportGateway, startImportGateway, summary } from './support.ts';

let given: ImportGateway;

before(async () => {
  given = await startImportGateway({ IMPORT_CHUNK_LINES: '2' });
});
after(() => given?.close());

const patient = (id: string, more: object = {}) => ({ resourceType: 'Patient', id, name: [{ text: 'Ada Example' }], ...more });
const condition = (id: string, subject: string, text = 'Asthma') => ({
  resourceType: 'Condition',
  id,
  code: { text },
  subject: { reference: subject },
});

/** One chunk after the other, so that both come to the same. */
async function run(source: string, lines: readonly object[], dryRun: boolean): Promise<Job> {
  const stream = (async function* () {
    yield Buffer.from(lines.map((line) => JSON.stringify(line)).join('\n'));
  })();
  const job = await given.desk.receive({ source, dryRun }, [{ name: 'x', kind: 'ndjson', stream }]);
  await given.run(job, 1);
  return given.desk.job(job.name);
}

const statuses = async (job: Job) => (await given.report(job, 'lines')).map(({ line, status }) => `${line} ${status}`);

test('line by line the same as the real run, which it does not disturb', async () => {
  const identifier = [{ system: 'http://example.org/mrn', value: 'dry' }];
  const lines = [
    condition('early', 'Patient?identifier=http://example.org/mrn|dry'),
    patient('1', { identifier }),
    condition('c', 'Patient/1'),
    patient('2', { identifier, maritalStatus: { text: 'married' } }),
    condition('c', 'Patient/2', 'Gout'),
    patient('1', { identifier, gender: 'male' }),
    condition('d', 'Patient/2'),
    patient('1', { identifier, gender: 'male' }),
    condition('e', 'Patient/none'),
  ];
  const before = await given.tables();
  const dry = await run('dry', lines, true);
  assert.deepEqual(await given.tables(), before);
  const real = await run('dry', lines, false);
  assert.deepEqual(await statuses(dry), await statuses(real));
  assert.deepEqual(await summary(given, dry), await summary(given, real));
});

test('rows of children are foreseen, and none for a merge that has nothing to add', async () => {
  const identifier = [{ system: 'http://example.org/mrn', value: 'rows' }];
  await run('rows', [patient('1', { identifier })], false);
  const lines = [
    patient('x', { identifier }),
    {
      resourceType: 'MedicationStatement',
      id: 'm',
      status: 'active',
      medicationCodeableConcept: { text: 'Metformin' },
      subject: { reference: 'Patient/x' },
      effectivePeriod: { start: '2020-01-02' },
      reasonCode: [{ text: 'Diabetes' }, { text: 'Weight' }],
    },
  ];
  const before = await given.tables();
  const dry = await run('other', lines, true);
  const { extension } = await manifestOf(given.desk.parts, dry, 'http://x');
  await run('other', lines, false);
  const now = await given.tables();
  const added = ['Patient', 'Medication', 'Medication_Purpose'].map((table) => Number(now[table]) - Number(before[table]));
  assert.deepEqual(added, [0, 1, 2]);
  assert.deepEqual(Object(extension)['wouldWrite'], { Medication: { insert: 1 }, Medication_Purpose: { insert: 2 } });
});
