/** Date parameters: ranges against ranges. https://hl7.org/fhir/R4/search.html#date */
import { rangeOf, type TimeRange } from '../../fhir/date.ts';
import { isJsonObject, type JsonObject } from '../../fhir/json.ts';
import { type Sql, sql } from '../condition.ts';
import type { SearchEnv } from '../env.ts';
import type { Leaf } from '../expression.ts';
import type { IndexRows } from '../index-rows.ts';
import { type Prefix, splitPrefix, unescapeValue } from '../values.ts';

/** Microseconds since 1970 UTC, half-open. */
export interface DateTest {
  readonly kind: 'date';
  readonly prefix: Prefix;
  readonly start: number;
  readonly end: number;
}

/** Where a period is open. */
const beginningOfTime = -9e18;
const endOfTime = 9e18;

export function indexDate(param: number, leaf: Leaf, rows: IndexRows, env: SearchEnv): void {
  for (const { start, end } of rangesOf(leaf, env.zone))
    rows.date.push({ param, place: leaf.place, edge: 0, low: start, high: end });
}

function rangesOf({ value, type }: Leaf, zone: string): readonly TimeRange[] {
  // A choice may also hold a string, which is no date even where it looks like one.
  if (typeof value === 'string') return type === 'string' ? [] : one(rangeOf(value, zone));
  if (!isJsonObject(value)) return [];
  if (type === 'Period') return one(periodRange(value, zone));
  if (type === 'Timing') return one(timingRange(value, zone));
  return [];
}

function one(range: TimeRange | undefined): readonly TimeRange[] {
  return range ? [range] : [];
}

function periodRange(period: JsonObject, zone: string): TimeRange | undefined {
  const start = textRange(period['start'], zone);
  const end = textRange(period['end'], zone);
  return start || end ? { start: start?.start ?? beginningOfTime, end: end?.end ?? endOfTime } : undefined;
}

/** Only the outer limits of a Timing count: its events and the bounds of its repetition. */
function timingRange(timing: JsonObject, zone: string): TimeRange | undefined {
  const events: readonly unknown[] = Array.isArray(timing['event']) ? timing['event'] : [];
  const repeat = timing['repeat'];
  const bounds = isJsonObject(repeat) ? repeat['boundsPeriod'] : undefined;
  const ranges = [...events.map((event) => textRange(event, zone)), isJsonObject(bounds) ? periodRange(bounds, zone) : undefined];
  const known = ranges.filter((range) => range !== undefined);
  if (known.length === 0) return undefined;
  return { start: Math.min(...known.map(({ start }) => start)), end: Math.max(...known.map(({ end }) => end)) };
}

function textRange(text: unknown, zone: string): TimeRange | undefined {
  return typeof text === 'string' ? rangeOf(text, zone) : undefined;
}

export function parseDateValue(text: string, env: SearchEnv): DateTest | undefined {
  const [prefix, date] = splitPrefix(unescapeValue(text));
  // A `+` of an offset that was not percent-encoded arrives as a space.
  const range = rangeOf(date.replace(/ (?=\d\d:\d\d$)/, '+'), env.zone);
  if (!range) return undefined;
  if (prefix !== 'ap') return { kind: 'date', prefix, ...range };
  const gap = Math.abs(Date.now() * 1000 - range.start) / 10;
  return { kind: 'date', prefix, start: Math.floor(range.start - gap), end: Math.ceil(range.end + gap) };
}

type Compare = (low: string, high: string, test: DateTest) => Sql;

/** One row a prefix. The target is [low, high), the search value [start, end). */
const conditions: Readonly<Record<Prefix, Compare>> = {
  eq: (low, high, { start, end }) => sql(`(${low} >= ? AND ${low} < ? AND ${high} <= ?)`, start, end, end),
  ne: (low, high, { start, end }) => sql(`(${low} < ? OR ${high} > ?)`, start, end),
  gt: (_low, high, { end }) => sql(`${high} > ?`, end),
  lt: (low, _high, { start }) => sql(`${low} < ?`, start),
  ge: (low, high, { start, end }) => sql(`(${high} > ? OR (${low} >= ? AND ${high} <= ?))`, end, start, end),
  le: (low, high, { start, end }) => sql(`(${low} < ? OR (${low} >= ? AND ${low} < ? AND ${high} <= ?))`, start, start, end, end),
  sa: (low, _high, { end }) => sql(`${low} >= ?`, end),
  eb: (_low, high, { start }) => sql(`${high} <= ?`, start),
  ap: (low, high, { start, end }) => sql(`(${low} < ? AND ${high} > ?)`, end, start),
};

export function dateCondition(test: DateTest): Sql {
  return conditions[test.prefix]('i.low', 'i.high', test);
}

/** `_lastUpdated` is a column: a DATETIME(6), an instant of one microsecond. */
export function lastUpdatedCondition({ prefix, start, end }: DateTest, column: string): Sql {
  const from = datetime(start);
  const to = datetime(end);
  if (prefix === 'eq' || prefix === 'ap') return sql(`(${column} >= ? AND ${column} < ?)`, from, to);
  if (prefix === 'ne') return sql(`(${column} < ? OR ${column} >= ?)`, from, to);
  if (prefix === 'gt' || prefix === 'sa') return sql(`${column} >= ?`, to);
  if (prefix === 'lt' || prefix === 'eb') return sql(`${column} < ?`, from);
  return prefix === 'ge' ? sql(`${column} >= ?`, from) : sql(`${column} < ?`, to);
}

const earliestUs = Date.UTC(1000, 0, 1) * 1000;
const latestUs = Date.UTC(9999, 11, 31, 23, 59, 59) * 1000;

/** As the database writes it; years it cannot hold are moved to those it can, where no resource was written. */
function datetime(us: number): string {
  const clamped = Math.min(Math.max(us, earliestUs), latestUs);
  const seconds = Math.floor(clamped / 1e6);
  const rest = String(Math.floor(clamped - seconds * 1e6)).padStart(6, '0');
  return `${new Date(seconds * 1000).toISOString().slice(0, 19).replace('T', ' ')}.${rest}`;
}
