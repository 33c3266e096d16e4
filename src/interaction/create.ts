/** Create: a new resource whose id the gateway gives. https://hl7.org/fhir/R4/http.html#create */

import { createUnless } from './conditional/create.ts';
import { header } from './header.ts';
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
  const unless = header(request.headers, 'if-none-exist');
  const result =
    unless === undefined
      ? await context.repository.create(resourceType, resource, { origin: 'client', deadline: request.deadline })
      : await createUnless(context, request, resourceType, resource, unless);
  return written(context, request, { result, warnings, presentation });
};
