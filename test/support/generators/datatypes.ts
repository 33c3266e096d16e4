/** Arbitraries for FHIR's complex types: valid R4 with extensions, primitive extensions, several codings. https://hl7.org/fhir/R4/datatypes.html */
import fc from 'fast-check';
import type { JsonObject } from '../../../src/mapping/lift.ts';
import {
  base64,
  canonical,
  choice,
  code,
  date,
  dateTime,
  day,
  decimal,
  id,
  instant,
  maybe,
  positiveDecimal,
  positiveInt,
  some,
  text,
  time,
  together,
  uri,
  yearMonth,
} from './primitives.ts';

const extensionValue = fc.oneof(
  fc.oneof(text, fc.constant(' padded ')).map((value): JsonObject => ({ valueString: value })),
  fc.boolean().map((value): JsonObject => ({ valueBoolean: value })),
  decimal.map((value): JsonObject => ({ valueDecimal: value })),
  dateTime.map((value): JsonObject => ({ valueDateTime: value })),
  code.map((value): JsonObject => ({ valueCode: value })),
  time.map((value): JsonObject => ({ valueTime: value })),
  fc.constant<JsonObject>({ valueQuantity: { value: JSON.rawJSON('1.50'), unit: 'mg' } }),
  fc.constant<JsonObject>({ valueReference: { display: 'Somebody' } }),
  fc.constant<JsonObject>({ valueCodeableConcept: { coding: [{ code: 'x' }, { code: 'y', userSelected: true }] } }),
  fc.constant<JsonObject>({ valueString: 'v', _valueString: { id: 'p1' } }),
);

const simpleExtension = fc.tuple(uri, extensionValue).map(([url, value]): JsonObject => ({ url, ...value }));

/** Simple or complex, never both (ext-1). */
export const extension: fc.Arbitrary<JsonObject> = fc.oneof(
  { weight: 4, arbitrary: simpleExtension },
  {
    weight: 1,
    arbitrary: fc.tuple(uri, some(simpleExtension, 2)).map(([url, nested]): JsonObject => ({ url, extension: nested })),
  },
);

/** What every element may have beside its own. */
export const elementExtras = together(maybe('id', id, 1), maybe('extension', some(extension, 2), 1));
/** What every backbone element may have beside its own. */
export const backboneExtras = together(elementExtras, maybe('modifierExtension', some(simpleExtension, 1), 1));

/** `_key` beside a primitive, now and then; now and then in its place. */
export function primitive(key: string, value: fc.Arbitrary<unknown>, odds = 4): fc.Arbitrary<JsonObject> {
  const beside = fc
    .tuple(value, extension)
    .map(([one, more]): JsonObject => ({ [key]: one, [`_${key}`]: { extension: [more] } }));
  const instead = extension.map((more): JsonObject => ({ [`_${key}`]: { extension: [more] } }));
  return fc.oneof(
    { weight: 8, arbitrary: maybe(key, value, odds) },
    { weight: 1, arbitrary: beside },
    { weight: 1, arbitrary: instead },
  );
}

