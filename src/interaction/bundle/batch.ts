/** Batch: entries that know nothing of each other, each with its own answer. https://hl7.org/fhir/R4/http.html#brules */
import type { JsonObject } from '../../mapping/lift.ts';
import type { InteractionContext, InteractionRequest, InteractionResponse } from '../interaction.ts';
import type { BundleEntry } from './entries.ts';
import { answerOf, responseEntry } from './response.ts';
import { runEntry } from './run-entry.ts';

/** Entries at work at the same time; well below the connections of the pool, which other requests need as well. */
const atOnceMax = 4;

export async function batch(
  context: InteractionContext,
  request: InteractionRequest,
  entries: readonly BundleEntry[],
): Promise<InteractionResponse> {
  const answers: JsonObject[] = [];
  const waiting = entries.entries();
  const work = async () => {
    for (const [at, entry] of waiting) answers[at] = responseEntry(await runEntry(context, request, entry), request.baseUrl);
  };
  await Promise.all(Array.from({ length: Math.min(atOnceMax, entries.length) }, work));
  return answerOf('batch-response', answers);
}
