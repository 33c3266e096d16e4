/** Random valid Patients. https://hl7.org/fhir/R4/patient.html */
import fc from 'fast-check';
import type { JsonObject } from '../../../src/mapping/lift.ts';
import {
  attachment,
  backboneExtras,
  concept,
  elementExtras,
  identifier,
  period,
  primitive,
  reference,
  required,
  resourceExtras,
} from './datatypes.ts';
import { choice, dateTime, instant, maybe, positiveInt, some, text, together } from './primitives.ts';

const gender = fc.constantFrom('male', 'female', 'other', 'unknown');

const nameParts = together(
  elementExtras,
  primitive('family', text, 6),
  maybe('given', some(text), 7),
  maybe('prefix', some(text, 1), 2),
  maybe('suffix', some(text, 1), 2),
  maybe('period', period, 1),
);
const humanName = fc.oneof(
  together(maybe('use', fc.constantFrom('official', 'usual', 'maiden', 'nickname'), 5), required('text', text), nameParts),
  together(
    text.map((family): JsonObject => ({ family })),
    maybe('given', some(text), 7),
  ),
);

const telecom = together(
  elementExtras,
  fc.constantFrom('phone', 'email', 'sms').map((system): JsonObject => ({ system })),
  primitive('value', text, 8),
  maybe('use', fc.constantFrom('home', 'work', 'mobile'), 4),
  maybe('rank', positiveInt, 1),
);

const address = together(
  elementExtras,
  maybe('use', fc.constantFrom('home', 'work', 'old'), 4),
  primitive('text', text, 3),
  maybe('line', some(text), 6),
  maybe('city', text, 6),
  maybe('postalCode', text, 5),
  maybe('country', text, 4),
  text.map((district): JsonObject => ({ district })),
);

const birthDate = fc.oneof(
  fc.integer({ min: 1900, max: 2020 }).map(String),
  fc.tuple(fc.integer({ min: 1900, max: 2020 }), fc.integer({ min: 10, max: 12 })).map(([y, m]) => `${y}-${m}`),
  fc.tuple(fc.integer({ min: 1900, max: 2020 }), fc.integer({ min: 10, max: 28 })).map(([y, d]) => `${y}-02-${d}`),
);

const communication = together(
  backboneExtras,
  concept.map((language): JsonObject => ({ language })),
  primitive('preferred', fc.boolean(), 3),
);

const contact = together(
  backboneExtras,
  humanName.map((name): JsonObject => ({ name })),
  maybe('relationship', some(concept, 2), 3),
  maybe('telecom', some(telecom, 2), 3),
  primitive('gender', gender, 3),
);

const link = together(
  backboneExtras,
  reference('RelatedPerson').map((other): JsonObject => ({ other })),
  fc.constantFrom('seealso', 'refer').map((type): JsonObject => ({ type })),
);

export const arbitrary: fc.Arbitrary<JsonObject> = together(
  fc.constant({ resourceType: 'Patient' }),
  resourceExtras,
  maybe('identifier', some(identifier, 2), 5),
  primitive('active', fc.boolean(), 4),
  some(humanName).map((name): JsonObject => ({ name })),
  maybe('telecom', some(telecom, 2), 4),
  primitive('gender', gender, 7),
  primitive('birthDate', birthDate, 7),
  choice('deceased', { Boolean: fc.boolean(), DateTime: dateTime }, 2),
  maybe('address', some(address, 2), 4),
  maybe('maritalStatus', concept, 2),
  choice('multipleBirth', { Boolean: fc.boolean(), Integer: positiveInt }, 1),
  maybe('photo', some(attachment, 1), 1),
  maybe('contact', some(contact, 2), 2),
  maybe('communication', some(communication, 2), 2),
  maybe('generalPractitioner', some(reference('Practitioner', 'Organization'), 2), 2),
  maybe('link', some(link, 1), 1),
  maybe(
    '_birthDate',
    instant.map((valueDateTime) => ({
      extension: [{ url: 'http://hl7.org/fhir/StructureDefinition/patient-birthTime', valueDateTime }],
    })),
    0,
  ),
);
