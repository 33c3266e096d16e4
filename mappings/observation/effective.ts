/** The calendar day that effective[x] or issued says. */
import type { Observation } from 'fhir/r4.js';
import { dayAsWritten } from '../../src/fhir/date.ts';
import type { WriteContext } from '../../src/mapping/types.ts';

export type Effective = Pick<
  Observation,
  'effectiveDateTime' | 'effectivePeriod' | 'effectiveTiming' | 'effectiveInstant' | 'issued'
>;

/** null when it names no day (a Timing without events, a Period open at both ends). */
export function effectiveDay(said: Partial<Effective>): string | null {
  const { effectiveDateTime, effectiveInstant, effectivePeriod, effectiveTiming } = said;
  const bounds = effectiveTiming?.repeat?.boundsPeriod;
  const written = [
    effectiveDateTime,
    effectiveInstant,
    effectivePeriod?.start,
    effectivePeriod?.end,
    effectiveTiming?.event?.find((event) => typeof event === 'string'),
    bounds?.start,
    bounds?.end,
  ].find((text) => text !== undefined);
  return written === undefined ? null : dayAsWritten(written);
}

/** The day for a column that must have one: effective[x], else issued; refuses when neither says it. */
export function requiredDay(said: Partial<Effective>, resourceType: string, context: WriteContext): string | null {
  const { issued } = context.resource as Partial<Effective>; // marked place: Observation and DiagnosticReport both have it
  const day = effectiveDay(said) ?? (issued === undefined ? null : dayAsWritten(issued));
  const expression = `${resourceType}.effective`;
  if (day === null) {
    const text = `${expression} must say the day (or issued must): MediMax keeps no result without one`;
    context.refuse('required', text, expression);
  } else if (day < '1000') {
    context.refuse('value', `${expression} ${day} is before the year 1000, where MediMax's dates begin`, expression);
  }
  return day;
}