/** A primitive that must have a value; extensions may stand beside it. */
export function required(key: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<JsonObject> {
  return fc
    .tuple(
      value,
      maybe(
        `_${key}`,
        extension.map((more) => ({ extension: [more] })),
        1,
      ),
    )
    .map(([one, more]) => ({ [key]: one, ...more }));
}

export const coding = together(
  elementExtras,
  maybe('system', uri, 7),
  maybe('version', text, 1),
  maybe('code', code, 8),
  primitive('display', text, 5),
  maybe('userSelected', fc.boolean(), 1),
).filter(notEmpty);

export const concept = together(elementExtras, maybe('coding', some(coding), 7), primitive('text', text, 6)).filter(notEmpty);

/** A concept that gives a column its text. */
export const namedConcept = together(maybe('coding', some(coding), 5), required('text', text));

/** A coding of this required binding, perhaps among others. */
export function boundConcept(system: string, codes: readonly string[]): fc.Arbitrary<JsonObject> {
  const bound = fc.constantFrom(...codes).map((one): JsonObject => ({ system, code: one }));
  return fc
    .tuple(bound, fc.array(coding, { maxLength: 1 }), maybe('text', text, 3))
    .map(([one, others, more]) => ({ coding: [one, ...others], ...more }));
}

export const period = fc.tuple(fc.array(date, { minLength: 1, maxLength: 2 }), elementExtras).map(([days, more]): JsonObject => {
  const [start, end] = days.toSorted();
  // A start within the end's year or month compares as unknown: such periods are made equally precise.
  return { ...more, ...(end === undefined ? { start } : { start: widened(start), end: widened(end) }) };
});

function widened(text: string | undefined): string {
  return (text ?? '2000').slice(0, 4);
}

export const quantity = together(
  elementExtras,
  maybe('value', decimal, 9),
  maybe('comparator', fc.constantFrom('<', '<=', '>=', '>'), 1),
  primitive('unit', text, 6),
  fc.oneof(
    fc.constant({}),
    code.map((one): JsonObject => ({ system: 'http://unitsofmeasure.org', code: one })),
  ),
).filter(notEmpty);

export const simpleQuantity = quantity.map(({ comparator: _comparator, ...rest }) => rest).filter(notEmpty);

export const age = together(
  positiveDecimal.map((value): JsonObject => ({ value, system: 'http://unitsofmeasure.org', code: 'a' })),
  maybe('unit', fc.constant('years'), 5),
);

export const range = fc.tuple(fc.integer({ min: 0, max: 50 }), fc.integer({ min: 50, max: 90 })).map(
  ([low, high]): JsonObject => ({
    low: { value: low, unit: 'years' },
    high: { value: JSON.rawJSON(`${high}.0`), unit: 'years' },
  }),
);

export const ratio = fc
  .tuple(simpleQuantity, simpleQuantity)
  .map(([numerator, denominator]): JsonObject => ({ numerator, denominator }));

export const identifier = together(
  elementExtras,
  maybe('use', fc.constantFrom('usual', 'official', 'old'), 3),
  maybe('system', uri, 7),
  primitive('value', text, 8),
  maybe('period', period, 1),
  maybe('assigner', fc.constant({ display: 'Lab' }), 1),
).filter(notEmpty);

/** To one of these types: relative, absolute, versioned, by identifier or by name alone. Never to what is contained. */
export function reference(...types: readonly string[]): fc.Arbitrary<JsonObject> {
  const type = fc.constantFrom(...types);
  const target = fc.tuple(type, id).map((parts) => parts.join('/'));
  return fc.oneof(
    target.map((to): JsonObject => ({ reference: to })),
    fc.tuple(target, text).map(([to, display]): JsonObject => ({ reference: to, display })),
    target.map((to): JsonObject => ({ reference: `https://other.example/fhir/${to}/_history/2` })),
    fc.uuid().map((uuid): JsonObject => ({ reference: `urn:uuid:${uuid}` })),
    fc.tuple(type, text).map(([kind, display]): JsonObject => ({ type: kind, display, _display: { id: 'd' } })),
    fc.tuple(type, uri, text).map(([kind, system, value]): JsonObject => ({ type: kind, identifier: { system, value } })),
  );
}

export const annotation = together(
  elementExtras,
  choice('author', { String: text, Reference: reference('Practitioner') }, 3),
  maybe('time', dateTime, 3),
  required('text', text),
);

const unit = { period: positiveDecimal, periodUnit: fc.constantFrom('h', 'd', 'wk', 'mo'), frequency: positiveInt };
const repeat = fc.oneof(
  fc.record(unit).map((one): JsonObject => ({ ...one })),
  fc.constantFrom<JsonObject>({ when: ['HS'] }, { frequency: 3, period: 1, periodUnit: 'd', dayOfWeek: ['mon', 'wed'] }),
  fc.constantFrom<JsonObject>({ boundsPeriod: { start: '2020' }, frequency: 1, frequencyMax: 2, period: 1, periodUnit: 'd' }),
);
const timing = together(
  elementExtras,
  maybe('event', some(dateTime, 2), 2),
  maybe('repeat', repeat, 6),
  maybe('code', concept, 5),
).filter(notEmpty);

const dose = together(
  elementExtras,
  maybe('type', concept, 3),
  choice('dose', { Quantity: simpleQuantity, Range: range }, 8),
  choice('rate', { Ratio: ratio, Quantity: simpleQuantity, Range: range }, 2),
).filter(notEmpty);

export const dosage = together(
  backboneExtras,
  maybe('sequence', positiveInt, 2),
  primitive('text', text, 6),
  maybe('additionalInstruction', some(concept, 2), 2),
  primitive('patientInstruction', text, 2),
  maybe('timing', timing, 6),
  choice('asNeeded', { Boolean: fc.boolean(), CodeableConcept: concept }, 3),
  maybe('site', concept, 1),
  maybe('route', concept, 3),
  maybe('doseAndRate', some(dose, 2), 6),
  maybe('maxDosePerPeriod', ratio, 1),
).filter(notEmpty);

export const attachment = together(
  fc.constantFrom('text/plain', 'application/pdf').map((contentType): JsonObject => ({ contentType })),
  maybe('data', base64, 5),
  primitive('title', text, 5),
).filter(notEmpty);

const meta = together(
  maybe('profile', some(canonical, 2), 5),
  maybe('tag', some(coding, 2), 5),
  maybe('security', some(coding, 1), 2),
).filter(notEmpty);

const narrative = fc.constantFrom<JsonObject>(
  { status: 'additional', div: '<div xmlns="http://www.w3.org/1999/xhtml"><p>Written by hand &amp; kept</p></div>' },
  { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">x</div>' },
);

/** What every resource may have beside its own elements. */
export const resourceExtras = together(
  maybe('meta', meta, 3),
  maybe('implicitRules', uri, 0),
  maybe('language', fc.constantFrom('en', 'de-CH'), 2),
  maybe('text', narrative, 2),
  maybe('extension', some(extension, 2), 3),
  maybe('modifierExtension', some(simpleExtension, 1), 1),
  maybe('identifier', some(identifier, 2), 3),
);

export { code, date, dateTime, day, id, instant, text, yearMonth };

function notEmpty(value: JsonObject): boolean {
  return Object.keys(value).some((key) => key !== 'id');
}
