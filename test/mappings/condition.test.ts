/** Condition ↔ Medical_History: the laws, and each row of the mapping's table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { condition } from '../../mappings/condition.ts';
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import { isObject, type JsonObject } from '../../src/mapping/lift.ts';
import { renderContent } from '../../src/mapping/render.ts';
import type { Columns, Stored } from '../../src/mapping/types.ts';
import { arbitrary } from '../support/generators/condition.ts';
import { readRow, testEnv, variantOf, writeResource } from '../support/lens.ts';
import { mappingLaws } from '../support/mapping-suite.ts';

const env = testEnv(loadTermTables());
const variant = variantOf(condition);

mappingLaws({ variant, env, resources: arbitrary('p1'), invariants: assertInvariants, acceptedMin: 0.8 });

const row: Columns = {
  history_id: 7,
  patient_id: 1,
  history_type: 'condition',
  history_item: 'Hypertension',
  history_details: 'since the 1990s',
  history_date: '1994-05-01',
  severity: 'critical',
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
const read = (columns: Columns) => readRow(variant, storedAs(columns), env);
const sent: JsonObject = { resourceType: 'Condition', subject: { reference: 'Patient/p1' }, code: { text: 'Gout' } };
const write = (more: JsonObject) => writeResource(variant, { ...sent, ...more }, env);
const back = (written: ReturnType<typeof write>): JsonObject => written.read();
const status = (code: string) => ({ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code }] });
const verified = (code: string) => ({ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-ver-status', code }] });
const snomed = (code: string) => ({ coding: [{ system: 'http://snomed.info/sct', code }] });

test('a whole row reads as a problem list item', () => {
  assert.deepEqual(read({}), {
    resourceType: 'Condition',
    clinicalStatus: status('active'),
    category: [
      {
        coding: [
          {
            system: 'http://terminology.hl7.org/CodeSystem/condition-category',
            code: 'problem-list-item',
            display: 'Problem List Item',
          },
        ],
      },
    ],
    severity: {
      coding: [
        { system: 'http://snomed.info/sct', code: '442452003', display: 'Life threatening severity' },
        { system: 'https://medimax.example/fhir/CodeSystem/medimax-severity', code: 'critical', display: 'Critical' },
      ],
    },
    code: {
      coding: [{ system: 'http://snomed.info/sct', code: '38341003', display: 'Hypertensive disorder, systemic arterial' }],
      text: 'Hypertension',
    },
    subject: { reference: 'Patient/pt-1' },
    onsetDateTime: '1994-05-01',
    note: [{ text: 'since the 1990s' }],
  });
});

test('an odd row says only what it can say', () => {
  const odd = read({ history_item: '', history_details: '', history_date: '1985-00-00', severity: '', is_active: null });
  assert.deepEqual(Object.keys(odd).sort(), ['category', 'clinicalStatus', 'onsetDateTime', 'resourceType', 'subject']);
  assert.equal(odd['onsetDateTime'], '1985');
  assert.deepEqual(odd['clinicalStatus'], status('active'));
  assert.equal(read({ history_date: '0000-00-00' })['onsetDateTime'], undefined);
});

for (const [code, flag] of [
  ['active', 1],
  ['recurrence', 1],
  ['relapse', 1],
  ['inactive', 0],
  ['remission', 0],
  ['resolved', 0],
] as const) {
  test(`clinicalStatus ${code} is is_active ${flag}, and the exact code comes back`, () => {
    const written = write({ clinicalStatus: status(code) });
    assert.equal(written.plan.row['is_active'], flag);
    assert.deepEqual(back(written)['clinicalStatus'], status(code));
  });
}

test('without clinicalStatus is_active is NULL, not 1', () => {
  assert.equal(write({}).plan.row['is_active'], null);
});

test('verificationStatus refuted is is_active 0 with a warning', () => {
  const written = write({ verificationStatus: verified('refuted') });
  assert.equal(written.plan.row['is_active'], 0);
  assert.equal(back(written)['clinicalStatus'], undefined);
  assert.equal(written.plan.issues[0]?.severity, 'warning');
});

for (const code of ['provisional', 'differential', 'unconfirmed']) {
  test(`verificationStatus ${code} goes by clinicalStatus, with a warning`, () => {
    const written = write({ clinicalStatus: status('active'), verificationStatus: verified(code) });
    assert.equal(written.plan.row['is_active'], 1);
    assert.match(written.plan.issues[0]?.text ?? '', /cannot show doubt/);
  });
}

test('each severity goes both ways by its SNOMED code', () => {
  for (const [severity, code] of [
    ['mild', '255604002'],
    ['moderate', '6736007'],
    ['severe', '24484000'],
    ['critical', '442452003'],
    ['moderate', '371923003'],
    ['severe', '371924009'],
  ] as const)
    assert.equal(write({ severity: snomed(code) }).plan.row['severity'], severity);
  assert.equal(write({ severity: { text: 'Moderate ' } }).plan.row['severity'], 'moderate');
  assert.equal(write({}).plan.row['severity'], null);
});

test('a severity MediMax has no word for is kept beside NULL, with a warning', () => {
  const written = write({ severity: snomed('272141005') });
  assert.equal(written.plan.row['severity'], null);
  assert.equal(written.plan.issues[0]?.severity, 'warning');
});

test('a severity that contradicts itself is refused', () => {
  const local = { system: 'https://medimax.example/fhir/CodeSystem/medimax-severity', code: 'mild' };
  const severity = { coding: [{ system: 'http://snomed.info/sct', code: '24484000' }, local] };
  assert.throws(() => write({ severity }), /severe and mild at once/);
});

test('history_item is the text, else the first display, else system|code; without any it is refused', () => {
  const item = (code: JsonObject) => write({ code }).plan.row['history_item'];
  const coding = [{ system: 'http://snomed.info/sct', code: '1' }, { display: 'Gout attack' }];
  assert.equal(item({ text: 'Podagra', coding }), 'Podagra');
  assert.equal(item({ coding }), 'Gout attack');
  assert.equal(item({ coding: coding.slice(0, 1) }), 'http://snomed.info/sct|1');
  assert.throws(() => item({ extension: [{ url: 'http://x', valueCode: 'y' }] }), /Condition\.code must have a text/);
});

test('255 characters fit, counted as MediMax counts, 256 are refused and never cut', () => {
  assert.equal(write({ code: { text: '😀'.repeat(255) } }).plan.row['history_item'], '😀'.repeat(255));
  assert.throws(() => write({ code: { text: 'a'.repeat(256) } }), /255 characters/);
});

test('onset: the calendar day as written; a period its start; an age, a range or a text no day', () => {
  const date = (more: JsonObject) => write(more).plan.row['history_date'];
  assert.equal(date({ onsetDateTime: '2012-05-24T23:30:00-11:00' }), '2012-05-24');
  assert.equal(date({ onsetDateTime: '2012' }), '2012-01-01');
  assert.equal(date({ onsetPeriod: { start: '2012-05', end: '2012-07' } }), '2012-05-01');
  assert.equal(date({ onsetAge: { value: 52, system: 'http://unitsofmeasure.org', code: 'a' } }), null);
  assert.equal(date({ onsetString: 'in her forties' }), null);
  assert.equal(date({ onsetDateTime: '2026-11-24' }), '2026-11-24');
  assert.throws(() => date({ onsetDateTime: '2026-11-25' }), /in the future/);
});

test('MediMax taking an entry up again ends what con-4 and con-5 would forbid', () => {
  const over = write({
    clinicalStatus: status('resolved'),
    verificationStatus: verified('confirmed'),
    abatementString: 'in May',
  });
  const again = readAgain(over, { is_active: 1 });
  assert.deepEqual(again['clinicalStatus'], status('active'));
  assert.equal(again['abatementString'], undefined);
});

test('a category a client sent outlives changes; only an entry nobody categorised is a problem list item', () => {
  const category = [{ text: 'diagnosis' }];
  assert.deepEqual(readAgain(write({ category }), { severity: 'mild' })['category'], category);
  assert.equal(back(write({}))['category'], undefined);
});

function readAgain(written: ReturnType<typeof write>, columns: Columns): JsonObject {
  const stored = { ...written.stored, row: { ...written.stored.row, ...columns } };
  return renderContent(variant, stored, written.overlay, written.refined, env);
}

function assertInvariants(resource: JsonObject): void {
  const clinical = codeOf(resource['clinicalStatus']);
  const verification = codeOf(resource['verificationStatus']);
  const over = ['resolved', 'remission', 'inactive'].includes(clinical ?? '');
  const abated = Object.keys(resource).some((key) => /^_?abatement/.test(key));
  assert.ok(!abated || over, 'con-4');
  assert.ok(verification !== 'entered-in-error' || resource['clinicalStatus'] === undefined, 'con-5');
}

function codeOf(concept: unknown): string | undefined {
  if (!isObject(concept) || !Array.isArray(concept['coding'])) return undefined;
  const bound = concept['coding'].find((one: JsonObject) => String(one['system']).includes('/CodeSystem/condition-'));
  return bound === undefined ? undefined : String(bound['code']);
}
