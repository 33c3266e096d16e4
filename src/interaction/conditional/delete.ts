/** Conditional delete: what a search finds, one or as many as the configuration allows. https://hl7.org/fhir/R4/http.html#3.1.0.7.1 */
import { information, operationOutcome } from '../../fhir/outcome.ts';
import { asksForCascade } from '../delete.ts';
import { header } from '../header.ts';
import type { Interaction } from '../interaction.ts';
import { onlyParameters } from '../parameters.ts';
import { refuseOtherConditions } from '../precondition.ts';
import { parsePrefer } from '../prefer.ts';
import { typeOf } from '../target.ts';
import { sentence } from '../written.ts';
import { singleVersion } from './if-match.ts';
import { splitQuery } from './query.ts';
import { writeOne } from './write-one.ts';

export const conditionalDelete: Interaction = async (context, request) => {
  const resourceType = typeOf(request);
  const { condition, answer } = splitQuery(request.query, 'DELETE');
  onlyParameters(answer, [], 'A delete');
  refuseOtherConditions(request, ['if-match']);
  const results = await writeOne(context, request, {
    kind: 'delete',
    index: 0,
    resourceType,
    target: { query: condition },
    ifMatch: singleVersion(header(request.headers, 'if-match')),
    cascade: asksForCascade(request.headers),
    deletesMax: context.config.limits.conditionalDeletesMax,
  });
  const { return: wanted } = parsePrefer(header(request.headers, 'prefer'));
  if (wanted !== 'OperationOutcome') return { status: 204, headers: {} };
  const texts = results.length > 0 ? results.map(sentence) : ['The search found nothing; nothing was changed.'];
  const issues = [...texts.map((text) => information('informational', text)), ...results.flatMap(({ issues: told }) => told)];
  return { status: 200, headers: {}, body: { ...operationOutcome(issues) } };
};
