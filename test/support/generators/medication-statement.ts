/** Random valid MedicationStatements. https://hl7.org/fhir/R4/medicationstatement.html */
import fc from 'fast-check';
import type { JsonObject } from '../../../src/mapping/lift.ts';
import { annotation, concept, dosage, namedConcept, reference, resourceExtras } from './datatypes.ts';
import { always, date, dateTime, instant, maybe, some, text, together } from './primitives.ts';

const statuses = ['active', 'completed', 'entered-in-error', 'intended', 'stopped', 'on-hold', 'unknown', 'not-taken'];

const contained = (...resources: readonly JsonObject[]): JsonObject => ({ contained: resources });

const medication = fc.oneof(
  { weight: 5, arbitrary: always('medicationCodeableConcept', namedConcept) },
  { weight: 2, arbitrary: always('medicationCodeableConcept', concept) },
  { weight: 2, arbitrary: always('medicationReference', reference('Medication')) },
  {
    weight: 3,
    arbitrary: fc.tuple(namedConcept, maybe('display', text)).map(
      ([code, more]): JsonObject => ({
        ...contained({ resourceType: 'Medication', id: 'med', code }),
        medicationReference: { reference: '#med', ...more },
      }),
    ),
  },
);

/** Start before end whatever their precision: the end is in a later year. */
const effectivePeriod = fc
  .tuple(date, fc.integer({ min: 2026, max: 2030 }), maybe('id', fc.constant('p'), 1))
  .map(([start, end, more]): JsonObject => ({ effectivePeriod: { ...more, start, end: `${end}` } }));
const effective = fc.oneof(
  fc.constant<JsonObject>({}),
  always('effectiveDateTime', dateTime),
  effectivePeriod,
  instant.map((start): JsonObject => ({ effectivePeriod: { start } })),
  date.map((end): JsonObject => ({ effectivePeriod: { end } })),
);

const order = (requester: JsonObject, more: JsonObject): JsonObject => ({
  resourceType: 'MedicationRequest',
  id: 'order',
  status: 'active',
  intent: 'order',
  medicationCodeableConcept: { text: 'As ordered' },
  subject: { display: 'Somebody' },
  requester,
  ...more,
});

/** An order with a requester by name, by a contained Practitioner, or by nothing MediMax could show; or no order at all. */
const basedOn = fc.oneof(
  fc.constant<JsonObject>({}),
  always('basedOn', some(reference('MedicationRequest', 'CarePlan', 'ServiceRequest'), 2)),
  fc.tuple(text, maybe('note', some(annotation, 1)), reference('CarePlan')).map(
    ([display, more, plan]): JsonObject => ({
      ...contained(order({ display }, more)),
      basedOn: [plan, { reference: '#order' }],
    }),
  ),
  text.map(
    (name): JsonObject => ({
      ...contained(
        { resourceType: 'Practitioner', id: 'dr', name: [{ text: name }] },
        order({ reference: '#dr' }, { authoredOn: '2020-01' }),
      ),
      basedOn: [{ reference: '#order', display: 'The order' }],
    }),
  ),
  fc.constant<JsonObject>({ ...contained(order({ reference: 'Practitioner/1' }, {})), basedOn: [{ reference: '#order' }] }),
);

const describedReason = fc.tuple(text, text).map(
  ([name, valueString]): JsonObject => ({
    extension: [{ url: 'https://medimax.example/fhir/StructureDefinition/medimax-purpose-description', valueString }],
    text: name,
  }),
);

/** Parts with contained resources of their own, put into one list. */
function gathered(...parts: readonly fc.Arbitrary<JsonObject>[]): fc.Arbitrary<JsonObject> {
  return fc.tuple(...parts).map((list) => {
    const all = list.flatMap((part) => (Array.isArray(part['contained']) ? part['contained'] : []));
    return { ...Object.assign({}, ...list), ...(all.length > 0 ? { contained: all } : {}) };
  });
}

/** The patient's reference is given; everything else is free. */
export function arbitrary(patientId: string): fc.Arbitrary<JsonObject> {
  return gathered(
    fc.constant({ resourceType: 'MedicationStatement', subject: { reference: `Patient/${patientId}` } }),
    resourceExtras,
    always('status', fc.constantFrom(...statuses)),
    medication,
    effective,
    basedOn,
    together(
      maybe('statusReason', some(concept, 2), 3),
      maybe('category', concept, 2),
      maybe('partOf', some(reference('Procedure', 'Observation'), 1), 2),
      maybe('context', reference('Encounter'), 2),
      maybe('dateAsserted', dateTime, 7),
      maybe('informationSource', reference('Patient', 'Practitioner'), 3),
      maybe('derivedFrom', some(reference('MedicationRequest'), 1), 2),
    ),
    maybe('reasonCode', some(fc.oneof(concept, describedReason)), 5),
    maybe('reasonReference', some(reference('Condition'), 1), 2),
    maybe('note', some(annotation, 2), 3),
    maybe('dosage', some(dosage, 2), 6),
  );
}
