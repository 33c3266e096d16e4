/** Random valid Conditions. https://hl7.org/fhir/R4/condition.html */
import fc from 'fast-check';
import type { JsonObject } from '../../../src/mapping/lift.ts';
import {
  age,
  annotation,
  backboneExtras,
  boundConcept,
  concept,
  namedConcept,
  period,
  range,
  reference,
  resourceExtras,
} from './datatypes.ts';
import { choice, dateTime, maybe, some, text, together } from './primitives.ts';

const clinicalSystem = 'http://terminology.hl7.org/CodeSystem/condition-clinical';
const verificationSystem = 'http://terminology.hl7.org/CodeSystem/condition-ver-status';

const when = { DateTime: dateTime, Age: age, Period: period, Range: range, String: text };

/** con-3 to con-5: entered-in-error without clinicalStatus, abatement only when it is over. */
const status = fc.oneof(
  fc.constant<JsonObject>({}),
  boundConcept(clinicalSystem, ['active', 'recurrence', 'relapse']).map((clinicalStatus): JsonObject => ({ clinicalStatus })),
  together(
    boundConcept(clinicalSystem, ['inactive', 'remission', 'resolved']).map((clinicalStatus): JsonObject => ({ clinicalStatus })),
    choice('abatement', when, 5),
  ),
);

const verified = fc.oneof(
  { weight: 5, arbitrary: status },
  {
    weight: 4,
    arbitrary: together(
      status,
      boundConcept(verificationSystem, ['unconfirmed', 'provisional', 'differential', 'confirmed', 'refuted']).map(
        (verificationStatus): JsonObject => ({ verificationStatus }),
      ),
    ),
  },
  {
    weight: 1,
    arbitrary: boundConcept(verificationSystem, ['entered-in-error']).map(
      (verificationStatus): JsonObject => ({ verificationStatus }),
    ),
  },
);

const severity = fc.oneof(
  concept,
  fc
    .constantFrom('255604002', '6736007', '24484000', '442452003', '371923003', '272141005')
    .map((code): JsonObject => ({ coding: [{ system: 'http://snomed.info/sct', code, display: 'as told' }], text: 'quite' })),
  fc
    .constantFrom('mild', 'critical')
    .map((code): JsonObject => ({ coding: [{ system: 'https://medimax.example/fhir/CodeSystem/medimax-severity', code }] })),
  fc.constant<JsonObject>({ text: 'Moderate' }),
);

const category = fc.oneof(
  concept,
  fc
    .constantFrom('problem-list-item', 'encounter-diagnosis')
    .map((code): JsonObject => ({ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-category', code }] })),
);

/** The contained asserter is referred to, as dom-3 demands. */
const asserter = fc.oneof(
  fc.constant<JsonObject>({}),
  reference('Practitioner', 'Patient').map((one): JsonObject => ({ asserter: one })),
  text.map(
    (name): JsonObject => ({
      contained: [{ resourceType: 'Practitioner', id: 'who', name: [{ text: name }] }],
      asserter: { reference: '#who' },
    }),
  ),
);

/** The patient's reference is given; everything else is free. */
export function arbitrary(patientId: string): fc.Arbitrary<JsonObject> {
  return together(
    fc.constant({ resourceType: 'Condition', subject: { reference: `Patient/${patientId}` } }),
    resourceExtras,
    verified,
    maybe('category', some(category, 2), 5),
    maybe('severity', severity, 5),
    fc.oneof({ weight: 6, arbitrary: namedConcept }, { weight: 3, arbitrary: concept }).map((code): JsonObject => ({ code })),
    maybe('bodySite', some(concept, 2), 3),
    maybe('encounter', reference('Encounter'), 3),
    choice('onset', when, 7),
    maybe('recordedDate', dateTime, 3),
    maybe('recorder', reference('Practitioner'), 2),
    asserter,
    maybe(
      'stage',
      some(
        together(
          backboneExtras,
          concept.map((summary): JsonObject => ({ summary })),
        ),
        1,
      ),
      2,
    ),
    maybe(
      'evidence',
      some(
        together(
          backboneExtras,
          some(concept, 2).map((code): JsonObject => ({ code })),
        ),
        2,
      ),
      2,
    ),
    maybe('note', some(annotation), 5),
  );
}
