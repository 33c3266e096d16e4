/** MedicationStatement ↔ Medication and Medication_Purpose: the laws, and each row of the mapping's table. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { medicationStatement } from '../../mappings/medication-statement.ts';
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import { planColumns } from '../../src/mapping/plan.ts';
import { liftedContentOf, renderContent, renderLifted } from '../../src/mapping/render.ts';
import type { Columns, Stored } from '../../src/mapping/types.ts';
import { arbitrary } from '../support/generators/medication-statement.ts';
import { readRow, testEnv, variantOf, writeResource } from '../support/lens.ts';
import { mappingLaws } from '../support/mapping-suite.ts';

const env = testEnv(loadTermTables());
const variant = variantOf(medicationStatement);

mappingLaws({ variant, env, resources: arbitrary('p1'), acceptedMin: 0.4 });

const row: Columns = {
  medication_id: 4,
  patient_id: 1,
  medicine_name: 'Metformin',
  is_continued: 1,
  prescribed_date: '2020-03-01',
  discontinued_date: null,
  dosage: null,
  frequency: null,
  prescribed_by: null,
  created_at: '2024-01-01 10:00:00',
  updated_at: '2024-01-01 10:00:00',
};
const storedAs = (columns: Columns, purposes: readonly Columns[] = []): Stored => ({
  row: { ...row, ...columns },
  parent: null,
  children: purposes.map((one, index) => ({ row: { purpose_id: index + 1, medication_id: 4, ...one }, id: null })),
  patientId: 'pt-1',
  parentId: null,
});
const read = (columns: Columns, purposes: readonly Columns[] = []) => readRow(variant, storedAs(columns, purposes), env);
const sent: JsonObject = {
  resourceType: 'MedicationStatement',
  status: 'active',
  medicationCodeableConcept: { text: 'Aspirin' },
  subject: { reference: 'Patient/p1' },
  effectivePeriod: { start: '2021-01-01' },
};
const write = (more: JsonObject) => writeResource(variant, { ...sent, ...more }, env);
const columns = (more: JsonObject) => write(more).plan.row;
const back = (written: ReturnType<typeof write>): JsonObject => written.read();
const after = (written: ReturnType<typeof write>, changed: Columns): JsonObject =>
  renderContent(
    variant,
    { ...written.stored, row: { ...written.stored.row, ...changed } },
    written.overlay,
    written.refined,
    env,
  );
/** The columns that an update from what these rows read as to the resource would write. */
function update(stored: Stored, change: (resource: JsonObject) => JsonObject): Columns {
  const lifted = renderLifted(variant, stored, null, 0, env);
  const resource = change(readRow(variant, stored, env));
  return planColumns({
    variant,
    resource,
    lifted: liftedContentOf(variant, resource, env),
    current: { stored, lifted },
    env,
    timestamp: '2026-11-23 10:00:00',
    resolve: () => 1,
  }).row;
}

for (const [flag, status] of [
  [1, 'active'],
  [0, 'stopped'],
  [null, 'unknown'],
] as const) {
  test(`is_continued ${flag} reads as ${status}`, () => {
    assert.equal(read({ is_continued: flag })['status'], status);
  });
}

test('what is prescribed for a day ahead is intended', () => {
  assert.equal(read({ prescribed_date: '2026-11-24' })['status'], 'intended');
  assert.equal(read({ prescribed_date: '2026-11-23' })['status'], 'active');
});

for (const [status, flag] of [
  ['active', 1],
  ['intended', 1],
  ['on-hold', 1],
  ['stopped', 0],
  ['completed', 0],
  ['not-taken', 0],
  ['unknown', null],
] as const) {
  test(`status ${status} is is_continued ${flag}, and the exact code comes back`, () => {
    const written = write({ status, effectivePeriod: { start: '2021-01-01', end: '2021-02-01' } });
    assert.equal(written.plan.row['is_continued'], flag);
    assert.equal(back(written)['status'], status);
  });
}

test('prescribed_date: start, else effectiveDateTime, else dateAsserted, else refused: never today', () => {
  const prescribed = (more: JsonObject) => columns({ effectivePeriod: undefined, ...more })['prescribed_date'];
  assert.equal(prescribed({ effectivePeriod: { start: '2015-01-23T23:00:00-11:00' } }), '2015-01-23');
  assert.equal(prescribed({ effectiveDateTime: '2015-01' }), '2015-01-01');
  assert.equal(prescribed({ dateAsserted: '2015-02-22' }), '2015-02-22');
  assert.throws(() => prescribed({}), /effectivePeriod\.start, effectiveDateTime or dateAsserted/);
});

