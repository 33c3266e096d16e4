/** Observation of a result ↔ Lab_Finding: the rules one by one, then the laws over random resources. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { observation } from '../../mappings/observation.ts';
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import { stringifyJson } from '../../src/fhir/json.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import { renderContent } from '../../src/mapping/render.ts';
import type { ColumnValue, Stored } from '../../src/mapping/types.ts';
import { result } from '../support/generators/observation.ts';
import { readRow, testEnv, variantOf, writeResource } from '../support/lens.ts';
import { medimaxWins, withColumn, written } from '../support/mapping-laws.ts';
import { mappingLaws } from '../support/mapping-suite.ts';

const env = testEnv(loadTermTables());
const variant = variantOf(observation, 'Lab_Finding');

function storedRow(row: Record<string, ColumnValue> = {}, parent: Record<string, ColumnValue> = {}): Stored {
  return {
    row: {
      lab_finding_id: 88,
      lab_report_id: 5,
      test_name: 'Hemoglobin',
      test_value: '13.50',
      test_unit: 'g/dL',
      reference_range: '12.0-16.0',
      is_abnormal: 0,
      abnormal_flag: null,
      ...row,
    },
    parent: {
      lab_report_id: 5,
      patient_id: 1,
      lab_date: '2026-11-01',
      lab_type: 'Complete Blood Count',
      ordering_doctor: 'Dr. Order',
      lab_facility: 'Central Lab',
      created_at: '2026-11-02 08:00:00',
      updated_at: '2026-11-02 08:00:00',
      ...parent,
    },
    children: [],
    patientId: 'pt-1',
    parentId: null,
  };
}

const read = (row: Record<string, ColumnValue> = {}, parent: Record<string, ColumnValue> = {}) =>
  readRow(variant, storedRow(row, parent), env);

const sent = {
  resourceType: 'Observation',
  status: 'final',
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
  code: { text: 'Hemoglobin' },
  subject: { reference: 'Patient/pt-1' },
  effectiveDateTime: '2026-11-01T23:30:00-05:00',
  valueQuantity: { value: 13.5, unit: 'g/dL' },
};

const plan = (resource: JsonObject) => writeResource(variant, resource, env).plan;

function refusals(resource: JsonObject): string[] {
  try {
    writeResource(variant, resource, env);
  } catch (fault) {
    assert.ok(fault instanceof FhirError);
    return fault.issues
      .filter(({ severity }) => severity === 'error')
      .map(({ code, expression }) => `${code} ${expression?.[0]}`);
  }
  return [];
}

const v3 = 'http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation';

describe('reading a Lab_Finding row', () => {
  test('says every column of the row and what it inherits from its report', () => {
    const { code, referenceRange, ...rest } = read();
    assert.equal((code as { text: string }).text, 'Hemoglobin');
    assert.match(stringifyJson(code), /"system":"http:\/\/loinc.org","code":"718-7"/);
    assert.match(stringifyJson(referenceRange), /"text":"12.0-16.0"/);
    assert.deepEqual(JSON.parse(stringifyJson(rest)), {
      resourceType: 'Observation',
      status: 'final',
      category: [
        {
          coding: [
            { system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory', display: 'Laboratory' },
          ],
        },
      ],
      subject: { reference: 'Patient/pt-1' },
      effectiveDateTime: '2026-11-01',
      issued: '2026-11-02T08:00:00Z',
      performer: [{ type: 'Organization', display: 'Central Lab' }],
      valueQuantity: { value: 13.5, unit: 'g/dL', system: 'http://unitsofmeasure.org', code: 'g/dL' },
    });
    assert.match(stringifyJson(rest), /"value":13.50,/);
  });

  const flags: readonly (readonly [ColumnValue, ColumnValue, string | undefined])[] = [
    [1, 'high', 'H'],
    [1, 'low', 'L'],
    [1, 'critical_high', 'HH'],
    [1, 'critical_low', 'LL'],
    [0, null, undefined],
    [null, null, undefined],
    [null, 'high', 'H'],
    [0, 'critical_low', 'LL'],
    [1, null, 'A'],
    [1, '', 'A'],
    [0, '', undefined],
  ];
  for (const [is_abnormal, abnormal_flag, code] of flags)
    test(`is_abnormal ${is_abnormal} with flag ${abnormal_flag} is ${code ?? 'no interpretation'}`, () => {
      const { interpretation } = read({ is_abnormal, abnormal_flag });
      const codes = (interpretation as { coding: { code: string }[] }[] | undefined)?.map(({ coding }) => coding[0]?.code);
      assert.deepEqual(codes, code === undefined ? undefined : [code]);
    });

  test('the type of report tells the category', () => {
    const categoryOf = (lab_type: string) =>
      /"code":"([^"]+)"/.exec(stringifyJson(read({}, { lab_type })['category'] ?? []))?.[1];
    assert.equal(categoryOf('Vital Signs'), 'vital-signs');
    assert.equal(categoryOf('Lipid Panel'), 'laboratory');
    assert.equal(categoryOf('Social History'), 'laboratory');
    assert.equal(categoryOf('Observation'), undefined);
  });

  test('odd rows: zero dates, empty texts, control characters', () => {
    assert.equal(read({}, { lab_date: '2024-05-00' })['effectiveDateTime'], '2024-05');
    const odd = read(
      { test_name: '', test_value: '', test_unit: '', reference_range: '' },
      { lab_date: '0000-00-00', lab_facility: ' ', created_at: null },
    );
    for (const key of ['effectiveDateTime', 'performer', 'issued', 'referenceRange']) assert.equal(odd[key], undefined);
    assert.match(stringifyJson(odd['code']), /data-absent-reason/);
    assert.match(stringifyJson(odd['dataAbsentReason']), /unknown/);
    assert.equal(read({ test_value: 'a\u0001b', test_unit: null })['valueString'], 'a\ufffdb');
  });
});

describe('writing a result', () => {
  test('names every column of the row and finds its report by patient, day as written, type, orderer and facility', () => {
    const { row, parent } = plan(sent);
    assert.deepEqual(row, {
      lab_report_id: null,
      test_name: 'Hemoglobin',
      test_value: '13.5',
      test_unit: 'g/dL',
      reference_range: null,
      is_abnormal: 0,
      abnormal_flag: null,
    });
    assert.deepEqual(parent, {
      patient_id: 1,
      lab_date: '2026-11-01',
      lab_type: 'Laboratory',
      lab_facility: null,
      ordering_doctor: null,
    });
  });

  test('the first Organization is the facility, a contained orderer the ordering doctor', () => {
    const { parent } = plan({
      ...sent,
      contained: [
        { resourceType: 'Organization', id: 'lab', name: 'Central Lab' },
        { resourceType: 'ServiceRequest', id: 'rq', requester: { display: 'Dr. Order' } },
      ],
      performer: [{ reference: 'Practitioner/1', display: 'Dr. No' }, { reference: '#lab' }],
      basedOn: [{ reference: 'ServiceRequest/9' }, { reference: '#rq' }],
    });
    assert.equal(parent?.['lab_facility'], 'Central Lab');
    assert.equal(parent?.['ordering_doctor'], 'Dr. Order');
  });

  const interpretations: readonly (readonly [readonly string[], ColumnValue, ColumnValue])[] = [
    [['H'], 1, 'high'],
    [['HU'], 1, 'high'],
    [['>'], 1, 'high'],
    [['L'], 1, 'low'],
    [['LU'], 1, 'low'],
    [['<'], 1, 'low'],
    [['HH'], 1, 'critical_high'],
    [['AA'], 1, 'critical_high'],
    [['LL'], 1, 'critical_low'],
    [['N'], 0, null],
    [['A'], 1, 'high'],
    [['POS'], 1, 'high'],
    [['R'], 1, 'high'],
    [['A', 'L'], 1, 'low'],
    [['N', 'HH'], 1, 'critical_high'],
    [['QCF'], null, null],
    [[], 0, null],
  ];
  for (const [codes, is_abnormal, abnormal_flag] of interpretations)
    test(`interpretation ${codes.join(' and ') || 'absent'} is ${is_abnormal} ${abnormal_flag}`, () => {
      const interpretation = codes.map((code) => ({ coding: [{ system: v3, code }] }));
      const { row, issues } = plan({ ...sent, ...(codes.length > 0 ? { interpretation } : {}) });
      assert.deepEqual([row['is_abnormal'], row['abnormal_flag']], [is_abnormal, abnormal_flag]);
      const tells = ['A', 'POS', 'R', 'QCF'].includes(codes.join());
      assert.deepEqual(
        issues.map(({ severity }) => severity),
        tells ? ['warning'] : [],
      );
    });

  test('values: components as a readable summary, no value as not available', () => {
    const { valueQuantity: _value, ...valueless } = sent;
    const part = (code: string, value: number) => ({
      code: { coding: [{ system: 'http://loinc.org', code }] },
      valueQuantity: { value, unit: 'mmHg' },
    });
    const pressure = plan({ ...valueless, component: [part('8480-6', 120), part('8462-4', 80)] }).row;
    assert.deepEqual([pressure['test_value'], pressure['test_unit']], ['120/80', 'mmHg']);
    assert.equal(plan(valueless).row['test_value'], 'not available');
    assert.equal(plan({ ...valueless, dataAbsentReason: { text: 'lost' } }).row['test_value'], 'not available');
  });

  test('the category shows in lab_type', () => {
    const labType = (category: unknown) => plan({ ...sent, category }).parent?.['lab_type'];
    const coded = (code: string) => ({
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code }],
    });
    assert.equal(labType([coded('vital-signs')]), 'Vital Signs');
    assert.equal(labType([{ text: 'Hormones' }, coded('laboratory')]), 'Laboratory');
    assert.equal(labType([{ text: 'Hormones' }]), 'Hormones');
    assert.equal(labType(undefined), 'Observation');
  });

  test('the day of issue stands in for a missing effective', () => {
    const { effectiveDateTime: _effective, ...undated } = sent;
    assert.equal(plan({ ...undated, issued: '2026-10-01T23:00:00-05:00' }).parent?.['lab_date'], '2026-10-01');
    assert.equal(plan({ ...undated, effectivePeriod: { start: '2026-09' } }).parent?.['lab_date'], '2026-09-01');
    assert.deepEqual(refusals(undated), ['required Observation.effective']);
  });

  test('refusals name the element', () => {
    assert.deepEqual(refusals({ ...sent, subject: undefined, code: { id: 'x' } }), [
      'required Observation.code',
      'required Observation.subject',
    ]);
    assert.deepEqual(refusals({ ...sent, code: { text: 'x'.repeat(256) }, referenceRange: [{ text: 'x'.repeat(101) }] }), [
      'too-long Observation.code',
      'too-long Observation.referenceRange[0].text',
    ]);
  });

  test('a status MediMax cannot show is kept with a warning, and is final again when the value changes', () => {
    const preliminary = writeResource(variant, { ...sent, status: 'preliminary' }, env);
    assert.deepEqual(
      preliminary.plan.issues.map(({ severity, expression }) => [severity, expression?.[0]]),
      [['warning', 'Observation.status']],
    );
    assert.match(stringifyJson(preliminary.read()), /"status":"preliminary"/);
    const { stored, overlay, refined } = preliminary;
    assert.equal(renderContent(variant, withColumn(stored, 'test_value', '14'), overlay, refined, env)['status'], 'final');
  });
});

describe('the laws', () => {
  mappingLaws({ variant, env, resources: result('pt-1'), acceptedMin: 0.95 });

  test('law 3 for the report above', () => {
    const changes = fc.constantFrom<readonly [string, ColumnValue]>(
      ['parent.lab_date', '1999-09-09'],
      ['parent.lab_type', 'Lipid Panel'],
      ['parent.lab_facility', 'Elsewhere'],
      ['parent.lab_facility', null],
      ['parent.ordering_doctor', 'Dr. Other'],
    );
    fc.assert(
      fc.property(result('pt-1'), changes, (resource, [column, value]) => {
        const kept = written(variant, resource, env);
        if (kept) medimaxWins(variant, kept, column, value, env);
      }),
      { numRuns: 300 },
    );
  });
});
