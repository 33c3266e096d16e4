/** References: their forms, and finding all of them. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fhirpath from 'fhirpath';
import r4 from 'fhirpath/fhir-context/r4';
import { plain } from '../../src/fhir/json.ts';
import { forEachReference, parseReference, referencedType } from '../../src/fhir/references.ts';
import { examplesMissing, officialExamples } from './examples.ts';

describe('parseReference', () => {
  it('knows all forms', () => {
    assert.deepEqual(parseReference('Patient/12'), { kind: 'relative', type: 'Patient', id: '12' });
    assert.deepEqual(parseReference('Patient/12/_history/3'), { kind: 'relative', type: 'Patient', id: '12', version: '3' });
    assert.deepEqual(parseReference('https://a.org/fhir/Patient/12'), {
      kind: 'absolute',
      url: 'https://a.org/fhir/Patient/12',
      base: 'https://a.org/fhir',
      type: 'Patient',
      id: '12',
    });
    assert.deepEqual(parseReference('http://a.org/x'), { kind: 'absolute', url: 'http://a.org/x' });
    assert.deepEqual(parseReference('urn:uuid:1'), { kind: 'urn', urn: 'urn:uuid:1' });
    assert.deepEqual(parseReference('#a'), { kind: 'contained', id: 'a' });
    assert.deepEqual(parseReference('#'), { kind: 'contained', id: '' });
    assert.deepEqual(parseReference('Patient?identifier=a|b'), { kind: 'conditional', type: 'Patient', query: 'identifier=a|b' });
    for (const text of [
      '',
      'Patient',
      'Patient/',
      'Nonsense/1',
      'Patient/a b',
      'Patient/1/2',
      'patient/1',
      '#a b',
      'a b',
      'Patient?',
      '/Patient/1',
    ]) {
      assert.equal(parseReference(text), undefined, text);
    }
    assert.equal(referencedType({ reference: 'urn:uuid:1', type: 'Patient' }), 'Patient');
    assert.equal(referencedType({ reference: 'Group/1', type: 'Patient' }), 'Group');
  });
});

describe('forEachReference', () => {
  it('finds every reference, where FHIRPath finds it', { skip: examplesMissing }, () => {
    let count = 0;
    for (const [name, example] of officialExamples()) {
      forEachReference(example, (reference, expression) => {
        count++;
        assert.deepEqual(fhirpath.evaluate(plain(example), expression, {}, r4), [reference], `${name} ${expression}`);
      });
      const found: unknown[] = [];
      forEachReference(example, (reference) => found.push(reference.reference));
      const expected: unknown = fhirpath.evaluate(
        example,
        'descendants().where(reference.exists() and $this is Reference or reference is string).reference',
        {},
        r4,
      );
      assert.ok(Array.isArray(expected));
      assert.deepEqual(found.filter((one) => one !== undefined).sort(), expected.sort(), name);
    }
    assert.ok(count > 200);
  });

  it('looks into extensions, contained resources and siblings of primitives', () => {
    const found: string[] = [];
    const extension = [{ url: 'x', valueReference: { reference: 'Patient/1' } }];
    forEachReference(
      {
        resourceType: 'MedicationStatement',
        contained: [{ resourceType: 'Encounter', subject: { reference: 'Patient/1' }, extension }],
        medicationReference: { display: 'x' },
        _status: { extension },
        _given: [null, { extension }],
      },
      (_reference, expression) => found.push(expression),
    );
    assert.deepEqual(found, [
      'MedicationStatement.contained[0].subject',
      'MedicationStatement.contained[0].extension[0].value',
      'MedicationStatement.medication',
      'MedicationStatement.status.extension[0].value',
      'MedicationStatement.given[1].extension[0].value',
    ]);
  });
});
