/** Observation.status: MediMax has no column for it, a row reads as final. */
import { warning } from '../../src/fhir/outcome.ts';
import type { Pair, WriteContext } from '../../src/mapping/types.ts';
import type { Lifted } from './lifted.ts';

/** What a client said of the status was said of these columns' values: with another value it is final again. */
export function statusOf(columns: readonly string[]): Pair<Lifted> {
  return { name: 'status', elements: ['status'], columns, toFhir: () => ({ status: 'final' }) };
}

const withdrawn: readonly string[] = ['entered-in-error', 'cancelled'];

export function checkStatus(status: string | undefined, resourceType: string, context: WriteContext): void {
  const expression = `${resourceType}.status`;
  if (status === undefined || status === 'final') return;
  if (withdrawn.includes(status)) {
    const text = `${expression} ${status} is not accepted yet: MediMax has no mark for what was withdrawn and would go on showing it. Until the rule for withdrawn results is there, DELETE it`;
    context.refuse('business-rule', text, expression);
  } else
    context.tell(
      warning('business-rule', `${expression} ${status} is kept here, but MediMax shows it like a final one`, expression),
    );
}
