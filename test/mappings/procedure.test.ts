/** Procedure ↔ Medical_History: the laws, and each row of the mapping's table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { procedure } from '../../mappings/procedure.ts';
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import { renderContent } from '../../src/mapping/render.ts';
import type { Columns, Stored } from '../../src/mapping/types.ts';
import { arbitrary } from '../support/generators/procedure.ts';
import { readRow, testEnv, variantOf, writeResource } from '../support/lens.ts';
import { mappingLaws } from '../support/mapping-suite.ts';

const env = testEnv(loadTermTables());
const variant = variantOf(procedure);

mappingLaws({ variant, env, resources: arbitrary('p1'), acceptedMin: 0.5 });

const row: Columns = {
  history_id: 7,
  patient_id: 1,
  history_type: 'surgery',
  history_item: 'Appendectomy',
  history_details: 'as told',
  history_date: '1994-05-01',
  severity: 'moderate',
  is_active: 1,
  updated_at: '2024-01-01 10:00:00',
};
const storedAs = (columns: Columns): Stored => ({
  row: { ...row, ...columns },
  parent: null,
  children: [],
  patientId: 'pt-1',
  parentId: null,
});
const read = (columns: Columns, facts = env) => readRow(variant, storedAs(columns), facts);
const sent: JsonObject = {
  resourceType: 'Procedure',
  status: 'completed',
  code: { text: 'Biopsy' },
  subject: { reference: 'Patient/p1' },
};
const write = (more: JsonObject) => writeResource(variant, { ...sent, ...more }, env);
const columns = (more: JsonObject) => write(more).plan.row;
const severity = { url: 'https://medimax.example/fhir/StructureDefinition/medimax-severity', valueCode: 'moderate' };

test('a whole row', () => {
  assert.deepEqual(read({}), {
    resourceType: 'Procedure',
    extension: [severity],
    status: 'completed',
    category: { coding: [{ system: 'http://snomed.info/sct', code: '387713003', display: 'Surgical procedure' }] },
    code: { text: 'Appendectomy' },
    subject: { reference: 'Patient/pt-1' },
    performedDateTime: '1994-05-01',
    note: [{ text: 'as told' }],
  });
});

test('nobody knows when: data-absent-reason', () => {
  const absent = { extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/data-absent-reason', valueCode: 'unknown' }] };
  for (const history_date of [null, '0000-00-00']) assert.deepEqual(read({ history_date })['_performedDateTime'], absent);
});

test('is_active 1, 0, NULL read as completed, unknown, completed', () => {
  assert.deepEqual(
    [1, 0, null].map((is_active) => read({ is_active })['status']),
    ['completed', 'unknown', 'completed'],
  );
});

for (const [status, flag] of [
  ['completed', 1],
  ['unknown', 0],
  ['in-progress', 0],
  ['stopped', 0],
] as const) {
  test(`status ${status} is is_active ${flag}, and comes back`, () => {
    const written = write({ status });
    assert.equal(written.plan.row['is_active'], flag);
    assert.equal((written.read() as JsonObject)['status'], status);
    assert.equal(written.plan.issues.length, ['completed', 'unknown'].includes(status) ? 0 : 1);
  });
}

for (const status of ['not-done', 'preparation']) {
  test(`status ${status} is refused: the row would read as a performed operation`, () => {
    assert.throws(() => write({ status }), /MediMax would show the operation as performed/);
  });
}

test('severity is the extension; performed the day as written or the start of a period', () => {
  assert.equal(columns({ extension: [severity] })['severity'], 'moderate');
  assert.throws(() => write({ extension: [{ ...severity, valueCode: 'bad' }] }), /mild, moderate, severe or critical/);
  assert.equal(columns({ performedPeriod: { start: '2013-03-08T23:00:00-05:00' } })['history_date'], '2013-03-08');
  assert.equal(columns({ performedString: 'long ago' })['history_date'], null);
});

test('a category a client sent outlives a change by MediMax', () => {
  const category = { text: 'Diagnostic' };
  const written = write({ category });
  const stored = { ...written.stored, row: { ...written.stored.row, is_active: 0 } };
  assert.deepEqual(renderContent(variant, stored, written.overlay, written.refined, env)['category'], category);
});
