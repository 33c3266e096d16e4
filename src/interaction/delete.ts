/** Delete: the resource is gone from now on, its history stays. https://hl7.org/fhir/R4/http.html#delete */
import type { WriteResult } from '../db/repository.ts';
import { fault, information, operationOutcome } from '../fhir/outcome.ts';
import { etagOf } from './etag.ts';
import { header } from './header.ts';
import { isId } from './id.ts';
import type { Interaction, RequestHeaders } from './interaction.ts';
import { onlyParameters } from './parameters.ts';
import { refuseOtherConditions, requiredVersion } from './precondition.ts';
import { parsePrefer } from './prefer.ts';
import { notFound, targetOf } from './target.ts';
import { sentence } from './written.ts';

export const remove: Interaction = async (context, request) => {
  const target = targetOf(request);
  onlyParameters(request.query, [], 'A delete');
  refuseOtherConditions(request, ['if-match']);
  const cascade = asksForCascade(request.headers);
  if (!isId(target.id)) throw notFound(target);
  const ifMatch = await requiredVersion(context, request);
  const options = { ifMatch, cascade, origin: 'client', deadline: request.deadline };
  const result = await context.repository.delete(target.resourceType, target.id, options);
  const headers: Record<string, string> = result === null ? {} : { ETag: etagOf(result.record.version) };
  const { return: wanted } = parsePrefer(header(request.headers, 'prefer'));
  if (wanted !== 'OperationOutcome') return { status: 204, headers };
  const issues = [information('informational', textOf(result, `${target.resourceType}/${target.id}`)), ...(result?.issues ?? [])];
  return { status: 200, headers, body: { ...operationOutcome(issues) } };
};

function textOf(result: WriteResult | null, name: string): string {
  return result === null ? `${name} was not there; nothing was changed.` : sentence(result);
}

/** MediMax deletes a patient's whole chart with the patient, so a client has to say that it means it. */
export function asksForCascade(headers: RequestHeaders): boolean {
  const value = header(headers, 'x-cascade')?.trim().toLowerCase();
  if (value === undefined || value === 'none') return false;
  if (value === 'delete') return true;
  throw fault('malformed', 'value', 'X-Cascade is neither "delete" nor "none".', 'http.X-Cascade');
}
