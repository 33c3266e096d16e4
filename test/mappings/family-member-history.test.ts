/** FamilyMemberHistory ↔ Medical_History: the laws, and each row of the mapping's table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { familyMemberHistory } from '../../mappings/family-member-history.ts';
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import { renderContent } from '../../src/mapping/render.ts';
import { replaceFirst } from '../../src/mapping/replace-first.ts';
import type { Columns, Stored } from '../../src/mapping/types.ts';
import { arbitrary } from '../support/generators/family-member-history.ts';
import { readRow, testEnv, variantOf, writeResource } from '../support/lens.ts';
import { mappingLaws } from '../support/mapping-suite.ts';

const env = testEnv(loadTermTables());
const variant = variantOf(familyMemberHistory);

mappingLaws({ variant, env, resources: arbitrary('p1'), acceptedMin: 0.6 });

const row: Columns = {
  history_id: 7,
  patient_id: 1,
  history_type: 'family_history',
  history_item: 'Diabetes',
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
const local = 'https://medimax.example/fhir/StructureDefinition/';
const relationship = { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-RoleCode', code: 'FTH' }] };
const sent: JsonObject = {
  resourceType: 'FamilyMemberHistory',
  status: 'completed',
  patient: { reference: 'Patient/p1' },
  relationship,
};
const write = (more: JsonObject) => writeResource(variant, { ...sent, condition: [{ code: { text: 'Stroke' } }], ...more }, env);
const columns = (more: JsonObject) => write(more).plan.row;

test('a whole row is one condition of some relative', () => {
  const resource = read({ history_item: 'Bad luck' });
  assert.deepEqual(resource, {
    resourceType: 'FamilyMemberHistory',
    extension: [
      { url: `${local}medimax-severity`, valueCode: 'moderate' },
      { url: `${local}medimax-active`, valueBoolean: true },
    ],
    status: 'partial',
    patient: { reference: 'Patient/pt-1' },
    relationship: {
      coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-RoleCode', code: 'FAMMEMB', display: 'family member' }],
    },
    note: [{ text: 'as told' }],
    condition: [{ code: { text: 'Bad luck' }, onsetPeriod: { start: '1994-05-01' } }],
  });
});

test('a row that says little is still valid', () => {
  const resource = read({ history_item: '', history_details: null, history_date: null, severity: null, is_active: null });
  assert.deepEqual(Object.keys(resource).sort(), ['condition', 'patient', 'relationship', 'resourceType', 'status']);
  assert.match(JSON.stringify(resource['condition']), /data-absent-reason/);
});

test('is_active and severity are extensions', () => {
  const extension = [
    { url: `${local}medimax-active`, valueBoolean: false },
    { url: `${local}medimax-severity`, valueCode: 'severe' },
  ];
  assert.equal(columns({ extension })['is_active'], 0);
  assert.equal(columns({ extension })['severity'], 'severe');
  assert.equal(columns({})['is_active'], null);
});

test('the relationship stays whatever MediMax changes; onset other than a period is kept beside NULL', () => {
  const onsetAge = { value: 74, system: 'http://unitsofmeasure.org', code: 'a' };
  const written = write({ condition: [{ code: { text: 'Stroke' }, onsetAge, contributedToDeath: true }] });
  assert.equal(written.plan.row['history_date'], null);
  const stored = { ...written.stored, row: { ...written.stored.row, history_item: 'Bad luck', history_date: '1990-02-03' } };
  const again = renderContent(variant, stored, written.overlay, written.refined, env);
  assert.deepEqual(again['relationship'], relationship);
  assert.deepEqual(again['condition'], [
    { code: { text: 'Bad luck' }, onsetPeriod: { start: '1990-02-03' }, contributedToDeath: true },
  ]);
});

test('no condition is refused', () => {
  assert.throws(() => write({ condition: undefined }), /condition\[0\]\.code must have a text/);
});

const stroke = { code: { text: 'Stroke' }, onsetPeriod: { start: '1990' }, outcome: { text: 'died' } };
const gout = {
  extension: [
    { url: `${local}medimax-severity`, valueCode: 'mild' },
    { url: `${local}medimax-active`, valueBoolean: false },
  ],
  code: { text: 'Gout', coding: [{ system: 'http://example.org/codes', code: 'G' }] },
  onsetAge: { value: 40, unit: 'a', system: 'http://unitsofmeasure.org', code: 'a' },
  note: [{ text: 'left foot' }, { text: 'as told by the son' }],
};
const asthma = { code: { text: 'Asthma' } };

test('each further condition is a row of its own', () => {
  const { plan, read: readBack } = write({ condition: [stroke, gout, asthma] });
  const again: JsonObject = readBack();
  assert.equal(plan.row['history_item'], 'Stroke');
  assert.deepEqual(plan.children, [
    { history_item: 'Gout', history_date: null, history_details: 'left foot', severity: 'mild', is_active: 0 },
    { history_item: 'Asthma', history_date: null, history_details: null, severity: null, is_active: null },
  ]);
  assert.deepEqual(again['condition'], [stroke, gout, asthma]);
});

test('a further row that MediMax wrote reads as a condition', () => {
  const stored = { ...storedAs({}), children: [{ row: { ...row, history_id: 8, history_item: 'Bad luck' }, id: null }] };
  const resource: JsonObject = readRow(variant, stored, env);
  const further = {
    extension: [
      { url: `${local}medimax-severity`, valueCode: 'moderate' },
      { url: `${local}medimax-active`, valueBoolean: true },
    ],
    code: { text: 'Bad luck' },
    onsetPeriod: { start: '1994-05-01' },
    note: [{ text: 'as told' }],
  };
  assert.deepEqual((resource['condition'] as unknown[])[1], further);
});

test('what MediMax changes of a further row speaks anew; all else stands, and rows come and go one by one', () => {
  const written = write({ condition: [stroke, gout, asthma] });
  const again = (children: Stored['children']) =>
    renderContent(variant, { ...written.stored, children }, written.overlay, written.refined, env)['condition'];
  const [first, second] = written.stored.children;
  assert.ok(first && second);
  const changed = (columns: Columns) => [{ ...first, row: { ...first.row, ...columns } }, second];
  assert.deepEqual(again(changed({ history_date: '2001-02-03' })), [
    stroke,
    { extension: gout.extension, code: gout.code, onsetPeriod: { start: '2001-02-03' }, note: gout.note },
    asthma,
  ]);
  assert.deepEqual(again(changed({ history_item: 'Podagra' })), [stroke, { ...gout, code: { text: 'Podagra' } }, asthma]);
  assert.deepEqual(again(changed({ history_details: null })), [
    stroke,
    { ...gout, note: [{ text: 'as told by the son' }] },
    asthma,
  ]);
  assert.deepEqual(again(changed({ is_active: 1 })), [
    stroke,
    { ...gout, extension: [gout.extension[0], { url: `${local}medimax-active`, valueBoolean: true }] },
    asthma,
  ]);
  assert.deepEqual(again([second]), [stroke, asthma]);
  assert.deepEqual(again([first, second, { row: { ...second.row, history_id: 99, history_item: 'Fever' }, id: null }]), [
    stroke,
    gout,
    asthma,
    { code: { text: 'Fever' } },
  ]);
});

test('where the first row goes, the next one takes its place with all that was said of it', () => {
  const written = write({ status: 'completed', note: [{ text: 'of the stroke' }], condition: [stroke, gout, asthma] });
  const [first, second] = written.stored.children;
  assert.ok(first && second);
  const now = { ...written.stored, row: { ...written.stored.row, ...first.row }, children: [second] };
  const kept = replaceFirst(variant, written.stored, now, written, env);
  const resource = renderContent(variant, now, kept.overlay, kept.refined, env);
  assert.deepEqual(resource['condition'], [gout, asthma]);
  assert.deepEqual(resource['relationship'], relationship);
  // The row that is there now says its own details, severity and state; the one that is gone says nothing any more.
  assert.deepEqual(resource['note'], [{ text: 'left foot' }]);
});
