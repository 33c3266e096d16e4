/** Runs one entry as the request it stands for, by the same route table as HTTP; a failure is an answer too. */
import { hash } from 'node:crypto';
import { error, FhirError, operationOutcome, statusOf } from '../../fhir/outcome.ts';
import { header } from '../header.ts';
import type { InteractionContext, InteractionRequest, InteractionResponse, RequestHeaders } from '../interaction.ts';
import type { BundleEntry } from './entries.ts';

export async function runEntry(
  context: InteractionContext,
  request: InteractionRequest,
  entry: BundleEntry,
): Promise<InteractionResponse> {
  try {
    const routed = context.routeOf(entry.method === 'HEAD' ? 'GET' : entry.method, entry.path);
    const answer = await routed.interaction(context, {
      ...routed.target,
      method: entry.method,
      query: new URLSearchParams(entry.query),
      headers: headersOf(request.headers, entry),
      ...(entry.resource ? { body: entry.resource } : {}),
      baseUrl: request.baseUrl,
      requestId: request.requestId,
      deadline: request.deadline,
    });
    return entry.method === 'HEAD' ? { status: answer.status, headers: answer.headers } : answer;
  } catch (thrown) {
    return failureOf(context, request, thrown);
  }
}

function failureOf({ log }: InteractionContext, { requestId }: InteractionRequest, thrown: unknown): InteractionResponse {
  if (thrown instanceof FhirError)
    return { status: statusOf[thrown.kind], headers: thrown.headers, body: { ...operationOutcome(thrown.issues) } };
  log.error('bug', {
    id: requestId,
    error: thrown instanceof Error ? thrown : new Error('Something that is no Error was thrown'),
  });
  const text = `The gateway failed; this is a fault of its own. Its log tells more under the request id ${requestId}.`;
  return { status: statusOf.bug, headers: {}, body: { ...operationOutcome([error('exception', text)]) } };
}

/** Preferences of the Bundle hold for its entries; conditions are each entry's own. */
function headersOf(headers: RequestHeaders, entry: BundleEntry): RequestHeaders {
  const { prefer, 'x-cascade': cascade } = headers;
  const key = header(headers, 'idempotency-key');
  const own: Readonly<Record<string, string | undefined>> = {
    'if-none-exist': entry.ifNoneExist,
    'if-match': entry.ifMatch,
    'if-none-match': entry.ifNoneMatch,
    'if-modified-since': entry.ifModifiedSince,
  };
  const given = Object.entries(own).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(given),
    ...(prefer === undefined ? {} : { prefer }),
    // A batch that is sent again finds which of its creates were done.
    ...(key === undefined || entry.method !== 'POST' ? {} : { 'idempotency-key': `${hash('sha256', key)}/${entry.index}` }),
    ...(cascade === undefined ? {} : { 'x-cascade': cascade }),
  };
}
