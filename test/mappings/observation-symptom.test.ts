/** Observation of a symptom ↔ Appointment_Symptom: the rules one by one, then the laws over random resources. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { observation } from '../../mappings/observation.ts';
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import { lift } from '../../src/mapping/lift.ts';
import { planColumns } from '../../src/mapping/plan.ts';
import type { ColumnValue, Stored } from '../../src/mapping/types.ts';
import { symptom } from '../support/generators/observation.ts';
import { readRow, testEnv, variantOf, writeResource } from '../support/lens.ts';
import { mappingLaws } from '../support/mapping-suite.ts';

const env = testEnv(loadTermTables());
const variant = variantOf(observation, 'Appointment_Symptom');
const base = 'https://medimax.example/fhir';

function storedRow(row: Record<string, ColumnValue> = {}): Stored {
  return {
    row: {
      symptom_id: 9,
      appointment_id: 3,
      symptom_name: 'Cough',
      symptom_description: 'Dry, at night',
      severity: 'moderate',
      duration: '3 days',
      onset_type: 'gradual',
      ...row,
    },
    parent: { appointment_id: 3, patient_id: 1, appointment_date: '2026-11-01', appointment_time: '09:00:00' },
    children: [],
    patientId: 'pt-1',
    parentId: 'ap-3',
  };
}

const loincCode = (code: string) => ({ coding: [{ system: 'http://loinc.org', code }] });
const link = { url: `${base}/StructureDefinition/medimax-appointment`, valueReference: { reference: 'Appointment/ap-3' } };
const sent = {
  resourceType: 'Observation',
  status: 'final',
  extension: [link],
  code: loincCode('75325-1'),
  subject: { reference: 'Patient/pt-1' },
  valueCodeableConcept: { text: 'Cough' },
};
const snomed = (code: string) => ({ valueCodeableConcept: { coding: [{ system: 'http://snomed.info/sct', code }] } });
const rowOf = (resource: JsonObject) => writeResource(variant, resource, env).plan.row;

function refusals(run: () => unknown): string[] {
  try {
    run();
  } catch (fault) {
    assert.ok(fault instanceof FhirError);
    return fault.issues
      .filter(({ severity }) => severity === 'error')
      .map(({ code, expression }) => `${code} ${expression?.[0]}`);
  }
  return [];
}

describe('reading an Appointment_Symptom row', () => {
  test('says every column', () => {
    assert.deepEqual(readRow(variant, storedRow(), env), {
      resourceType: 'Observation',
      extension: [link],
      status: 'final',
      code: { ...loincCode('75325-1'), text: 'Symptom' },
      subject: { reference: 'Patient/pt-1' },
      effectiveDateTime: '2026-11-01',
      performer: [{ reference: 'Patient/pt-1' }],
      valueCodeableConcept: { text: 'Cough' },
      note: [{ text: 'Dry, at night' }],
      component: [
        {
          code: { ...loincCode('64750-3'), text: 'Severity' },
          valueCodeableConcept: {
            coding: [
              { system: 'http://snomed.info/sct', code: '6736007', display: 'Moderate' },
              { system: `${base}/CodeSystem/medimax-severity`, code: 'moderate', display: 'Moderate' },
            ],
          },
        },
        {
          code: { ...loincCode('64748-7'), text: 'Duration' },
          valueQuantity: { value: 3, unit: 'days', system: 'http://unitsofmeasure.org', code: 'd' },
        },
        {
          code: { ...loincCode('99495-4'), text: 'Speed of onset' },
          valueCodeableConcept: {
            coding: [
              { system: 'http://snomed.info/sct', code: '61751001', display: 'Gradual onset' },
              { system: `${base}/CodeSystem/medimax-onset`, code: 'gradual', display: 'Gradual onset' },
            ],
          },
        },
      ],
    });
  });

  const onsets: readonly (readonly [string, string, string])[] = [
    ['sudden', '99495-4', '385315009'],
    ['gradual', '99495-4', '61751001'],
    ['chronic', '89261-2', '90734009'],
    ['intermittent', '89261-2', '7087005'],
  ];
  for (const [onset_type, component, code] of onsets)
    test(`onset ${onset_type} is component ${component} with ${code}, and back`, () => {
      const read = readRow(variant, storedRow({ onset_type, severity: null, duration: null }), env);
      assert.match(JSON.stringify(read['component']), new RegExp(`^\\[{"code":{"coding":\\[{[^}]*"${component}".*"${code}"`));
      assert.equal(rowOf({ ...sent, component: [{ code: loincCode(component), ...snomed(code) }] })['onset_type'], onset_type);
    });

  test('NULL, empty and undocumented values say nothing', () => {
    const row = { severity: '', duration: '', onset_type: null, symptom_description: ' ' };
    const read = readRow(variant, storedRow(row), env);
    assert.deepEqual([read['component'], read['note']], [undefined, undefined]);
    assert.match(JSON.stringify(readRow(variant, storedRow({ symptom_name: '' }), env)), /"dataAbsentReason"/);
  });
});

describe('writing a symptom', () => {
  test('what is absent is NULL, not the column default', () => {
    assert.deepEqual(rowOf(sent), {
      appointment_id: 1,
      symptom_name: 'Cough',
      symptom_description: null,
      severity: null,
      duration: null,
      onset_type: null,
    });
  });

  for (const [code, severity] of Object.entries({
    255604002: 'mild',
    6736007: 'moderate',
    24484000: 'severe',
    442452003: 'critical',
  }))
    test(`severity ${code} is ${severity}`, () => {
      assert.equal(rowOf({ ...sent, component: [{ code: loincCode('64750-3'), ...snomed(code) }] })['severity'], severity);
    });

  test('durations as Quantity, Range or words', () => {
    const durationOf = (value: JsonObject) =>
      rowOf({ ...sent, component: [{ code: loincCode('64748-7'), ...value }] })['duration'];
    assert.equal(
      durationOf({ valueQuantity: { value: 2, unit: 'weeks', system: 'http://unitsofmeasure.org', code: 'wk' } }),
      '2 weeks',
    );
    assert.equal(durationOf({ valueString: 'since Monday' }), 'since Monday');
    assert.equal(durationOf({ valueRange: { low: { value: 2, unit: 'days' }, high: { value: 4, unit: 'days' } } }), '2-4 days');
  });

  test('refusals name the element', () => {
    const { extension: _extension, ...alone } = sent;
    assert.deepEqual(
      refusals(() => rowOf(alone)),
      ['required Observation.extension'],
    );
    const { valueCodeableConcept: _value, ...nameless } = sent;
    assert.deepEqual(
      refusals(() => rowOf(nameless)),
      ['required Observation.value'],
    );
    const { subject: _subject, ...nobody } = sent;
    assert.deepEqual(
      refusals(() => rowOf(nobody)),
      ['required Observation.subject'],
    );
    const missing = { ...sent, extension: [{ ...link, valueReference: { reference: 'Appointment/missing' } }] };
    assert.deepEqual(
      refusals(() => rowOf(missing)),
      ['not-found Observation.extension.value'],
    );
  });

  test('it stays with its appointment, its patient and its kind', () => {
    const stored = storedRow();
    const read = readRow(variant, stored, env);
    const update = (changes: JsonObject) => {
      const resource = { ...read, ...changes };
      planColumns({
        variant,
        resource,
        lifted: lift(resource, variant.slices, env),
        current: { stored, lifted: lift(read, variant.slices, env) },
        env,
        timestamp: '2026-11-23 10:00:00',
        resolve: ({ reference }) =>
          /(ap-3|pt-1)$/.test(reference.reference ?? '') ? (reference.reference?.includes('ap-3') ? 3 : 1) : 99,
      });
    };
    assert.deepEqual(
      refusals(() => update({ subject: { reference: 'Patient/pt-2' } })),
      ['business-rule Observation.subject'],
    );
    const other = [{ ...link, valueReference: { reference: 'Appointment/ap-4' } }];
    assert.deepEqual(
      refusals(() => update({ extension: other })),
      ['business-rule Observation.extension'],
    );
    assert.deepEqual(
      refusals(() => update({ code: { text: 'Glucose' } })),
      ['business-rule Observation.code'],
    );
    assert.deepEqual(
      refusals(() => update({ subject: { reference: 'Patient/pt-1', display: 'Ann' } })),
      [],
    );
  });
});

describe('the laws', () => mappingLaws({ variant, env, resources: symptom('pt-1', 'ap-1'), acceptedMin: 0.7 }));
