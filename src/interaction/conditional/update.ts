/** Conditional update: the one resource that a search finds, or a new one. https://hl7.org/fhir/R4/http.html#cond-update */
import { randomUUID } from 'node:crypto';
import { fault } from '../../fhir/outcome.ts';
import { header } from '../header.ts';
import { idSyntax, isId } from '../id.ts';
import { resourceIn, warningsOf } from '../incoming.ts';
import type { Interaction } from '../interaction.ts';
import { refuseOtherConditions } from '../precondition.ts';
import { parsePresentation } from '../presentation.ts';
import { typeOf } from '../target.ts';
import { reservedId } from '../update.ts';
import { written } from '../written.ts';
import { singleVersion } from './if-match.ts';
import { splitQuery } from './query.ts';
import { onlyResult, writeOne } from './write-one.ts';

export const conditionalUpdate: Interaction = async (context, request) => {
  const resourceType = typeOf(request);
  const { condition, answer } = splitQuery(request.query, 'PUT');
  const presentation = parsePresentation(answer, resourceType, 'An update');
  refuseOtherConditions(request, ['if-match']);
  const resource = resourceIn(request.body, resourceType);
  const warnings = warningsOf(resource, resourceType);
  const id = resource['id'];
  if (id !== undefined && (typeof id !== 'string' || !isId(id)))
    throw fault('malformed', 'value', `The id in the resource cannot be one: ${idSyntax}.`, 'id');
  const result = await writeOne(context, request, {
    kind: 'update',
    index: 0,
    resourceType,
    provisional: `${resourceType}/${randomUUID()}`,
    target: { query: condition },
    ifMatch: singleVersion(header(request.headers, 'if-match')),
    ownId: id,
    mustNotExist: false,
    mayNotCreate: id === undefined ? undefined : reservedId(context.registry, { resourceType, id }),
    content: () => resource,
  });
  return written(context, request, { result: onlyResult(result), warnings, presentation });
};
