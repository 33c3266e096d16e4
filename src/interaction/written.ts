/** The answer to a write that was done: status, version headers, and what the client would like back. https://hl7.org/fhir/R4/http.html#ops */
import type { WriteResult } from '../db/repository.ts';
import { lossReport } from '../explain/loss.ts';
import { type Issue, information, operationOutcome } from '../fhir/outcome.ts';
import { header } from './header.ts';
import type { InteractionContext, InteractionRequest, InteractionResponse } from './interaction.ts';
import { parsePrefer } from './prefer.ts';
import { type Presentation, present } from './presentation.ts';
import { versionHeaders, versionUrl } from './version-headers.ts';

interface Written {
  readonly result: WriteResult;
  /** Warnings of the validation. */
  readonly warnings: readonly Issue[];
  readonly presentation: Presentation;
}

export function written(context: InteractionContext, request: InteractionRequest, write: Written): InteractionResponse {
  const { record, outcome } = write.result;
  const status = outcome === 'created' ? 201 : 200;
  const url = versionUrl(request.baseUrl, record);
  const headers = { ...versionHeaders(record), ...(outcome === 'created' ? { Location: url } : { 'Content-Location': url }) };
  const { return: wanted } = parsePrefer(header(request.headers, 'prefer'));
  if (wanted === 'minimal') return { status, headers };
  if (wanted === 'OperationOutcome') {
    const issues = [
      information('informational', sentence(write.result)),
      ...write.warnings,
      ...write.result.issues,
      ...lossOf(context, write.result),
    ];
    return { status, headers, body: { ...operationOutcome(issues) } };
  }
  return { status, headers, body: present(context.repository.render(record), write.presentation) };
}

/** What MediMax will not show, or will show in another way. https://hl7.org/fhir/R4/http.html#ops */
export function lossOf({ inspection }: InteractionContext, { outcome, record }: WriteResult): readonly Issue[] {
  if (outcome === 'unchanged' || record.stored === null) return [];
  return lossReport({ ...record, stored: record.stored }, inspection.env());
}

export function sentence({ outcome, record: { resourceType, id, version } }: WriteResult): string {
  if (outcome === 'unchanged') return `${resourceType}/${id} already said this; it stays at version ${version}.`;
  return `${resourceType}/${id} was ${outcome}; it is at version ${version}.`;
}
