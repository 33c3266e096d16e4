/** Patch: some elements of a resource, by id or by a search that finds just one. https://hl7.org/fhir/R4/http.html#patch */
import type { WriteTarget } from '../../db/transaction-bundle-entries.ts';
import { singleVersion } from '../conditional/if-match.ts';
import { splitQuery } from '../conditional/query.ts';
import { onlyResult, writeOne } from '../conditional/write-one.ts';
import { header } from '../header.ts';
import { isId } from '../id.ts';
import type { Interaction, InteractionRequest } from '../interaction.ts';
import { refuseOtherConditions } from '../precondition.ts';
import { parsePresentation } from '../presentation.ts';
import { notFound, typeOf } from '../target.ts';
import { written } from '../written.ts';
import { applyPatch, parsePatch } from './patched.ts';

export const patch: Interaction = async (context, request) => {
  const resourceType = typeOf(request);
  const { target, answer } = targetAndAnswer(request, resourceType);
  const presentation = parsePresentation(answer, resourceType, 'A patch');
  refuseOtherConditions(request, ['if-match']);
  const change = parsePatch(request.body, header(request.headers, 'content-type'));
  const result = await writeOne(context, request, {
    kind: 'patch',
    index: 0,
    resourceType,
    target,
    ifMatch: singleVersion(header(request.headers, 'if-match')),
    content: (_addressOf, served) => applyPatch(change, served, resourceType),
  });
  return written(context, request, { result: onlyResult(result), warnings: [], presentation });
};

function targetAndAnswer(
  { id, query }: InteractionRequest,
  resourceType: string,
): { readonly target: WriteTarget; readonly answer: URLSearchParams } {
  if (id === undefined) {
    const { condition, answer } = splitQuery(query, 'PATCH');
    return { target: { query: condition }, answer };
  }
  if (!isId(id)) throw notFound({ resourceType, id });
  return { target: { id }, answer: query };
}
