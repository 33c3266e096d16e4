/** FHIR's date types, read exactly as R4 writes them. https://hl7.org/fhir/R4/datatypes.html#dateTime */
import { DateTime } from 'luxon';

export type DatePrecision = 'year' | 'month' | 'day' | 'minute' | 'second' | 'fraction';

/** The parts of a date, dateTime or instant as written; month and day are 1-based. */
export interface FhirDate {
  readonly precision: DatePrecision;
  readonly year: number;
  readonly month?: number;
  readonly day?: number;
  readonly hour?: number;
  readonly minute?: number;
  /** 60 in a leap second. */
  readonly second?: number;
  /** Digits after the decimal point, as written. */
  readonly fraction?: string;
  /** Minutes east of UTC; absent where the text has no time, or (in searches only) no offset. */
  readonly offset?: number;
}

const pattern =
  /^(?!0000)(\d{4})(?:-(0[1-9]|1[0-2])(?:-(0[1-9]|[12]\d|3[01])(?:T([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d|60)(?:\.(\d+))?)?(Z|[+-](?:(?:0\d|1[0-3]):[0-5]\d|14:00))?)?)?)?$/;

const timePattern = /^(?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d+)?$/;

/** What R4 allows in a date search parameter: like dateTime, but seconds and offset may be missing. undefined when it is none. */
export function parseSearchDate(text: string): FhirDate | undefined {
  const match = pattern.exec(text);
  if (!match) return undefined;
  const [, year = '', month, day, hour, minute, second, fraction, zone] = match;
  if (month === undefined) return { precision: 'year', year: Number(year) };
  if (day === undefined) return { precision: 'month', year: Number(year), month: Number(month) };
  if (Number(day) > daysIn(Number(year), Number(month))) return undefined;
  const calendarDay = { year: Number(year), month: Number(month), day: Number(day) };
  if (hour === undefined || minute === undefined) return { precision: 'day', ...calendarDay };
  return {
    precision: second === undefined ? 'minute' : fraction === undefined ? 'second' : 'fraction',
    ...calendarDay,
    hour: Number(hour),
    minute: Number(minute),
    ...(second === undefined ? {} : { second: Number(second) }),
    ...(fraction === undefined ? {} : { fraction }),
    ...(zone === undefined ? {} : { offset: offsetMinutes(zone) }),
  };
}

/** `2019`, `2019-05` or `2019-05-31`; undefined when it is no FHIR date of the calendar. */
export function parseDate(text: string): FhirDate | undefined {
  return text.length > 10 ? undefined : parseSearchDate(text);
}

/** A date, or a date with time to the second and offset; undefined when it is no FHIR dateTime of the calendar. */
export function parseDateTime(text: string): FhirDate | undefined {
  const parts = parseSearchDate(text);
  return parts?.hour !== undefined && (parts.second === undefined || parts.offset === undefined) ? undefined : parts;
}

/** A full date with time to the second and offset; undefined otherwise. */
export function parseInstant(text: string): FhirDate | undefined {
  const parts = parseSearchDate(text);
  return parts?.second === undefined || parts.offset === undefined ? undefined : parts;
}

export function isTime(text: string): boolean {
  return timePattern.test(text);
}

/** The calendar day of a date or dateTime in its own offset, as `YYYY-MM-DD`; of a partial date the first day. */
export function dayAsWritten(dateTime: string): string {
  if (dateTime.length >= 10) return dateTime.slice(0, 10);
  return dateTime.length === 7 ? `${dateTime}-01` : `${dateTime}-01-01`;
}

/**
 * A DATE column's text as a FHIR date: `1985-00-00` is `1985`, `1985-05-00` is `1985-05`; zero years and impossible days, which
 * MediMax's database lets pass in non-strict sessions, are undefined.
 */
export function dateFromColumn(text: string): string | undefined {
  const [year = '', month = '', day = ''] = text.split('-');
  const written = month === '00' ? year : day === '00' ? `${year}-${month}` : text;
  return parseDate(written) ? written : undefined;
}

export function daysIn(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

function offsetMinutes(zone: string): number {
  if (zone === 'Z') return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6));
  return zone.startsWith('-') ? -minutes : minutes;
}

/**
 * Half-open [start, end) in microseconds since 1970-01-01T00:00Z. Exact for whole seconds of all years, and for fractions until 2255
 * (later ones are rounded to 32 µs, as doubles must).
 */
