/** Patient ↔ Patient: the laws, and each row of the mapping's table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { patient } from '../../mappings/patient.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import { isObject, type JsonObject } from '../../src/mapping/lift.ts';
import type { Columns } from '../../src/mapping/types.ts';
import { arbitrary } from '../support/generators/patient.ts';
import { readRow, testEnv, variantOf, writeResource } from '../support/lens.ts';
import { mappingLaws } from '../support/mapping-suite.ts';

const env = testEnv(undefined);
const variant = variantOf(patient);

/** The MediMax identifier is the server's: it comes back beside whatever a client sent. */
await mappingLaws({ variant, env, resources: arbitrary, acceptedMin: 0.8, ignore: withoutMedimaxIdentifier });

const row: Columns = {
  patient_id: 12,
  name: 'Ada Lovelace',
  dob: '1985-04-02',
  sex: 'Female',
  created_at: '2024-01-01 10:00:00',
  updated_at: '2024-01-01 10:00:00',
};
const read = (columns: Columns) =>
  readRow(variant, { row: { ...row, ...columns }, parent: null, children: [], patientId: 'pt-12', parentId: null }, env);
const write = (more: JsonObject) =>
  writeResource(variant, { resourceType: 'Patient', name: [{ text: 'Ada' }], ...more }, env).plan.row;

test('the key is served as an identifier of type MR', () => {
  const [identifier] = read({})['identifier'] as JsonObject[];
  assert.equal(identifier?.['system'], env.identifierSystem);
  assert.equal(identifier?.['value'], '12');
});

test('sex reads as gender, and what MediMax does not know as unknown', () => {
  for (const [sex, gender] of [
    ['Male', 'male'],
    ['Female', 'female'],
    ['Other', 'other'],
    ['', 'unknown'],
  ] as const) {
    assert.equal(read({ sex })['gender'], gender);
  }
});

test('gender writes sex; unknown and absent are Other and come back as they were', () => {
  for (const [gender, sex] of [
    ['male', 'Male'],
    ['female', 'Female'],
    ['other', 'Other'],
    ['unknown', 'Other'],
    [undefined, 'Other'],
  ] as const) {
    assert.equal(write(gender === undefined ? {} : { gender })['sex'], sex);
  }
  const unknown = writeResource(
    variant,
    { resourceType: 'Patient', name: [{ text: 'Ada' }], gender: 'unknown' },
    env,
  ).read() as JsonObject;
  assert.equal(unknown['gender'], 'unknown');
});

test('dates of birth that are partial in the table read as partial', () => {
  for (const [dob, birthDate] of [
    ['1985-04-02', '1985-04-02'],
    ['1985-04-00', '1985-04'],
    ['1985-00-00', '1985'],
    ['0000-00-00', undefined],
    [null, undefined],
  ] as const) {
    assert.equal(read({ dob })['birthDate'], birthDate);
  }
});

test('a partial birthDate writes its first day', () => {
  assert.equal(write({ birthDate: '1985' })['dob'], '1985-01-01');
  assert.equal(write({ birthDate: '1985-05' })['dob'], '1985-05-01');
});

test('a birthDate in the future or before 1900 is refused, a name is needed: all at once', () => {
  for (const birthDate of ['2999-01-01', '1899-12-31']) {
    assert.throws(
      () => writeResource(variant, { resourceType: 'Patient', birthDate }, env),
      (thrown) =>
        thrown instanceof FhirError &&
        thrown.kind === 'unprocessable' &&
        thrown.issues.some((issue) => issue.expression?.[0] === 'Patient.birthDate') &&
        thrown.issues.some((issue) => issue.code === 'required' && issue.expression?.[0]?.startsWith('Patient.name')),
    );
  }
});

test('the column takes the official name, else the usual, else the first', () => {
  const official = { use: 'official', text: 'Official' };
  const usual = { use: 'usual', text: 'Usual' };
  const first = { text: 'First' };
  assert.equal(write({ name: [first, usual, official] })['name'], 'Official');
  assert.equal(write({ name: [first, usual] })['name'], 'Usual');
  assert.equal(write({ name: [first, { text: 'Second' }] })['name'], 'First');
});

function withoutMedimaxIdentifier(resource: JsonObject): JsonObject {
  const { identifier, ...rest } = resource;
  if (!Array.isArray(identifier)) return resource;
  const others = identifier.filter((one) => !(isObject(one) && one['system'] === env.identifierSystem));
  return others.length > 0 ? { ...rest, identifier: others } : rest;
}
