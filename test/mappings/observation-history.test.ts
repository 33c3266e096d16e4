/** Observation of lifestyle and other history ↔ Medical_History: the rules one by one, then the laws over random resources. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { observation } from '../../mappings/observation.ts';
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import type { ColumnValue, Stored } from '../../src/mapping/types.ts';
import { entry } from '../support/generators/observation.ts';
import { readRow, testEnv, variantOf, writeResource } from '../support/lens.ts';
import { mappingLaws } from '../support/mapping-suite.ts';

const env = testEnv(loadTermTables());
const base = 'https://medimax.example/fhir';
const lifestyle = variantOf(observation, 'lifestyle');
const other = variantOf(observation, 'other');

function storedRow(row: Record<string, ColumnValue> = {}): Stored {
  const columns = {
    history_id: 7,
    patient_id: 1,
    history_type: 'lifestyle',
    history_item: 'Runs twice a week',
    history_details: 'Since school',
    history_date: '2020-05-00',
    severity: 'mild',
    is_active: 1,
    updated_at: '2026-11-01 08:00:00',
    ...row,
  };
  return { row: columns, parent: null, children: [], patientId: 'pt-1', parentId: null };
}

const socialHistory = {
  coding: [
    { system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'social-history', display: 'Social History' },
  ],
};
const otherCategory = {
  coding: [{ system: `${base}/CodeSystem/medimax-history-type`, code: 'other', display: 'Other history' }],
};
const loincCode = (code: string) => ({ coding: [{ system: 'http://loinc.org', code }] });
const sent = {
  resourceType: 'Observation',
  status: 'final',
  category: [socialHistory],
  code: loincCode('29762-2'),
  subject: { reference: 'Patient/pt-1' },
  valueString: 'Runs twice a week',
};
const rowOf = (resource: JsonObject, variant = lifestyle) => writeResource(variant, resource, env).plan.row;

describe('reading a row of the history', () => {
  test('lifestyle', () => {
    assert.deepEqual(readRow(lifestyle, storedRow(), env), {
      resourceType: 'Observation',
      extension: [
        { url: `${base}/StructureDefinition/medimax-severity`, valueCode: 'mild' },
        { url: `${base}/StructureDefinition/medimax-active`, valueBoolean: true },
      ],
      status: 'final',
      category: [socialHistory],
      code: { coding: [{ system: 'http://loinc.org', code: '29762-2', display: 'Social history Narrative' }] },
      valueString: 'Runs twice a week',
      subject: { reference: 'Patient/pt-1' },
      effectiveDateTime: '2020-05',
      note: [{ text: 'Since school' }],
    });
  });

  test('other', () => {
    const read = readRow(other, storedRow({ severity: null, is_active: null, history_details: null, history_date: null }), env);
    assert.deepEqual(read, {
      resourceType: 'Observation',
      status: 'final',
      category: [otherCategory],
      code: { coding: [{ system: 'http://loinc.org', code: '11329-0', display: 'History general Narrative - Reported' }] },
      valueString: 'Runs twice a week',
      subject: { reference: 'Patient/pt-1' },
    });
  });

  test('a lifestyle item that the term table knows has its own code', () => {
    assert.match(
      JSON.stringify(readRow(lifestyle, storedRow({ history_item: 'Smoking' }), env)),
      /"72166-2".*"valueString":"Smoking"/,
    );
    assert.match(JSON.stringify(readRow(other, storedRow({ history_item: 'Smoking' }), env)), /"11329-0"/);
  });

  test('an empty item has a data-absent-reason', () => {
    assert.match(JSON.stringify(readRow(lifestyle, storedRow({ history_item: '' }), env)), /"29762-2".*"dataAbsentReason"/);
  });
});

describe('writing an entry of the history', () => {
  test('names every column; what is absent is NULL', () => {
    assert.deepEqual(rowOf(sent), {
      patient_id: 1,
      history_type: 'lifestyle',
      history_item: 'Runs twice a week',
      history_details: null,
      history_date: null,
      severity: null,
      is_active: null,
      updated_at: '2026-11-23 10:00:00',
    });
    assert.equal(rowOf({ ...sent, category: [otherCategory] }, other)['history_type'], 'other');
  });

  test('the item is the value, with what it is about where the code says more than the row could', () => {
    const itemOf = (code: unknown, value: JsonObject) => {
      const { valueString: _value, ...rest } = sent;
      return rowOf({ ...rest, code, ...value })['history_item'];
    };
    const smoking = { coding: [{ system: 'http://loinc.org', code: '72166-2', display: 'Tobacco smoking status' }] };
    assert.equal(itemOf(smoking, { valueString: 'Smoking' }), 'Smoking');
    assert.equal(itemOf(smoking, { valueCodeableConcept: { text: 'Never smoker' } }), 'Tobacco smoking status: Never smoker');
    assert.equal(itemOf({ text: 'Beers a week' }, { valueQuantity: { value: 4, unit: 'bottles' } }), 'Beers a week: 4 bottles');
    assert.equal(itemOf(smoking, {}), 'Tobacco smoking status');
  });

  test('severity, activity and day', () => {
    const extension = [
      { url: `${base}/StructureDefinition/medimax-active`, valueBoolean: false },
      { url: `${base}/StructureDefinition/medimax-severity`, valueCode: 'severe' },
    ];
    const row = rowOf({ ...sent, extension, effectivePeriod: { start: '2019' }, note: [{ text: 'a' }, { text: 'b' }] });
    assert.deepEqual(
      [row['severity'], row['is_active'], row['history_date'], row['history_details']],
      ['severe', 0, '2019-01-01', 'a'],
    );
  });

  test('refusals name the element', () => {
    const refused = (changes: JsonObject) => {
      try {
        rowOf({ ...sent, ...changes });
      } catch (fault) {
        assert.ok(fault instanceof FhirError);
        return fault.issues.map(({ code, expression }) => `${code} ${expression?.[0]}`);
      }
      return [];
    };
    assert.deepEqual(refused({ valueString: 'x'.repeat(256) }), ['too-long Observation.value']);
    assert.deepEqual(refused({ effectiveDateTime: '2027-01-01' }), ['business-rule Observation.effective']);
  });
});

describe('which row keeps an Observation', () => {
  test('by code and category', () => {
    const choose = observation.choose?.bind(observation);
    const kind = (code: unknown, category: unknown[] = []) =>
      choose?.({ resourceType: 'Observation', status: 'final', code, category } as never);
    assert.equal(kind(loincCode('75325-1'), [socialHistory]), 'Appointment_Symptom');
    assert.equal(kind(loincCode('72166-2'), [socialHistory]), 'lifestyle');
    assert.equal(kind({ text: 'x' }, [otherCategory]), 'other');
    assert.equal(kind({ text: 'x' }), 'Lab_Finding');
  });
});

describe('the laws', () => {
  mappingLaws({ variant: lifestyle, env, resources: entry('lifestyle', 'pt-1'), acceptedMin: 0.95 });
  mappingLaws({ variant: other, env, resources: entry('other', 'pt-1'), acceptedMin: 0.95 });
});
