/** Update: a new version of a resource, or a new resource under the client's own id. https://hl7.org/fhir/R4/http.html#update */
import { error, FhirError, fault } from '../fhir/outcome.ts';
import type { Registry } from '../mapping/registry.ts';
import { idSyntax, isId, isReservedId } from './id.ts';
import { requireSameId, resourceIn, warningsOf } from './incoming.ts';
import type { Interaction, InteractionContext } from './interaction.ts';
import { refuseOtherConditions, requiredVersion } from './precondition.ts';
import { parsePresentation } from './presentation.ts';
import { type Target, targetOf } from './target.ts';
import { written } from './written.ts';

export const update: Interaction = async (context, request) => {
  const target = targetOf(request);
  const presentation = parsePresentation(request.query, target.resourceType, 'An update');
  refuseOtherConditions(request, ['if-match']);
  if (!isId(target.id)) throw fault('malformed', 'value', `The id in the URL cannot be one: ${idSyntax}.`, 'id');
  const resource = resourceIn(request.body, target.resourceType);
  requireSameId(resource, target.id);
  const warnings = warningsOf(resource, target.resourceType);
  const ifMatch = await requiredVersion(context, request);
  await refuseReservedId(context, target);
  const options = { ifMatch, origin: 'client', deadline: request.deadline };
  const result = await context.repository.update(target.resourceType, target.id, resource, options);
  return written(context, request, { result, warnings, presentation });
};

/**
 * `pt-13` belongs to the row MediMax will insert next. R4 has 405 for just this: "the resource did not exist prior to the update, and the
 * server does not allow client defined ids".
 */
async function refuseReservedId({ registry, repository }: InteractionContext, target: Target): Promise<void> {
  const refusal = reservedId(registry, target);
  if (refusal && (await repository.read(target.resourceType, target.id)) === null) throw refusal;
}

/** Why nothing new may be put under this id; undefined where it may. */
export function reservedId(registry: Registry, { resourceType, id }: Target): FhirError | undefined {
  if (!isReservedId(registry, id)) return undefined;
  const text = `${resourceType}/${id} does not exist, and ids of this form are given by the gateway only: POST to ${resourceType}, or choose another id.`;
  return new FhirError('method-not-allowed', [error('business-rule', text, 'id')], { headers: { Allow: 'GET, HEAD, OPTIONS' } });
}
