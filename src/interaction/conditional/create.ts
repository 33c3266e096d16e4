/** A create that is more than one: conditional, only if a search finds nothing, or with its answer sealed. https://hl7.org/fhir/R4/http.html#ccreate */
import { randomUUID } from 'node:crypto';
import type { Seal } from '../../db/kept-answers.ts';
import type { WriteResult } from '../../db/repository.ts';
import type { JsonObject } from '../../mapping/lift.ts';
import type { InteractionContext, InteractionRequest } from '../interaction.ts';
import { onlyResult, writeOne } from './write-one.ts';

/** `condition` as If-None-Exist has it: `identifier=system|value`. */
export async function createInTransaction(
  context: InteractionContext,
  request: InteractionRequest,
  resourceType: string,
  resource: JsonObject,
  { condition, seal }: { readonly condition?: string | undefined; readonly seal?: Seal<readonly WriteResult[]> | undefined },
): Promise<WriteResult> {
  const unless = condition === undefined ? {} : { unless: condition.trim().replace(/^[^?=]*\?/, '') };
  const provisional = `${resourceType}/${randomUUID()}`;
  return onlyResult(
    await writeOne(
      context,
      request,
      { kind: 'create', index: 0, resourceType, provisional, ...unless, content: () => resource },
      seal,
    ),
  );
}
