/** Conditional create: only if a search finds nothing. https://hl7.org/fhir/R4/http.html#ccreate */
import { randomUUID } from 'node:crypto';
import type { WriteResult } from '../../db/repository.ts';
import type { JsonObject } from '../../mapping/lift.ts';
import type { InteractionContext, InteractionRequest } from '../interaction.ts';
import { onlyResult, writeOne } from './write-one.ts';

/** `condition` as If-None-Exist has it: `identifier=system|value`. */
export async function createUnless(
  context: InteractionContext,
  request: InteractionRequest,
  resourceType: string,
  resource: JsonObject,
  condition: string,
): Promise<WriteResult> {
  const unless = condition.trim().replace(/^[^?=]*\?/, '');
  const provisional = `${resourceType}/${randomUUID()}`;
  return onlyResult(
    await writeOne(context, request, { kind: 'create', index: 0, resourceType, provisional, unless, content: () => resource }),
  );
}
