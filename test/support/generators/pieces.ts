/** Random valid FHIR data types for the resource generators: strings of every script, decimals with digits, partial dates, offsets. */
import fc from 'fast-check';
import { decimalFrom } from '../../../src/fhir/json.ts';
import type { JsonObject } from '../../../src/mapping/lift.ts';

/** An object of these members, each there or not. */
export function some(members: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<JsonObject> {
  return fc.record(members, { requiredKeys: [] }).map((object) => object as JsonObject);
}

/** The same, never empty. */
export function atLeastOne(members: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<JsonObject> {
  return some(members).filter((object) => Object.keys(object).length > 0);
}

export function all(members: Record<string, fc.Arbitrary<unknown>>, optional: Record<string, fc.Arbitrary<unknown>> = {}) {
  return fc
    .record({ ...members, ...optional }, { requiredKeys: Object.keys(members) })
    .map((object) => object as JsonObject) as fc.Arbitrary<JsonObject>;
}

const words = [
  'Cough',
  'Glucose',
  'blood pressure',
  'Ödem',
  '頭痛',
  'ألم',
  'naïve',
  'Ελλάδα',
  '😀 smile',
  '5.0 H',
  '120/80',
  "O'Hara & Søn <b>",
];

export const text = (max = 40): fc.Arbitrary<string> =>
  fc
    .oneof(fc.constantFrom(...words), fc.string({ unit: 'grapheme', minLength: 1, maxLength: max }))
    .map((value) => value.replaceAll(/[^\S ]|[\p{Cc}\p{Cs}]/gu, '·'))
    .filter((value) => value.trim() !== '' && [...value].length <= max);

const pad = (n: number, width = 2) => String(n).padStart(width, '0');

export const day: fc.Arbitrary<string> = fc
  .tuple(fc.integer({ min: 1970, max: 2037 }), fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 28 }))
  .map(([y, m, d]) => `${y}-${pad(m)}-${pad(d)}`);

const offset = fc.constantFrom('Z', '+01:00', '-05:00', '+05:30', '+14:00', '-12:00', '+00:00');
const clock = fc
  .tuple(
    fc.integer({ min: 0, max: 23 }),
    fc.integer({ min: 0, max: 59 }),
    fc.integer({ min: 0, max: 59 }),
    fc.constantFrom('', '.1', '.120', '.000'),
  )
  .map(([h, m, s, f]) => `${pad(h)}:${pad(m)}:${pad(s)}${f}`);

export const time = clock;
export const instant = fc.tuple(day, clock, offset).map(([d, c, o]) => `${d}T${c}${o}`);
export const dateTime = fc.oneof(
  day,
  day.map((d) => d.slice(0, 7)),
  day.map((d) => d.slice(0, 4)),
  instant,
);

/** Start before end, as per-1 asks. */
export const period: fc.Arbitrary<JsonObject> = fc.oneof(
  dateTime.map((start) => ({ start })),
  day.map((end) => ({ end })),
  fc.tuple(fc.integer({ min: 1970, max: 2000 }), fc.integer({ min: 2001, max: 2037 }), clock, offset).map(([from, to, c, o]) => ({
    start: `${from}-06-01T${c}${o}`,
    end: `${to}-06`,
  })),
);

export const decimal: fc.Arbitrary<unknown> = fc.oneof(
  fc
    .constantFrom('6.30', '1e-7', '0.000', '0', '5', '-1.50', '1E+3', '120', '0.1', '100.00', '12345678901234567.89')
    .map(decimalFrom),
  fc.tuple(fc.nat(500), fc.nat(999)).map(([whole, part]) => decimalFrom(`${whole}.${pad(part, 3)}`)),
);