export interface TimeRange {
  readonly start: number;
  readonly end: number;
}

const secondUs = 1_000_000;

/**
 * All the time a date, dateTime, instant or search value stands for: a year, a day, a minute, a second, or the unit of its last
 * fraction digit (not below a microsecond). What has no offset is read in the IANA zone. undefined when the text is no date.
 */
export function rangeOf(text: string, zone: string): TimeRange | undefined {
  const date = parseSearchDate(text);
  if (!date) return undefined;
  const start = startOf(date, zone);
  if (date.precision === 'second') return { start, end: start + secondUs };
  if (date.precision === 'minute') return { start, end: start + 60 * secondUs };
  if (date.precision !== 'fraction') return { start, end: startOf(following(date), zone) };
  const digits = (date.fraction ?? '').slice(0, 6);
  const from = start + Number(digits.padEnd(6, '0'));
  return { start: from, end: from + 10 ** (6 - digits.length) };
}

/** The start of the date's second, in microseconds. */
function startOf(date: FhirDate, zone: string): number {
  const { year, month = 1, day = 1, hour = 0, minute = 0, second = 0, offset } = date;
  // A leap second is read as the first second of the next minute, as POSIX time does.
  const wallMs = utcMs(year, month, day, hour, minute) + second * 1000;
  if (offset !== undefined) return (wallMs - offset * 60_000) * 1000;
  if (zone === 'UTC') return wallMs * 1000;
  const local = earliest(DateTime.fromObject({ year, month, day, hour, minute }, { zone }));
  return (local.toMillis() + second * 1000) * 1000;
}

function utcMs(year: number, month: number, day: number, hour: number, minute: number): number {
  // Not Date.UTC alone: it takes the years 0 to 99 for 1900 to 1999.
  return new Date(Date.UTC(2000, month - 1, day, hour, minute)).setUTCFullYear(year, month - 1, day);
}

function following(date: FhirDate): FhirDate {
  const { year, month = 1, day = 1 } = date;
  if (date.precision === 'year') return { precision: 'year', year: year + 1 };
  if (date.precision === 'month') {
    return month === 12 ? { precision: 'month', year: year + 1, month: 1 } : { precision: 'month', year, month: month + 1 };
  }
  const next = new Date(utcMs(year, month, day + 1, 0, 0));
  return { precision: 'day', year: next.getUTCFullYear(), month: next.getUTCMonth() + 1, day: next.getUTCDate() };
}

/** Where clocks are put back a wall time happens twice; the earlier one is meant. (Luxon itself moves the times of a gap forward.) */
function earliest(local: DateTime): DateTime {
  return local.getPossibleOffsets()[0] ?? local;
}

/**
 * The instant of a wall-clock time in an IANA zone, with that zone's offset. In a DST gap it is shifted forward, in an overlap it is the
 * earlier one. undefined when the day is no calendar day or the time is 24:00 or later, as MediMax's TIME columns can hold.
 */
export function clinicInstant(date: string, time: string, zone: string): string | undefined {
  const day = parseDate(date);
  const match = /^([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d))?$/.exec(time);
  if (day?.precision !== 'day' || !match) return undefined;
  const { year, month = 1, day: dayOfMonth = 1 } = day;
  const [, hour, minute, second = '0'] = match;
  const wall = { year, month, day: dayOfMonth, hour: Number(hour), minute: Number(minute), second: Number(second) };
  return earliest(DateTime.fromObject(wall, { zone })).toISO({ suppressMilliseconds: true }) ?? undefined;
}

/** Day `YYYY-MM-DD` and time `HH:MM:SS` that the clinic's clock shows at an instant; fractions of a second are left off. */
export function clinicWall(instant: string, zone: string): { readonly date: string; readonly time: string } | undefined {
  const parts = parseDateTime(instant);
  if (parts?.offset === undefined) return undefined;
  const local = DateTime.fromMillis(startOf(parts, zone) / 1000, { zone });
  // Before standard time zones had offsets with seconds, which FHIR cannot write; an instant that carries its zone's offset is wall time.
  if (Math.trunc(local.offset) === parts.offset && parts.second !== 60) {
    return { date: instant.slice(0, 10), time: instant.slice(11, 19) };
  }
  return { date: local.toFormat('yyyy-MM-dd'), time: local.toFormat('HH:mm:ss') };
}
