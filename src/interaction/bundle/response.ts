/** Entries of the response to a Bundle. https://hl7.org/fhir/R4/bundle-definitions.html#Bundle.entry.response */
import { STATUS_CODES } from 'node:http';
import type { WriteResult } from '../../db/repository.ts';
import { type Issue, information, operationOutcome } from '../../fhir/outcome.ts';
import type { JsonObject } from '../../mapping/lift.ts';
import { etagOf } from '../etag.ts';
import type { InteractionContext, InteractionRequest, InteractionResponse } from '../interaction.ts';
import type { Preferences } from '../prefer.ts';
import { versionUrl } from '../version-headers.ts';
import { lossOf, sentence } from '../written.ts';

export function answerOf(type: 'transaction-response' | 'batch-response', entry: readonly JsonObject[]): InteractionResponse {
  return { status: 200, headers: {}, body: { resourceType: 'Bundle', type, ...(entry.length > 0 ? { entry } : {}) } };
}

interface WrittenEntry {
  readonly wanted: Preferences['return'];
  readonly results: readonly WriteResult[];
  readonly warnings: readonly Issue[];
}

/** What became of a write. No result: there was nothing to delete. */
export function writeEntry(
  context: InteractionContext,
  { baseUrl }: InteractionRequest,
  { wanted, results, warnings }: WrittenEntry,
): JsonObject {
  const [result] = results;
  const issues = [
    ...results.map((one) => information('informational', sentence(one))),
    ...warnings,
    ...results.flatMap((one) => one.issues),
    ...(wanted === 'OperationOutcome' ? results.flatMap((one) => lossOf(context, one)) : []),
  ];
  const outcome = wanted === 'OperationOutcome' ? { outcome: { ...operationOutcome(issues) } } : {};
  if (!result || result.outcome === 'deleted') {
    const etag = results.length === 1 && result ? { etag: etagOf(result.record.version) } : {};
    return { response: { status: statusText(204), ...etag, ...outcome } };
  }
  const { record } = result;
  const response = {
    status: statusText(result.outcome === 'created' ? 201 : 200),
    location: versionUrl(baseUrl, record),
    etag: etagOf(record.version),
    lastModified: record.lastUpdated,
    ...outcome,
  };
  const fullUrl = `${baseUrl}/${record.resourceType}/${record.id}`;
  return wanted === 'representation' ? { fullUrl, resource: context.repository.render(record), response } : { fullUrl, response };
}

/** An answer of an interaction as the entry of a response. */
export function responseEntry({ status, headers, body, text }: InteractionResponse, baseUrl: string): JsonObject {
  const resource = body ?? (text === undefined ? undefined : (JSON.parse(text) as JsonObject));
  const location = headers['Location'] ?? headers['Content-Location'];
  const etag = headers['ETag'];
  const modified = headers['Last-Modified'];
  const isOutcome = resource?.['resourceType'] === 'OperationOutcome';
  const id = resource?.['id'];
  return {
    ...(resource && !isOutcome && typeof id === 'string' ? { fullUrl: `${baseUrl}/${resource['resourceType']}/${id}` } : {}),
    ...(resource && !isOutcome ? { resource } : {}),
    response: {
      status: statusText(status),
      ...(location === undefined ? {} : { location }),
      ...(etag === undefined ? {} : { etag }),
      ...(modified === undefined ? {} : { lastModified: lastModified(resource, modified) }),
      ...(isOutcome ? { outcome: resource } : {}),
    },
  };
}

/** The instant of the resource where it is known, as the header knows whole seconds only. */
function lastModified(resource: JsonObject | undefined, header: string): string {
  const meta = resource?.['meta'];
  const exact = typeof meta === 'object' && meta !== null && 'lastUpdated' in meta ? meta.lastUpdated : undefined;
  return typeof exact === 'string' ? exact : new Date(header).toISOString();
}

export function statusText(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ''}`.trim();
}
