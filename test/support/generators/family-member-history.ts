/** Random valid FamilyMemberHistories. https://hl7.org/fhir/R4/familymemberhistory.html */
import fc from 'fast-check';
import type { JsonObject } from '../../../src/mapping/lift.ts';
import { age, annotation, backboneExtras, concept, extension, namedConcept, period, range, resourceExtras } from './datatypes.ts';
import { always, choice, date, dateTime, maybe, some, text, together } from './primitives.ts';

const local = (name: string, value: JsonObject): JsonObject => ({
  url: `https://medimax.example/fhir/StructureDefinition/${name}`,
  ...value,
});

const extensions = fc
  .tuple(
    fc.subarray([local('medimax-active', { valueBoolean: false }), local('medimax-severity', { valueCode: 'moderate' })]),
    fc.array(extension, { maxLength: 1 }),
  )
  .map(([own, others]) => [...others, ...own])
  .map((all): JsonObject => (all.length > 0 ? { extension: all } : {}));

const condition = together(
  backboneExtras,
  always('code', fc.oneof({ weight: 4, arbitrary: namedConcept }, { weight: 1, arbitrary: concept })),
  maybe('outcome', concept, 3),
  maybe('contributedToDeath', fc.boolean(), 3),
  choice('onset', { Age: age, Range: range, Period: period, String: text }, 6),
  maybe('note', some(annotation, 2), 3),
  maybe(
    'extension',
    fc.subarray([local('medimax-active', { valueBoolean: true }), local('medimax-severity', { valueCode: 'severe' })], {
      minLength: 1,
    }),
    4,
  ),
);

/** The patient's reference is given; everything else is free. */
export function arbitrary(patientId: string): fc.Arbitrary<JsonObject> {
  return together(
    fc.constant({ resourceType: 'FamilyMemberHistory', patient: { reference: `Patient/${patientId}` } }),
    resourceExtras,
    extensions,
    always('status', fc.constantFrom('partial', 'completed', 'entered-in-error', 'health-unknown')),
    maybe('date', dateTime, 3),
    maybe('name', text, 3),
    always('relationship', concept),
    maybe('sex', concept, 4),
    choice('born', { Period: period, Date: date, String: text }, 2),
    choice('deceased', { Boolean: fc.boolean(), Age: age, Range: range, Date: date, String: text }, 4),
    maybe('reasonCode', some(concept, 1), 2),
    maybe('note', some(annotation), 4),
    fc
      .oneof({ weight: 9, arbitrary: some(condition, 3) }, { weight: 1, arbitrary: fc.array(condition, { maxLength: 2 }) })
      .map((list): JsonObject => (list.length > 0 ? { condition: list } : {})),
  );
}
