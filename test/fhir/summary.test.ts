/** _summary and _elements. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Patient } from 'fhir/r4.js';
import { hasElement, selectElements, summarise } from '../../src/fhir/summary.ts';
import { validate } from '../../src/fhir/validate.ts';
import { examplesMissing, officialExamples } from './examples.ts';

const tag = { system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue', code: 'SUBSETTED', display: 'subsetted' };
const patient: Patient = {
  resourceType: 'Patient',
  id: 'p',
  meta: { versionId: '3' },
  text: { status: 'generated', div: '<div>x</div>' },
  extension: [{ url: 'http://example.org', valueCode: 'a' }],
  active: true,
  name: [{ family: 'A' }],
  _birthDate: { id: 'b' },
  maritalStatus: { text: 'm' },
  contact: [{ gender: 'male' }],
  link: [{ other: { reference: 'Patient/2' }, type: 'seealso' }],
};

describe('summarise', () => {
  it('keeps what each mode is for', () => {
    const keys = (mode: 'true' | 'text' | 'data' | 'count') => Object.keys(summarise(patient, mode)).join(' ');
    assert.equal(keys('true'), 'resourceType id meta active name _birthDate link');
    assert.equal(keys('text'), 'resourceType id meta text');
    assert.equal(keys('data'), 'resourceType id meta extension active name _birthDate maritalStatus contact link');
    assert.equal(keys('count'), 'resourceType id');
    assert.equal(summarise(patient, 'false'), patient);
    assert.deepEqual(summarise(patient, 'true').meta, { versionId: '3', tag: [tag] });
    assert.deepEqual(summarise(summarise(patient, 'data'), 'true').meta?.tag, [tag]);
    assert.equal(patient.meta?.tag, undefined);
  });

  it('takes only summary elements of backbone elements', () => {
    const summary = summarise(
      {
        resourceType: 'Observation',
        status: 'final',
        code: {},
        component: [{ code: { text: 'a' }, interpretation: [{ text: 'b' }] }],
      },
      'true',
    );
    assert.deepEqual(summary.component, [{ code: { text: 'a' } }]);
  });

  it('keeps official examples valid', { skip: examplesMissing }, () => {
    for (const [name, example] of officialExamples()) {
      for (const mode of ['true', 'text', 'data'] as const) {
        const before = validate(example, example.resourceType).length;
        // Without its contained resources a local reference dangles, and conditional invariants may miss a part; structure must hold.
        const issues = validate(summarise(example, mode), example.resourceType).filter(
          (issue) => issue.code === 'required' || issue.code === 'structure',
        );
        assert.ok(issues.length <= before, `${name} ${mode} ${JSON.stringify(issues)}`);
      }
    }
  });
});

describe('selectElements', () => {
  it('keeps what was asked for, and what must not be missing', () => {
    assert.deepEqual(
      Object.keys(selectElements(patient, ['birthDate', 'contact.name'])).join(' '),
      'resourceType id meta active _birthDate contact link',
    );
    const observation = selectElements(
      { resourceType: 'Observation', status: 'final', code: {}, valueString: 'x', issued: 'y' },
      ['value'],
    );
    assert.deepEqual(Object.keys(observation), ['resourceType', 'status', 'code', 'valueString', 'meta']);
    assert.ok(
      hasElement('Observation', 'value') && hasElement('Observation', 'valueQuantity') && !hasElement('Observation', 'nonsense'),
    );
  });
});
