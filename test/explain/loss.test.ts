/** The loss report: what was kept beside the columns, reshaped or added, and nothing where the columns say it all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { condition } from '../../mappings/condition.ts';
import { patient } from '../../mappings/patient.ts';
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import { lossReport } from '../../src/explain/loss.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import type { AnyMapping } from '../../src/mapping/registry.ts';
import { testEnv, variantOf, writeResource } from '../support/lens.ts';

const env = testEnv(loadTermTables());

function report(mapping: AnyMapping, resource: JsonObject): readonly string[] {
  const variant = variantOf(mapping);
  const { stored, overlay, refined } = writeResource(variant, resource, env);
  return lossReport({ variant, stored, overlay, refined }, env).map(({ severity, text, expression }) => {
    assert.equal(severity, 'information');
    return `${expression?.[0]}: ${text}`;
  });
}

test('nothing to say where the columns hold it all', () => {
  const name = [{ text: 'Ada Lovelace', family: 'Lovelace', given: ['Ada'] }];
  assert.deepEqual(report(patient, { resourceType: 'Patient', name, gender: 'female', birthDate: '1915-12-10' }), []);
});

test('elements without a column are kept, values MediMax has no word for are reshaped, what was not sent is added', () => {
  const said = {
    resourceType: 'Patient',
    name: [{ text: 'Ada', use: 'official' }],
    birthDate: '1915-12',
    telecom: [{ value: '1' }],
  };
  assert.deepEqual(report(patient, said), [
    'Patient.name: Patient.name is kept and served, but MediMax does not show name[0].use.',
    'Patient.gender: MediMax shows in Patient.gender what was not sent: "other".',
    'Patient.birthDate: Patient.birthDate is kept and served as it was sent; MediMax shows it in another way: "1915-12-01".',
    'Patient.telecom: Patient.telecom is kept and served, but MediMax does not show it.',
  ]);
});

test('codings of a client, and the narrative', () => {
  const said = {
    resourceType: 'Condition',
    subject: { reference: 'Patient/pt-1' },
    text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' },
    code: { text: 'My own', coding: [{ system: 'http://example.org', code: '1' }] },
    recorder: { display: 'R' },
  };
  const elements = report(condition, said).map((line) => line.split(':')[0]);
  for (const element of ['Condition.code', 'Condition.recorder', 'Condition.text'])
    assert.ok(elements.includes(element), element);
});
