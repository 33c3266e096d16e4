/** Transaction: all entries or none, in R4's order whatever their own. https://hl7.org/fhir/R4/http.html#transaction */
import type { BundleResults } from '../../db/repository.ts';
import { EntriesRefused } from '../../db/transaction-bundle-entries.ts';
import type { JsonObject } from '../../mapping/lift.ts';
import { header } from '../header.ts';
import type { InteractionContext, InteractionRequest, InteractionResponse } from '../interaction.ts';
import { parsePrefer } from '../prefer.ts';
import type { BundleEntry } from './entries.ts';
import { planTransaction } from './plan.ts';
import { refusal } from './refusal.ts';
import { answerOf, responseEntry, writeEntry } from './response.ts';
import { runEntry } from './run-entry.ts';

export async function transaction(
  context: InteractionContext,
  request: InteractionRequest,
  entries: readonly BundleEntry[],
): Promise<InteractionResponse> {
  const planned = planTransaction(context, request, entries);
  let results: BundleResults;
  try {
    results = await context.repository.transact(planned.bundle, { origin: 'client', deadline: request.deadline });
  } catch (failure) {
    throw failure instanceof EntriesRefused ? refusal(failure.failures) : failure;
  }
  const { return: wanted } = parsePrefer(header(request.headers, 'prefer'));
  const answers: JsonObject[] = [];
  for (const entry of entries) {
    const written = results.get(entry.index);
    if (entry.method === 'GET' || entry.method === 'HEAD')
      answers.push(responseEntry(await runEntry(context, request, entry), request.baseUrl));
    else
      answers.push(
        writeEntry(context, request, { wanted, results: written ?? [], warnings: planned.warnings.get(entry.index) ?? [] }),
      );
  }
  return answerOf('transaction-response', answers);
}