test('discontinued_date: the end; what is over without one ends when it was asserted, else is refused', () => {
  const discontinued = (more: JsonObject) => columns(more)['discontinued_date'];
  assert.equal(discontinued({ effectivePeriod: { start: '2021', end: '2022-05-01' } }), '2022-05-01');
  assert.equal(discontinued({ status: 'stopped', dateAsserted: '2022-06-01T10:00:00Z' }), '2022-06-01');
  assert.equal(discontinued({}), null);
  assert.throws(() => discontinued({ status: 'completed' }), /give effectivePeriod\.end or dateAsserted/);
});

test('an end before its start, or not surely after it, is an extension, and not lost on the way back', () => {
  const stored = storedAs({ is_continued: 0, discontinued_date: '2019-01-01' });
  const url = 'https://medimax.example/fhir/StructureDefinition/medimax-discontinued-date';
  assert.deepEqual(readRow(variant, stored, env)['effectivePeriod'], {
    extension: [{ url, valueDate: '2019-01-01' }],
    start: '2020-03-01',
  });
  assert.deepEqual(
    update(stored, (resource) => ({ ...resource, status: 'active' })),
    { is_continued: 1 },
  );
  const period = read({ discontinued_date: '2020-00-00' })['effectivePeriod'];
  assert.deepEqual(period, { extension: [{ url, valueDate: '2020' }], start: '2020-03-01' });
});

test('an update writes only the part of the course that changed', () => {
  const odd = storedAs({ prescribed_date: '1985-00-00', is_continued: 2, discontinued_date: '1986-05-00' });
  assert.deepEqual(
    update(odd, (resource) => ({ ...resource, statusReason: [{ text: 'as told' }] })),
    {},
  );
  assert.deepEqual(
    update(odd, (resource) => ({ ...resource, status: 'stopped' })),
    { is_continued: 0 },
  );
  assert.deepEqual(
    update(odd, (resource) => ({ ...resource, effectivePeriod: { start: '1985', end: '1987' } })),
    { discontinued_date: '1987-01-01' },
  );
  const over = storedAs({ is_continued: 0, discontinued_date: '2022-01-01' });
  assert.deepEqual(
    update(over, (resource) => ({
      ...resource,
      status: 'completed',
      effectiveDateTime: '2020-03-01',
      effectivePeriod: undefined,
    })),
    {},
  );
  assert.deepEqual(
    update(over, (resource) => ({ ...resource, status: 'active', effectivePeriod: { start: '2020-03-01' } })),
    { is_continued: 1, discontinued_date: null },
  );
});

test('medicine_name: text, else display; RxNorm where the table is sure; a reason where there is none', () => {
  assert.equal(columns({ medicationCodeableConcept: { coding: [{ display: 'Aspirin 81' }] } })['medicine_name'], 'Aspirin 81');
  assert.equal(columns({})['medicine_name'], 'Aspirin');
  assert.deepEqual(read({ medicine_name: 'something home made' })['medicationCodeableConcept'], { text: 'something home made' });
  assert.match(JSON.stringify(read({})['medicationCodeableConcept']), /rxnorm.*"text":"Metformin"/);
  assert.match(JSON.stringify(read({ medicine_name: '' })['medicationCodeableConcept']), /data-absent-reason/);
});

test('a contained Medication gives its name and comes back; renamed by MediMax, it goes with its reference', () => {
  const written = write({
    medicationCodeableConcept: undefined,
    contained: [{ resourceType: 'Medication', id: 'm', code: { text: 'Tylenol PM' } }],
    medicationReference: { reference: '#m' },
  });
  assert.equal(written.plan.row['medicine_name'], 'Tylenol PM');
  assert.deepEqual(back(written)['medicationReference'], { reference: '#m' });
  const renamed = after(written, { medicine_name: 'Mystery' });
  assert.deepEqual(renamed['medicationCodeableConcept'], { text: 'Mystery' });
  assert.equal(renamed['medicationReference'], undefined);
  assert.equal(renamed['contained'], undefined);
});

test('a Medication elsewhere is taken by its display, and refused without', () => {
  const medicationReference = { reference: 'Medication/1', display: 'Aspirin 100' };
  assert.equal(columns({ medicationCodeableConcept: undefined, medicationReference })['medicine_name'], 'Aspirin 100');
  const bare = { medicationCodeableConcept: undefined, medicationReference: { reference: 'Medication/1' } };
  assert.throws(() => write(bare), /medicationReference\.display, or contain the Medication/);
});

