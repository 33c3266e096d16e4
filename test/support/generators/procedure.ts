/** Random valid Procedures. https://hl7.org/fhir/R4/procedure.html */
import fc from 'fast-check';
import type { JsonObject } from '../../../src/mapping/lift.ts';
import { age, annotation, backboneExtras, concept, namedConcept, period, range, reference, resourceExtras } from './datatypes.ts';
import { always, choice, dateTime, maybe, some, text, together } from './primitives.ts';

const statuses = [
  'completed',
  'completed',
  'completed',
  'unknown',
  'in-progress',
  'on-hold',
  'stopped',
  'entered-in-error',
  'not-done',
];

const severity = fc.constantFrom('mild', 'critical').map(
  (valueCode): JsonObject => ({
    extension: [
      { url: 'http://example.org/other', valueString: 'before' },
      { url: 'https://medimax.example/fhir/StructureDefinition/medimax-severity', valueCode },
    ],
  }),
);

/** The patient's reference is given; everything else is free. */
export function arbitrary(patientId: string): fc.Arbitrary<JsonObject> {
  return together(
    fc.constant({ resourceType: 'Procedure', subject: { reference: `Patient/${patientId}` } }),
    resourceExtras,
    fc.oneof({ weight: 7, arbitrary: fc.constant<JsonObject>({}) }, { weight: 3, arbitrary: severity }),
    always('status', fc.constantFrom(...statuses)),
    maybe('statusReason', concept, 2),
    maybe('category', concept, 4),
    fc.oneof({ weight: 8, arbitrary: always('code', namedConcept) }, { weight: 2, arbitrary: maybe('code', concept, 7) }),
    choice('performed', { DateTime: dateTime, Period: period, String: text, Age: age, Range: range }, 7),
    maybe('performer', some(together(backboneExtras, always('actor', reference('Practitioner'))), 2), 4),
    maybe('location', reference('Location'), 2),
    maybe('reasonCode', some(concept, 2), 3),
    maybe('bodySite', some(concept, 2), 3),
    maybe('outcome', concept, 2),
    maybe('followUp', some(concept, 1), 2),
    maybe('note', some(annotation), 4),
    maybe('usedCode', some(concept, 1), 1),
  );
}
