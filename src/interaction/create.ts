/** Create: a new resource whose id the gateway gives. https://hl7.org/fhir/R4/http.html#create */

import type { WriteResult } from '../db/repository.ts';
import { createInTransaction } from './conditional/create.ts';
import { onlyResult } from './conditional/write-one.ts';
import { header } from './header.ts';
import { keptAnswer, once } from './idempotency/once.ts';
import { resourceIn, warningsOf } from './incoming.ts';
import type { Interaction } from './interaction.ts';
import { refuseOtherConditions } from './precondition.ts';
import { parsePresentation } from './presentation.ts';
import { typeOf } from './target.ts';
import { written } from './written.ts';

export const create: Interaction = async (context, request) => {
  const resourceType = typeOf(request);
  const presentation = parsePresentation(request.query, resourceType, 'A create');
  refuseOtherConditions(request, ['if-none-exist']);
  // "If an id is provided, the server SHALL ignore it."
  const { id: _ignored, ...resource } = resourceIn(request.body, resourceType);
  const warnings = warningsOf(resource, resourceType);
  const condition = header(request.headers, 'if-none-exist');
  return once(context, request, async (claim) => {
    const answer = (result: WriteResult) => written(context, request, { result, warnings, presentation });
    if (condition === undefined && claim === null)
      return answer(await context.repository.create(resourceType, resource, { origin: 'client', deadline: request.deadline }));
    const seal = claim && { claim, answer: (results: readonly WriteResult[]) => keptAnswer(answer(onlyResult(results))) };
    return answer(await createInTransaction(context, request, resourceType, resource, { condition, ...(seal ? { seal } : {}) }));
  });
};
