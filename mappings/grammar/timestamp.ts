/** MediMax's TIMESTAMP columns (`YYYY-MM-DD HH:MM:SS`, read in UTC) as FHIR instants. */
import { parseInstant } from '../../src/fhir/date.ts';
import type { ColumnValue } from '../../src/mapping/types.ts';

/** undefined for NULL and for the zero timestamps that non-strict writers leave. */
export function instantFromTimestamp(timestamp: ColumnValue | undefined): string | undefined {
  if (typeof timestamp !== 'string') return undefined;
  const instant = `${timestamp.slice(0, 19).replace(' ', 'T')}Z`;
  return parseInstant(instant) ? instant : undefined;
}