test('prescribed_by reads as the requester of a contained order, and is no information source', () => {
  const resource = read({ prescribed_by: 'Dr. House' });
  assert.deepEqual(resource['contained'], [
    {
      resourceType: 'MedicationRequest',
      id: 'medimax-prescription',
      status: 'unknown',
      intent: 'order',
      medicationCodeableConcept: read({})['medicationCodeableConcept'],
      subject: { reference: 'Patient/pt-1' },
      requester: { type: 'Practitioner', display: 'Dr. House' },
    },
  ]);
  assert.deepEqual(resource['basedOn'], [{ reference: '#medimax-prescription' }]);
  assert.equal(resource['informationSource'], undefined);
});

const order = { resourceType: 'MedicationRequest', id: 'o', status: 'active', intent: 'order', subject: { display: 'He' } };

test('prescribed_by is written from the order that basedOn names: display, or the contained Practitioner', () => {
  const named = {
    ...order,
    medicationCodeableConcept: { text: 'x' },
    requester: { reference: 'Practitioner/9', display: 'Dr. Who' },
  };
  const basedOn = [{ reference: 'CarePlan/1' }, { reference: '#o' }];
  const written = write({ contained: [named], basedOn });
  assert.equal(written.plan.row['prescribed_by'], 'Dr. Who');
  const contained = [
    { resourceType: 'Practitioner', id: 'd', name: [{ given: ['Doris'], family: 'Day' }] },
    { ...named, requester: { reference: '#d' } },
  ];
  assert.equal(columns({ contained, basedOn })['prescribed_by'], 'Doris Day');
  assert.equal(columns({})['prescribed_by'], null);
});

test('a client order gives way when MediMax changes the name; the requester stays while only the medicine changes', () => {
  const requester = { reference: 'Practitioner/9', display: 'Dr. Who' };
  const contained = [{ ...order, medicationCodeableConcept: { text: 'x' }, requester }];
  const written = write({ contained, basedOn: [{ reference: '#o' }] });
  const renamed = JSON.stringify(after(written, { medicine_name: 'Mystery' })['contained']);
  assert.match(renamed, /"text":"Mystery"/);
  assert.match(renamed, /Practitioner\/9/);
  const other = JSON.stringify(after(written, { prescribed_by: 'Dr. No' })['contained']);
  assert.match(other, /Dr\. No/);
  assert.doesNotMatch(other, /Practitioner\/9/);
  const nobody = after(written, { prescribed_by: null });
  assert.deepEqual([nobody['contained'], nobody['basedOn']], [undefined, undefined]);
});

test('each purpose is a reason; its description an extension; empty ones say nothing', () => {
  const url = 'https://medimax.example/fhir/StructureDefinition/medimax-purpose-description';
  const purposes = [
    { condition_name: 'Diabetes', purpose_description: 'to lower glucose' },
    { condition_name: null, purpose_description: '' },
    { condition_name: null, purpose_description: 'weight' },
  ];
  assert.deepEqual(read({}, purposes)['reasonCode'], [
    { extension: [{ url, valueString: 'to lower glucose' }], text: 'Diabetes' },
    { extension: [{ url, valueString: 'weight' }] },
  ]);
  assert.equal(read({})['reasonCode'], undefined);
});

test('each reason is a purpose: text, else display; what says nothing makes no row', () => {
  const url = 'https://medimax.example/fhir/StructureDefinition/medimax-purpose-description';
  const reasonCode = [
    { coding: [{ display: 'Restless Legs' }] },
    { text: 'Pain', extension: [{ url, valueString: 'at night' }] },
    { extension: [{ url: 'http://x', valueCode: 'y' }] },
  ];
  const written = write({ reasonCode });
  assert.deepEqual(written.plan.children, [
    { condition_name: 'Restless Legs', purpose_description: null },
    { condition_name: 'Pain', purpose_description: 'at night' },
  ]);
  assert.deepEqual(back(written)['reasonCode'], reasonCode);
});