export const extension: fc.Arbitrary<JsonObject> = fc
  .tuple(
    fc.constantFrom('http://example.org/ext/a', 'https://example.org/ext/b'),
    fc.oneof(
      text().map((valueString): JsonObject => ({ valueString })),
      fc.boolean().map((valueBoolean): JsonObject => ({ valueBoolean })),
      decimal.map((valueDecimal): JsonObject => ({ valueDecimal })),
      dateTime.map((valueDateTime): JsonObject => ({ valueDateTime })),
      text().map((valueString): JsonObject => ({ extension: [{ url: 'part', valueString }] })),
    ),
  )
  .map(([url, value]) => ({ url, ...value }));

export const extensions = fc.array(extension, { minLength: 1, maxLength: 2 });
export const primitiveExtension: fc.Arbitrary<JsonObject> = extensions.map((list) => ({ extension: list }));

const systems = ['http://loinc.org', 'http://snomed.info/sct', 'http://example.org/codes'];
export const coding: fc.Arbitrary<JsonObject> = all(
  { code: fc.constantFrom('718-7', '2345-7', '386661006', 'X1', 'local-2') },
  {
    system: fc.constantFrom(...systems),
    display: text(),
    version: fc.constant('1'),
    userSelected: fc.boolean(),
    extension: extensions,
  },
);
export const concept: fc.Arbitrary<JsonObject> = fc.oneof(
  text().map((value) => ({ text: value })),
  all({ coding: fc.array(coding, { minLength: 1, maxLength: 3 }) }, { text: text(), extension: extensions }),
);

const units = fc.constantFrom('mg/dL', 'mmol/l', 'K/uL', '%', 'mm[Hg]', 'g', 'arb. units');
const ucum = { system: fc.constant('http://unitsofmeasure.org'), code: fc.constantFrom('mg/dL', 'mmol/L', 'g', '%') };

export const quantity: fc.Arbitrary<JsonObject> = fc.oneof(
  all({ value: decimal }, { unit: units, comparator: fc.constantFrom('<', '<=', '>=', '>'), extension: extensions }),
  all({ value: decimal, ...ucum }, { unit: units }),
);
/** Without a comparator, as Range and referenceRange ask (sqty-1). */
export const simpleQuantity: fc.Arbitrary<JsonObject> = quantity.map(({ comparator: _comparator, ...rest }) => rest);

export const reference = (...types: readonly string[]): fc.Arbitrary<JsonObject> =>
  fc.oneof(
    fc.constantFrom(...types).map((type): JsonObject => ({ reference: `${type}/known-1` })),
    all({ reference: fc.constantFrom(...types).map((type) => `${type}/known-2`) }, { display: text(), extension: extensions }),
    fc.constantFrom(...types).chain((type) => all({ type: fc.constant(type), display: text() })),
    fc.constantFrom(...types).chain((type) =>
      all({
        type: fc.constant(type),
        identifier: all({ value: fc.constant('4711') }, { system: fc.constant('urn:oid:1.2.3') }),
      }),
    ),
  );

export const annotation: fc.Arbitrary<JsonObject> = all(
  { text: text(200) },
  { time: dateTime, authorString: text(), extension: extensions },
);
export const identifier: fc.Arbitrary<JsonObject> = all(
  { value: text() },
  { system: fc.constant('http://example.org/ids'), use: fc.constantFrom('usual', 'official'), type: concept, period },
);
export const narrative: fc.Arbitrary<JsonObject> = text()
  .map((value) => value.replaceAll(/[&<>]/g, ' ').trim() || 'x')
  .map((value) => ({ status: 'generated', div: `<div xmlns="http://www.w3.org/1999/xhtml">${value}</div>` }));

/** What any resource may say beside its own elements. */
export const resourceParts: Record<string, fc.Arbitrary<unknown>> = {
  extension: extensions,
  language: fc.constantFrom('en', 'de-CH'),
  text: narrative,
  meta: fc.record(
    { tag: fc.array(coding, { minLength: 1, maxLength: 1 }), profile: fc.constant(['http://example.org/p']) },
    { requiredKeys: ['tag'] },
  ),
  identifier: fc.array(identifier, { minLength: 1, maxLength: 2 }),
};

export const listOf = (item: fc.Arbitrary<unknown>, maxLength = 3) => fc.array(item, { minLength: 1, maxLength });
