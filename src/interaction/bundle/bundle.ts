/** POST of a Bundle to the base URL: a transaction, done as a whole or not at all, or a batch. https://hl7.org/fhir/R4/http.html#transaction */
import { once } from '../idempotency/once.ts';
import type { Interaction } from '../interaction.ts';
import { onlyParameters } from '../parameters.ts';
import { refuseOtherConditions } from '../precondition.ts';
import { batch } from './batch.ts';
import { parseBundle } from './entries.ts';
import { transaction } from './transaction.ts';

export const bundle: Interaction = async (context, request) => {
  onlyParameters(request.query, [], 'A Bundle');
  refuseOtherConditions(request, []);
  const { type, entries } = parseBundle(request.body, request.baseUrl, context.config.limits.bundleEntriesMax);
  return once(context, request, (claim) =>
    type === 'transaction' ? transaction(context, request, entries, claim) : batch(context, request, entries),
  );
};
