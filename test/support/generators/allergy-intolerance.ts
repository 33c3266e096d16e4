/** Random valid AllergyIntolerances. https://hl7.org/fhir/R4/allergyintolerance.html */
import fc from 'fast-check';
import type { JsonObject } from '../../../src/mapping/lift.ts';
import {
  age,
  annotation,
  backboneExtras,
  boundConcept,
  concept,
  extension,
  namedConcept,
  period,
  range,
  reference,
  resourceExtras,
} from './datatypes.ts';
import { always, choice, dateTime, maybe, some, text, together } from './primitives.ts';

const clinicalSystem = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical';
const verificationSystem = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification';

/** ait-1 and ait-2: a clinicalStatus unless, and only unless, entered in error. */
const status = fc.oneof(
  {
    weight: 8,
    arbitrary: together(
      always('clinicalStatus', boundConcept(clinicalSystem, ['active', 'inactive', 'resolved'])),
      maybe('verificationStatus', boundConcept(verificationSystem, ['unconfirmed', 'confirmed', 'refuted']), 5),
    ),
  },
  { weight: 2, arbitrary: always('verificationStatus', boundConcept(verificationSystem, ['entered-in-error'])) },
);

const critical: JsonObject = {
  severity: 'severe',
  _severity: {
    extension: [{ url: 'https://medimax.example/fhir/StructureDefinition/medimax-severity', valueCode: 'critical' }],
  },
};

/** As the gateway itself says it. */
const unknown: JsonObject = {
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason', code: 'unknown', display: 'Unknown' }],
};

const reaction = together(
  backboneExtras,
  maybe('substance', concept, 3),
  always('manifestation', fc.oneof({ weight: 3, arbitrary: some(concept, 2) }, { weight: 1, arbitrary: fc.constant([unknown]) })),
  maybe('description', text, 3),
  maybe('onset', dateTime, 3),
  fc.oneof(maybe('severity', fc.constantFrom('mild', 'moderate', 'severe'), 6), fc.constant(critical)),
  maybe('exposureRoute', concept, 2),
  maybe('note', some(annotation, 1), 2),
);

/** A primitive array with extensions beside its items. */
const category = fc.oneof(
  always('category', fc.subarray(['food', 'medication', 'environment', 'biologic'], { minLength: 1 })),
  extension.map((more): JsonObject => ({ category: ['food', null], _category: [null, { extension: [more] }] })),
);

/** The patient's reference is given; everything else is free. */
export function arbitrary(patientId: string): fc.Arbitrary<JsonObject> {
  return together(
    fc.constant({ resourceType: 'AllergyIntolerance', patient: { reference: `Patient/${patientId}` } }),
    resourceExtras,
    status,
    maybe('type', fc.constantFrom('allergy', 'intolerance'), 4),
    fc.oneof(fc.constant<JsonObject>({}), category),
    maybe('criticality', fc.constantFrom('low', 'high', 'unable-to-assess'), 5),
    fc.oneof({ weight: 8, arbitrary: always('code', namedConcept) }, { weight: 2, arbitrary: always('code', concept) }),
    maybe('encounter', reference('Encounter'), 2),
    choice('onset', { DateTime: dateTime, Age: age, Period: period, Range: range, String: text }, 6),
    maybe('recordedDate', dateTime, 3),
    maybe('recorder', reference('Practitioner'), 2),
    maybe('lastOccurrence', dateTime, 3),
    maybe('note', some(annotation), 4),
    maybe('reaction', some(reaction), 7),
  );
}