test('dosage and frequency read as one instruction: text, dose, timing, and the exact dosage', () => {
  const resource = read({ dosage: '500 mg', frequency: 'twice daily' });
  assert.deepEqual(resource['dosage'], [
    {
      extension: [{ url: 'https://medimax.example/fhir/StructureDefinition/medimax-dosage-text', valueString: '500 mg' }],
      text: '500 mg twice daily',
      timing: {
        repeat: { frequency: 2, period: 1, periodUnit: 'd' },
        code: {
          coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-GTSAbbreviation', code: 'BID', display: 'BID' }],
          text: 'twice daily',
        },
      },
      doseAndRate: [{ doseQuantity: { value: 500, unit: 'mg', system: 'http://unitsofmeasure.org', code: 'mg' } }],
    },
  ]);
  assert.equal(read({ dosage: '', frequency: ' ' })['dosage'], undefined);
});

test('a dosage is written from dose and timing, from its text only where there is neither', () => {
  const written = (first: JsonObject) => {
    const { dosage, frequency } = columns({ dosage: [first, { text: 'and then less' }] });
    return { dosage, frequency };
  };
  const doseAndRate = [{ doseQuantity: { value: 5, unit: 'mL' } }];
  const timing = { repeat: { frequency: 3, period: 1, periodUnit: 'd' } };
  assert.deepEqual(written({ text: 'as told', doseAndRate, timing }), { dosage: '5 mL', frequency: '3 times daily' });
  assert.deepEqual(written({ text: '1 tablet per day' }), { dosage: '1 tablet per day', frequency: null });
  assert.throws(() => written({ text: 'x'.repeat(101) }), /at most 100/);
});

test('MediMax changing the frequency keeps the client dose, and the other way round; the text goes with either', () => {
  const doseAndRate = [{ type: { text: 'ordered' }, doseQuantity: { value: 5, unit: 'mL' } }];
  const timing = { event: ['2020-01-01'], code: { text: 'on Mondays' } };
  const asNeededCodeableConcept = { text: 'pain' };
  const route = { text: 'oral' };
  const written = write({ dosage: [{ text: 'as told', doseAndRate, timing, asNeededCodeableConcept, route }] });
  const first = (changed: Columns) => (after(written, changed)['dosage'] as JsonObject[])[0] ?? {};
  const often = first({ frequency: 'twice daily as needed' });
  assert.deepEqual(often['doseAndRate'], doseAndRate);
  assert.equal(often['text'], '5 mL twice daily as needed');
  assert.equal(often['asNeededCodeableConcept'], undefined);
  assert.equal(often['asNeededBoolean'], true);
  const more = first({ dosage: '10 mL' });
  assert.deepEqual([more['timing'], more['asNeededCodeableConcept'], more['route']], [timing, asNeededCodeableConcept, route]);
  assert.equal(more['asNeededBoolean'], undefined);
});

test('an update of one part of a dosage writes that column alone, and of its text alone where text is all there is', () => {
  const odd = storedAs({ dosage: 'two\u0000puffs', frequency: 'BID' });
  const withFirst = (change: JsonObject) => (resource: JsonObject) => ({
    ...resource,
    dosage: [{ ...(resource['dosage'] as JsonObject[])[0], ...change }],
  });
  assert.deepEqual(update(odd, withFirst({ timing: { code: { text: 'hourly' } } })), { frequency: 'hourly' });
  assert.deepEqual(update(odd, withFirst({ route: { text: 'oral' } })), {});
  assert.deepEqual(
    update(odd, (resource) => ({ ...resource, dosage: [{ text: 'one puff' }] })),
    { dosage: 'one puff', frequency: null },
  );
});

test('a text that says more than MediMax will show is kept with a warning', () => {
  const half = { text: '5 mL three times daily', doseAndRate: [{ doseQuantity: { value: 5, unit: 'mL' } }] };
  const issues = (first: JsonObject) => write({ dosage: [first] }).plan.issues.map(({ text }) => text);
  assert.match(issues(half)[0] ?? '', /shows how much, but not how often/);
  assert.deepEqual(issues({ ...half, timing: { code: { text: 'three times daily' } } }), []);
  assert.deepEqual(issues({ text: '5 mL three times daily' }), []);
});

test('MediMax changing a purpose ends what a client said of the reasons, and of nothing else', () => {
  const reasonCode = [{ coding: [{ system: 'http://snomed.info/sct', code: '22253000' }], text: 'Pain' }];
  const written = write({ status: 'on-hold', reasonCode });
  const children = [{ row: { purpose_id: 1, condition_name: 'Fever', purpose_description: null }, id: null }];
  const changed = renderContent(variant, { ...written.stored, children }, written.overlay, written.refined, env);
  assert.deepEqual(changed['reasonCode'], [{ text: 'Fever' }]);
  assert.equal(changed['status'], 'on-hold');
});
