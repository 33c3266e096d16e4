/** What the reports say of every line, and references that are searches. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Job } from '../../src/import/job.ts';
import { manifestOf, reportLines } from '../../src/import/report.ts';
import { type ImportGateway, importLines, startImportGateway, summary } from './support.ts';

let given: ImportGateway;

before(async () => {
  given = await startImportGateway({ IMPORT_CHUNK_LINES: '3' });
});
after(() => given?.close());

const patient = (id: string, more: object = {}) => ({ resourceType: 'Patient', id, name: [{ text: 'Ada Example' }], ...more });
const condition = (id: string, subject: string, more: object = {}) => ({
  resourceType: 'Condition',
  id,
  code: { text: 'Asthma' },
  subject: { reference: subject },
  ...more,
});
const result = (id: string, number: string) => ({
  resourceType: 'Observation',
  id,
  identifier: [{ system: 'http://lab.example', value: number }],
  status: 'final',
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
  code: { text: 'Potassium' },
  subject: { reference: 'Patient/1' },
  effectiveDateTime: '2021-05-06',
  valueQuantity: { value: 4.1, unit: 'mmol/L' },
});

/** Of every line its status and, where it has a resource: version, table and key. */
async function everyLine(job: Job) {
  const text: Buffer[] = [];
  for await (const part of reportLines(given.desk.parts, job, 'lines')) text.push(part);
  return Buffer.concat(text)
    .toString()
    .trim()
    .split('\n')
    .map((line) => {
      const extensions: readonly { readonly url: string; readonly [value: string]: unknown }[] = JSON.parse(line).extension;
      const of = (name: string): Readonly<Record<string, unknown>> =>
        extensions.find(({ url }) => url.endsWith(`import-${name}`)) ?? {};
      const version = /_history\/(\d+)$/.exec(String(of('resource')['valueUrl']))?.[1];
      return [of('status')['valueCode'], version, of('table')['valueString'], typeof of('key')['valueInteger']];
    });
}

test('a line that changes nothing has its version, table and key in the report as well', async () => {
  const lines = [patient('1'), result('r', '1'), result('r', '1'), condition('c', 'Patient/1')];
  const first = await importLines(given, 'places', lines);
  assert.deepEqual(await everyLine(first), [
    ['created', '1', 'Patient', 'number'],
    ['unchanged', '1', 'Lab_Finding', 'number'],
    ['created', '1', 'Lab_Finding', 'number'],
    ['created', '1', 'Medical_History', 'number'],
  ]);
  const again = await importLines(given, 'places', lines);
  assert.deepEqual(await everyLine(again), [
    ['unchanged', '1', 'Patient', 'number'],
    ['unchanged', '1', 'Lab_Finding', 'number'],
    ['unchanged', '1', 'Lab_Finding', 'number'],
    ['unchanged', '1', 'Medical_History', 'number'],
  ]);
});

test('the manifest counts the lines that the report of outcomes has: warnings too', async () => {
  const identifier = [{ system: 'http://example.org/mrn', value: 'count' }];
  await importLines(given, 'known', [patient('1', { identifier })]);
  const job = await importLines(given, 'counted', [
    patient('x', { identifier, name: [{ text: 'Somebody else' }] }),
    condition('bad', 'Patient/none'),
    condition('good', 'Patient/x'),
  ]);
  const { outcome } = await manifestOf(given.desk.parts, await given.desk.job(job.name), 'http://x');
  const lines = (await given.report(job, 'outcome')).length;
  assert.deepEqual([lines, outcome], [2, [{ type: 'OperationOutcome', url: 'http://x/outcome', count: 2 }]]);
});

test('a reference that is a search for an identifier resolves, whatever the type; what cannot be searched is told', async () => {
  const observation = 'Observation?identifier=http://lab.example|77';
  const job = await importLines(given, 'search', [
    condition('early', 'Patient/1', { evidence: [{ detail: [{ reference: observation }] }] }),
    patient('1', { identifier: [{ system: 'http://example.org/mrn', value: 'search-1' }] }),
    result('k', '77'),
    condition('bare', 'Patient?identifier=search-1', { evidence: [{ detail: [{ reference: observation }] }] }),
    condition('odd', 'Patient/1', { evidence: [{ detail: [{ reference: 'Observation?code=1' }] }] }),
  ]);
  assert.deepEqual((await summary(given, job))['Condition'], { created: 3 });
  for (const id of ['early', 'bare']) {
    const record = await given.gateway.repository.read('Condition', `search.${id}`);
    assert.ok(record?.stored);
    const { subject, evidence } = given.gateway.repository.render(record);
    assert.deepEqual(
      [subject, evidence],
      [{ reference: 'Patient/search.1' }, [{ detail: [{ reference: 'Observation/search.k' }] }]],
    );
  }
  const told = (await given.report(job, 'outcome')).map(({ line, expression }) => [line, expression]);
  assert.deepEqual(told, [[5, 'Condition.evidence[0].detail[0]']]);
});

test('a reference to a version leads to the resource, and the version that it loses is told', async () => {
  const about = condition('c', 'Patient/1/_history/3', { asserter: { reference: 'Practitioner/9/_history/2' } });
  const job = await importLines(given, 'versions', [patient('1'), about]);
  const told = (await given.report(job, 'outcome')).map(({ line, status, code, expression }) => [line, status, code, expression]);
  assert.deepEqual(told, [[2, 'created', 'not-supported', 'Condition.subject']]);
  const record = await given.gateway.repository.read('Condition', 'versions.c');
  assert.ok(record);
  const { subject, asserter } = given.gateway.repository.render(record);
  // What is not kept here is the source's resource, its version included.
  const theirs = 'https://medimax.example/fhir/source/versions/Practitioner/9/_history/2';
  assert.deepEqual([subject, asserter], [{ reference: 'Patient/versions.1' }, { reference: theirs }]);
});
