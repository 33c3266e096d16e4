/** The primitive types of R4: what each accepts, and how to say so. https://hl7.org/fhir/R4/datatypes.html#primitive */
import { isTime, parseDate, parseDateTime, parseInstant } from './date.ts';
import { narrativeFault } from './narrative.ts';
import type { PrimitiveFault } from './primitive-fault.ts';

/** FHIR's limit for strings, in characters. */
const stringCharsMax = 1024 * 1024;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what FHIR forbids
const forbidden = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;

interface TextRule {
  /** What is accepted, for people. */
  readonly accepts: string;
  readonly test: (text: string) => boolean;
}

function matching(pattern: RegExp, accepts: string): TextRule {
  return { accepts, test: (text) => pattern.test(text) };
}

const textRules: Readonly<Record<string, TextRule>> = {
  code: matching(/^\S+(?: \S+)*$/, 'a code: no spaces at either end, and single spaces between words'),
  id: matching(/^[A-Za-z0-9\-.]{1,64}$/, 'an id: 1 to 64 of the characters A-Z, a-z, 0-9, - and .'),
  uri: matching(/^\S+$/, 'a URI, without spaces'),
  url: matching(/^\S+$/, 'a URL, without spaces'),
  canonical: matching(/^\S+$/, 'a canonical URL, without spaces'),
  oid: matching(/^urn:oid:[0-2](\.(0|[1-9][0-9]*))+$/, 'an OID such as urn:oid:1.2.3'),
  uuid: matching(
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/,
    'a UUID such as urn:uuid:c757873d-ec9a-4326-a141-556f43239520',
  ),
  base64Binary: { accepts: 'base64', test: isBase64 },
  date: { accepts: 'a calendar date such as 2019, 2019-05 or 2019-05-31', test: (text) => parseDate(text) !== undefined },
  dateTime: {
    accepts: 'a date such as 2019-05-31, or with time, seconds and offset 2019-05-31T10:00:00+02:00',
    test: (text) => parseDateTime(text) !== undefined,
  },
  instant: {
    accepts: 'an instant with seconds and offset such as 2019-05-31T10:00:00+02:00',
    test: (text) => parseInstant(text) !== undefined,
  },
  time: { accepts: 'a time such as 10:30:00', test: isTime },
};

function isBase64(text: string): boolean {
  const packed = /\s/.test(text) ? text.replace(/\s+/g, '') : text;
  return packed.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(packed);
}

const integerRanges: Readonly<Record<string, readonly [min: number, max: number]>> = {
  integer: [-2147483648, 2147483647],
  unsignedInt: [0, 2147483647],
  positiveInt: [1, 2147483647],
};

/** What is wrong with a JSON value as a FHIR primitive of this type; undefined when nothing is. */
export function primitiveFault(type: string, value: unknown): PrimitiveFault | undefined {
  if (type === 'boolean') return typeof value === 'boolean' ? undefined : wrongType('true or false, without quotes', value);
  if (type === 'decimal') return decimalFault(value);
  const range = integerRanges[type];
  if (range) return integerFault(range, value);
  if (typeof value !== 'string') return wrongType('a string in double quotes', value);
  return textFault(type, value);
}

function textFault(type: string, text: string): PrimitiveFault | undefined {
  if (text === '') return { code: 'value', text: 'is an empty string; leave it out instead' };
  if (type === 'xhtml') return narrativeFault(text);
  if (forbidden.test(text))
    return { code: 'value', text: 'holds a control character; only tab, line feed and carriage return are allowed' };
  const rule = textRules[type];
  if (rule) return rule.test(text) ? undefined : { code: 'value', text: `is ${quoted(text)}, but must be ${rule.accepts}` };
  if (text.length > stringCharsMax)
    return { code: 'too-long', text: `is ${text.length} characters long; a string may have ${stringCharsMax}` };
  return /\S/.test(text) ? undefined : { code: 'value', text: 'holds only whitespace; leave it out instead' };
}

function decimalFault(value: unknown): PrimitiveFault | undefined {
  if (typeof value !== 'number' && !JSON.isRawJSON(value)) return wrongType('a number, without quotes', value);
  const number = typeof value === 'number' ? value : Number(value.rawJSON);
  return Number.isFinite(number)
    ? undefined
    : { code: 'value', text: 'is larger than any number that can be computed with (about 1.8e308)' };
}

function integerFault([min, max]: readonly [number, number], value: unknown): PrimitiveFault | undefined {
  if (JSON.isRawJSON(value))
    return { code: 'value', text: `is written ${value.rawJSON}, but must be a whole number written with digits only` };
  if (typeof value !== 'number') return wrongType('a whole number, without quotes', value);
  if (Number.isInteger(value) && value >= min && value <= max) return undefined;
  return { code: 'value', text: `is ${value}, but must be a whole number from ${min} to ${max}` };
}

function wrongType(wanted: string, value: unknown): PrimitiveFault {
  return { code: 'structure', text: `must be ${wanted}, not ${nameOf(value)}` };
}

/** What kind of JSON this is, for people. */
export function nameOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'number' || JSON.isRawJSON(value)) return 'a number';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

export function quoted(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
