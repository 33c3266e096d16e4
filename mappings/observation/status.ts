/** Observation.status: MediMax has no column for it, a row reads as final. */
import { warning } from '../../src/fhir/outcome.ts';
import type { Pair, WriteContext } from '../../src/mapping/types.ts';
import type { Lifted } from './lifted.ts';

/** What a client said of the status was said of these columns' values: with another value it is final again. */
export function statusOf(columns: readonly string[]): Pair<Lifted> {
  return { name: 'status', elements: ['status'], columns, toFhir: () => ({ status: 'final' }) };
}

/** Of Observation and DiagnosticReport: MediMax has no mark for it and would go on showing the row, so there is none. */
export function isWithdrawn({ status }: { readonly status?: string | undefined }): boolean {
  return status === 'entered-in-error' || status === 'cancelled';
}

export function checkStatus(status: string | undefined, resourceType: string, context: WriteContext): void {
  const expression = `${resourceType}.status`;
  if (status === undefined || status === 'final') return;
  const text = `${expression} ${status} is kept here, but MediMax shows it like a final one`;
  context.tell(warning('business-rule', text, expression));
}
