/** Transaction: all entries or none, in R4's order whatever their own. https://hl7.org/fhir/R4/http.html#transaction */

import type { Claim } from '../../db/kept-answers.ts';
import type { BundleResults } from '../../db/repository.ts';
import { EntriesRefused } from '../../db/transaction-bundle-entries.ts';
import { error, operationOutcome, statusOf } from '../../fhir/outcome.ts';
import type { JsonObject } from '../../mapping/lift.ts';
import { header } from '../header.ts';
import { keptAnswer } from '../idempotency/once.ts';
import type { InteractionContext, InteractionRequest, InteractionResponse } from '../interaction.ts';
import { parsePrefer } from '../prefer.ts';
import type { BundleEntry } from './entries.ts';
import { planTransaction } from './plan.ts';
import { refusal } from './refusal.ts';
import { answerOf, responseEntry, statusText, writeEntry } from './response.ts';
import { runEntry } from './run-entry.ts';

export async function transaction(
  context: InteractionContext,
  request: InteractionRequest,
  entries: readonly BundleEntry[],
  claim: Claim | null,
): Promise<InteractionResponse> {
  const planned = planTransaction(context, request, entries);
  const { return: wanted } = parsePrefer(header(request.headers, 'prefer'));
  const answers = (results: BundleResults) =>
    entries.map((entry) => {
      if (isRead(entry)) return { response: { status: statusText(statusOf.unavailable), outcome: readAgain } };
      const warnings = planned.warnings.get(entry.index) ?? [];
      return writeEntry(context, request, { wanted, results: results.get(entry.index) ?? [], warnings });
    });
  const seal = claim && {
    claim,
    answer: (results: BundleResults) => keptAnswer(answerOf('transaction-response', answers(results))),
  };
  let results: BundleResults;
  try {
    results = await context.repository.transact(
      planned.bundle,
      { origin: 'client', deadline: request.deadline },
      ...(seal ? [seal] : []),
    );
  } catch (failure) {
    throw failure instanceof EntriesRefused ? refusal(failure.failures) : failure;
  }
  const done: JsonObject[] = answers(results);
  for (const [at, entry] of entries.entries())
    if (isRead(entry)) done[at] = responseEntry(await runEntry(context, request, entry), request.baseUrl);
  return answerOf('transaction-response', done);
}

function isRead({ method }: BundleEntry): boolean {
  return method === 'GET' || method === 'HEAD';
}

/** What a read says in an answer that was committed with the writes, should the gateway have ended before it could read. */
const readAgain = {
  ...operationOutcome([error('incomplete', 'The writes are done; what is to be read was not read yet. Read it again.')]),
};
