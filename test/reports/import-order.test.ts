/** A report and its findings in an import file, in any order of its lines: the same tables, each finding under its report. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { sessionOf } from '../../src/db/pool.ts';
import { type ImportGateway, importLines, startImportGateway } from '../import/support.ts';

const runs = Math.ceil(Number(process.env['LAW_RUNS'] ?? 100) / 20);
const size = 26;
let given: ImportGateway;
let serial = 0;

before(async () => {
  given = await startImportGateway({ IMPORT_CHUNK_LINES: '8' });
});
after(() => given?.close());

function linesOf(): readonly object[] {
  const subject = { reference: 'Patient/p' };
  const findings = Array.from({ length: size }, (_, index) => ({
    resourceType: 'Observation',
    id: `f${index}`,
    status: 'final',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
    code: { text: `Test ${String(index).padStart(2, '0')}` },
    subject,
    effectiveDateTime: `2026-01-0${1 + (index % 2)}T07:30:00Z`,
    valueQuantity: { value: index, unit: 'mmol/L' },
  }));
  const coding = [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0074', code: 'LAB' }];
  const report = {
    resourceType: 'DiagnosticReport',
    id: 'r',
    status: 'final',
    category: [{ coding }],
    code: { text: 'Big panel' },
    subject,
    effectiveDateTime: '2026-01-03',
    result: findings.map(({ id }) => ({ reference: `Observation/${id}` })),
  };
  return [{ resourceType: 'Patient', id: 'p', name: [{ text: 'Ida Import' }] }, report, ...findings];
}

test('any order of lines', async () => {
  const session = sessionOf(given.gateway.pool, 30_000);
  const all = linesOf();
  const order = fc.shuffledSubarray(
    all.map((_, index) => index),
    { minLength: all.length },
  );
  await fc.assert(
    fc.asyncProperty(order, async (indexes) => {
      serial += 1;
      const source = `s${serial}`;
      await importLines(
        given,
        source,
        indexes.map((index) => all[index] ?? {}),
      );
      const record = await given.gateway.repository.read('Patient', `${source}.p`);
      const patient = Number(record?.stored?.row['patient_id']);
      const rows = await session.rows(
        'SELECT r.lab_type, r.lab_date, f.test_name FROM Lab_Report r LEFT JOIN Lab_Finding f USING (lab_report_id) WHERE r.patient_id = ? ORDER BY f.test_name',
        [patient],
      );
      const wanted = Array.from({ length: size }, (_, index) => [
        'Big panel',
        '2026-01-03',
        `Test ${String(index).padStart(2, '0')}`,
      ]);
      assert.deepEqual(rows, wanted);
      const report = await given.gateway.repository.read('DiagnosticReport', `${source}.r`);
      assert.ok(report);
      const served = given.gateway.repository.render(report);
      assert.deepEqual(
        served['result'],
        Array.from({ length: size }, (_, index) => ({ reference: `Observation/${source}.f${index}` })),
      );
    }),
    { numRuns: runs },
  );
});
