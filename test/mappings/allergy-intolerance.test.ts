/** AllergyIntolerance ↔ Medical_History: the laws, and each row of the mapping's table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allergyIntolerance } from '../../mappings/allergy-intolerance.ts';
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import { renderContent } from '../../src/mapping/render.ts';
import type { Columns, Stored } from '../../src/mapping/types.ts';
import { arbitrary } from '../support/generators/allergy-intolerance.ts';
import { readRow, testEnv, variantOf, writeResource } from '../support/lens.ts';
import { mappingLaws } from '../support/mapping-suite.ts';

const env = testEnv(loadTermTables());
const variant = variantOf(allergyIntolerance);

mappingLaws({ variant, env, resources: arbitrary('p1'), acceptedMin: 0.7 });

const row: Columns = {
  history_id: 7,
  patient_id: 1,
  history_type: 'allergy',
  history_item: 'Penicillin',
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
const clinical = (code: string) => ({
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code }],
});
const verified = (code: string) => ({
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification', code }],
});
const sent: JsonObject = {
  resourceType: 'AllergyIntolerance',
  clinicalStatus: clinical('active'),
  code: { text: 'Nuts' },
  patient: { reference: 'Patient/p1' },
};
const write = (more: JsonObject) => writeResource(variant, { ...sent, ...more }, env);
const columns = (more: JsonObject) => write(more).plan.row;
const after = (written: ReturnType<typeof write>, changed: Columns): JsonObject =>
  renderContent(
    variant,
    { ...written.stored, row: { ...written.stored.row, ...changed } },
    written.overlay,
    written.refined,
    env,
  );
const hives = [{ text: 'Hives' }];
const unknown = [
  { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason', code: 'unknown', display: 'Unknown' }] },
];
const exact = {
  extension: [{ url: 'https://medimax.example/fhir/StructureDefinition/medimax-severity', valueCode: 'critical' }],
};

test('a whole row, without a type or category made up', () => {
  assert.deepEqual(read({}), {
    resourceType: 'AllergyIntolerance',
    clinicalStatus: clinical('active'),
    code: { text: 'Penicillin' },
    patient: { reference: 'Patient/pt-1' },
    onsetDateTime: '1994-05-01',
    note: [{ text: 'as told' }],
    reaction: [{ manifestation: unknown, severity: 'moderate' }],
  });
});

test('critical is severe with an extension, and high criticality', () => {
  const { reaction, criticality } = read({ severity: 'critical' });
  assert.deepEqual(reaction, [{ manifestation: unknown, severity: 'severe', _severity: exact }]);
  assert.equal(criticality, 'high');
  assert.equal(columns({ reaction: [{ manifestation: hives, severity: 'severe', _severity: exact }] })['severity'], 'critical');
});

test('mild, the default of the column, is shown only where configuration says so, or a client said it', () => {
  assert.equal(read({ severity: 'mild' })['reaction'], undefined);
  const shown = read({ severity: 'mild' }, { ...env, showDefaultAllergySeverity: true });
  assert.deepEqual(shown['reaction'], [{ manifestation: unknown, severity: 'mild' }]);
  const written = write({ reaction: [{ manifestation: hives, severity: 'mild' }] });
  assert.equal(written.plan.row['severity'], 'mild');
  assert.deepEqual((written.read() as JsonObject)['reaction'], [{ manifestation: hives, severity: 'mild' }]);
});

test('the column takes the worst reaction; criticality alone never writes it', () => {
  const reaction = [
    { manifestation: hives, severity: 'mild' },
    { manifestation: hives, severity: 'severe' },
  ];
  assert.equal(columns({ reaction })['severity'], 'severe');
  assert.equal(columns({ criticality: 'high' })['severity'], null);
});

test("MediMax's severity shows at the first reaction, whose manifestation stays; a client criticality gives way to critical alone", () => {
  const written = write({ criticality: 'low', reaction: [{ manifestation: hives, severity: 'mild', description: 'itchy' }] });
  const worse = after(written, { severity: 'moderate' });
  assert.deepEqual(worse['reaction'], [{ manifestation: hives, severity: 'moderate', description: 'itchy' }]);
  assert.equal(worse['criticality'], 'low');
  assert.equal(after(written, { severity: 'critical' })['criticality'], 'high');
  assert.deepEqual(after(written, { severity: null })['reaction'], [{ manifestation: hives, description: 'itchy' }]);
});

for (const item of ['NKDA', 'no known allergies', 'None']) {
  test(`${item} is no allergen`, () => {
    assert.deepEqual(read({ history_item: item })['code'], {
      coding: [{ system: 'http://snomed.info/sct', code: '716186003', display: 'No known allergy' }],
      text: item,
    });
  });
}

test('status: active 1, inactive and resolved 0; refuted 0', () => {
  const flag = (more: JsonObject) => columns(more)['is_active'];
  assert.deepEqual(
    ['active', 'inactive', 'resolved'].map((code) => flag({ clinicalStatus: clinical(code) })),
    [1, 0, 0],
  );
  assert.equal(flag({ verificationStatus: verified('refuted') }), 0);
  assert.deepEqual(
    [0, 1, null].map((is_active) => read({ is_active })['clinicalStatus']),
    [clinical('inactive'), clinical('active'), clinical('active')],
  );
});
