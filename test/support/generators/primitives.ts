/** Arbitraries for FHIR's primitive types, valid but never tidy. https://hl7.org/fhir/R4/datatypes.html#primitive */
import fc from 'fast-check';
import '../../../src/fhir/json.ts';
import type { JsonObject } from '../../../src/mapping/lift.ts';

/** Samples of many scripts, right to left, combining, beyond the basic plane, quotes and wildcards of SQL. */
export const scripts = [
  'Asthma',
  'Ödem der Füße, ß',
  'Ménière’s disease',
  '高血圧症',
  'ارتفاع ضغط الدم',
  'יתר לחץ דם',
  'Гипертония',
  'मधुमेह',
  'เบาหวาน',
  '당뇨병',
  'Diabe\u0301te',
  'ﬁbrosis',
  '🩸 𝒜noemia 👩🏽‍⚕️',
  'O\'Brien \\ "%_" -- ; DROP',
  '<b>&amp;</b>',
  '$x {{y}} $1 $slice',
  'NULL',
  '0',
  '1e3',
  'İstanbul ı',
] as const;

const letters = fc.constantFrom(...'abcXYZ 019-/.,éß漢あ한ע😀'.match(/./gu)!);

/** A FHIR string that says something: no control characters but tab and newline, no white space around it. */
export const text: fc.Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...scripts) },
  {
    weight: 2,
    arbitrary: fc.array(letters, { minLength: 1, maxLength: 30 }).map((list) => list.join('').trim() || 'x'),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constantFrom(...scripts), fc.constantFrom(...scripts)).map((pair) => pair.join(' \t\n ')) },
);

/** As long as a VARCHAR of this many characters allows; beyond the basic plane each is two UTF-16 units. */
export function longText(codePoints: number): fc.Arbitrary<string> {
  return fc.constantFrom('a', 'ß', '漢', 'ש', '😀').map((letter) => letter.repeat(codePoints));
}

export const id = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9.-]{0,20}$/);
export const code = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,12}$/);
export const uri = fc.oneof(
  fc.constantFrom('http://example.org/system', 'urn:oid:1.2.36.146.595.217.0.1', 'http://snomed.info/sct', 'http://loinc.org'),
  code.map((tail) => `https://example.org/fhir/${tail}`),
  fc.uuid().map((uuid) => `urn:uuid:${uuid}`),
);
export const canonical = fc
  .tuple(code, fc.constantFrom('', '|1.0', '|4.0.1'))
  .map(([tail, version]) => `https://example.org/Q/${tail}${version}`);

/** Digits that a JavaScript number would lose, and those it keeps. */
export const decimal = fc.oneof(
  fc
    .constantFrom('6.30', '1e-7', '0.000', '100.0', '-0.50', '12345678901234567890.123456789', '1E+3')
    .map((digits) => JSON.rawJSON(digits)),
  fc.integer({ min: -1000, max: 1000 }),
  fc.constantFrom(0.5, 37.2, 0.001),
);
export const positiveDecimal = fc.oneof(
  fc.constantFrom('6.30', '1.0', '100.00', '54.50').map((digits) => JSON.rawJSON(digits)),
  fc.integer({ min: 1, max: 110 }),
);
export const positiveInt = fc.integer({ min: 1, max: 1000 });
export const base64 = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('base64'));

const year = fc.integer({ min: 1900, max: 2025 }).map(String);
const month = fc.integer({ min: 1, max: 12 }).map(two);
const dayOfMonth = fc.integer({ min: 1, max: 28 }).map(two);
const clock = fc.tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }), fc.integer({ min: 0, max: 59 }));
const fraction = fc.constantFrom('', '.5', '.000', '.123456', '.120');
const offset = fc.constantFrom('Z', '+00:00', '-00:00', '+02:00', '-11:00', '+14:00', '+05:45');

export const yearMonth = fc.tuple(year, month).map((parts) => parts.join('-'));
export const day = fc.tuple(year, month, dayOfMonth).map((parts) => parts.join('-'));
export const date = fc.oneof(year, yearMonth, day);
export const time = fc.tuple(clock, fraction).map(([hms, tail]) => `${hms.map(two).join(':')}${tail}`);
export const instant = fc.tuple(day, time, offset).map(([on, at, zone]) => `${on}T${at}${zone}`);
export const dateTime = fc.oneof(date, instant);

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** Parts put together into one object; a part is often {}. */
export function together(...parts: readonly fc.Arbitrary<JsonObject>[]): fc.Arbitrary<JsonObject> {
  return fc.tuple(...parts).map((list) => Object.assign({}, ...list));
}

/** The element now and then; `odds` of 10. */
export function maybe(key: string, value: fc.Arbitrary<unknown>, odds = 4): fc.Arbitrary<JsonObject> {
  return fc.oneof(
    { weight: 10 - odds, arbitrary: fc.constant({}) },
    { weight: odds, arbitrary: value.map((one) => ({ [key]: one })) },
  );
}

export function always(key: string, value: fc.Arbitrary<unknown>): fc.Arbitrary<JsonObject> {
  return value.map((one) => ({ [key]: one }));
}

/** One of the types of a choice, now and then. */
export function choice(name: string, types: Readonly<Record<string, fc.Arbitrary<unknown>>>, odds = 5): fc.Arbitrary<JsonObject> {
  const options = Object.entries(types).map(([type, value]) => always(`${name}${type}`, value));
  return fc.oneof({ weight: 10 - odds, arbitrary: fc.constant({}) }, { weight: odds, arbitrary: fc.oneof(...options) });
}

export function some<T>(item: fc.Arbitrary<T>, maxLength = 3): fc.Arbitrary<T[]> {
  return fc.array(item, { minLength: 1, maxLength });
}
