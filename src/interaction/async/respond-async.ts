/** `Prefer: respond-async`: 202 at once, the answer to be fetched later, the same as it would have been. https://hl7.org/fhir/R4/async.html */
import { hash } from 'node:crypto';
import { parseJson, stringifyJson } from '../../fhir/json.ts';
import { error, FhirError, fault, operationOutcome, statusOf } from '../../fhir/outcome.ts';
import { isObject, type JsonObject } from '../../mapping/lift.ts';
import { header } from '../header.ts';
import { keptAnswer, keyHashOf } from '../idempotency/once.ts';
import type { Interaction, InteractionContext, InteractionRequest, InteractionResponse } from '../interaction.ts';

/** What is kept of a request; enough to do it in another process. */
interface KeptRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly baseUrl: string;
  readonly requestId: string;
}

const keptHeaders: readonly string[] = ['prefer', 'x-cascade', 'idempotency-key'];

/** The interaction, and the same asynchronously where a client prefers that. */
export function asynchronously(interaction: Interaction): Interaction {
  return async (context, request) => {
    const prefer = header(request.headers, 'prefer') ?? '';
    if (!/(?:^|[,;\s])respond-async(?=$|[,;\s])/i.test(prefer)) return interaction(context, request);
    const id = await context.repository.jobs.add(stringifyJson(keptOf(request, prefer)));
    begin(context, id);
    return { status: 202, headers: { 'Content-Location': `${request.baseUrl}/$async/${id}` } };
  };
}

/** A POST of a search form has its fields in the query by now, so it is a GET. */
function keptOf(
  { method, resourceType = '', path, query, headers, body, baseUrl, requestId }: InteractionRequest,
  prefer: string,
): KeptRequest {
  const { compartment } = path;
  const kept = keptHeaders.flatMap((name) => {
    const value = header(headers, name);
    return value === undefined ? [] : [[name, value]];
  });
  return {
    method: isObject(body) ? method : 'GET',
    path: compartment === undefined ? resourceType : `Patient/${compartment}/${resourceType === '' ? '*' : resourceType}`,
    query: query.toString(),
    headers: { ...Object.fromEntries(kept), prefer: prefer.replace(/respond-async/gi, '') },
    body: body ?? null,
    baseUrl,
    requestId,
  };
}

/** Works on a job in the background; what goes wrong there is its answer, or is left to whoever asks for it next. */
function begin(context: InteractionContext, id: string): void {
  const { jobs } = context.repository;
  const work = async () => {
    const job = await jobs.find(id);
    return job?.state === 'open' ? answerTo(context, id, parseJson(job.request, { depthMax: 2000 }) as KeptRequest) : null;
  };
  jobs.run(id, work).catch((failure: unknown) => {
    context.log.error('async', { job: id, error: failure instanceof Error ? failure : new Error('unknown') });
  });
}

/** Null where another process may still be at work on the same: the next who asks tries again. */
async function answerTo(context: InteractionContext, id: string, kept: KeptRequest) {
  const { interaction, target } = context.routeOf(kept.method, kept.path);
  // Taken over by another process, the job finds under this key what was committed already.
  const key = kept.method === 'GET' ? {} : { 'idempotency-key': kept.headers['idempotency-key'] ?? keyOf(id) };
  try {
    return keptAnswer(
      await interaction(context, {
        ...target,
        method: kept.method,
        query: new URLSearchParams(kept.query),
        headers: { ...kept.headers, ...key },
        ...(isObject(kept.body) ? { body: kept.body } : {}),
        baseUrl: kept.baseUrl,
        requestId: kept.requestId,
        deadline: Date.now() + context.config.http.requestTimeoutMs,
      }),
    );
  } catch (failure) {
    if (!(failure instanceof FhirError)) {
      context.log.error('bug', { id: kept.requestId, error: failure instanceof Error ? failure : new Error('unknown') });
      const text = `The gateway failed; this is a fault of its own. Its log tells more under the request id ${kept.requestId}.`;
      return keptAnswer({ status: statusOf.bug, headers: {}, body: { ...operationOutcome([error('exception', text)]) } });
    }
    const isRunningElsewhere =
      failure.kind === 'conflict' && failure.issues.some(({ expression }) => expression?.[0] === 'http.Idempotency-Key');
    if (isRunningElsewhere) return null;
    return keptAnswer({
      status: statusOf[failure.kind],
      headers: failure.headers,
      body: { ...operationOutcome(failure.issues) },
    });
  }
}

const keyOf = (id: string): string => `async ${hash('sha256', id)}`;

/** Polling: 202 until there is an answer, then the answer. */
export const asyncStatus: Interaction = async (context, request): Promise<InteractionResponse> => {
  const id = jobIdOf(request);
  const job = await context.repository.jobs.find(id);
  if (!job || job.state === 'cancelled') throw noJob();
  if (job.answer) {
    const body = job.answer.body === null ? undefined : (parseJson(job.answer.body, { depthMax: 2000 }) as JsonObject);
    return { status: job.answer.status, headers: job.answer.headers, ...(body ? { body } : {}) };
  }
  if (job.isAbandoned) begin(context, id);
  return { status: 202, headers: { 'Retry-After': '1', 'X-Progress': 'at work' } };
};

/** Cancelling: a transaction that is not committed yet cannot be any more; an answer is forgotten. */
export const cancelAsync: Interaction = async (context, request) => {
  const id = jobIdOf(request);
  if (!(await context.repository.jobs.cancel(id))) throw noJob();
  await context.repository.answers.withdraw(keyHashOf('', keyOf(id)));
  return { status: 202, headers: {} };
};

function jobIdOf({ path }: InteractionRequest): string {
  const id = path['job'] ?? '';
  if (!/^[0-9a-f]{32}$/.test(id)) throw noJob();
  return id;
}

function noJob(): FhirError {
  return fault('not-found', 'not-found', 'There is no such request, or it was cancelled, or its answer is too old.');
}
