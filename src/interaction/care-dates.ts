/** When the care was that a resource tells of: what `start` and `end` of $everything compare with. */
import { rangeOf, type TimeRange } from '../fhir/date.ts';
import { isObject, type JsonObject } from '../mapping/lift.ts';

/** The element that says it, the first that is there. */
const elements: readonly string[] = [
  'onsetDateTime',
  'effectiveDateTime',
  'effectivePeriod',
  'performedDateTime',
  'performedPeriod',
  'onsetPeriod',
  'start',
  'date',
  'recordedDate',
  'issued',
  'authoredOn',
];

/** Undefined when the resource says no date: such a resource is always part of the chart. */
export function careDates(resource: JsonObject, zone: string): TimeRange | undefined {
  for (const element of elements) {
    const range = rangeIn(resource[element], zone);
    if (range) return range;
  }
  const [requested] = Array.isArray(resource['requestedPeriod']) ? resource['requestedPeriod'] : [];
  return rangeIn(requested, zone);
}

function rangeIn(value: unknown, zone: string): TimeRange | undefined {
  if (typeof value === 'string') return rangeOf(value, zone);
  if (!isObject(value)) return undefined;
  const [start, end] = [value['start'], value['end']].map((edge) => (typeof edge === 'string' ? rangeOf(edge, zone) : undefined));
  if (!start && !end) return undefined;
  return { start: start?.start ?? Number.NEGATIVE_INFINITY, end: end?.end ?? Number.POSITIVE_INFINITY };
}
