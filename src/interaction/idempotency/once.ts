/** Idempotency-Key: a request that is sent again gets the first answer, and nothing is done twice. https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/ */
import { hash } from 'node:crypto';
import type { Claim, KeptAnswer } from '../../db/kept-answers.ts';
import { parseJson, stringifyJson } from '../../fhir/json.ts';
import { error, FhirError, fault } from '../../fhir/outcome.ts';
import { isObject } from '../../mapping/lift.ts';
import { header } from '../header.ts';
import type { InteractionContext, InteractionRequest, InteractionResponse } from '../interaction.ts';

const leaseMarginMs = 5000;

/**
 * Runs `work` unless its answer is known. `work` gets the claim to seal its answer with in the transaction that does it; without a key: null.
 * @throws FhirError `conflict` while the first request is at work, `unprocessable` when the key came with another request
 */
export async function once(
  context: InteractionContext,
  request: InteractionRequest,
  work: (claim: Claim | null) => Promise<InteractionResponse>,
): Promise<InteractionResponse> {
  const key = header(request.headers, 'idempotency-key');
  if (key === undefined) return work(null);
  if (!/^[\x20-\x7e]{1,255}$/.test(key))
    throw fault('malformed', 'value', 'Idempotency-Key is 1 to 255 printable ASCII characters.', 'http.Idempotency-Key');
  const { answers } = context.repository;
  const leaseMs = Math.max(0, request.deadline - Date.now()) + leaseMarginMs;
  const claimed = await answers.claim(keyHashOf(request.resourceType ?? '', key), fingerprint(request), leaseMs);
  if (claimed.is === 'answered') return replayed(claimed.answer);
  if (claimed.is === 'running') throw stillRunning();
  if (claimed.is === 'other') {
    const text = 'This Idempotency-Key came before with another request; take a new key for a new request.';
    throw fault('unprocessable', 'conflict', text, 'http.Idempotency-Key');
  }
  let response: InteractionResponse;
  try {
    response = await work(claimed.claim);
  } catch (failure) {
    await answers.release(claimed.claim).catch(() => undefined); // the lease frees it otherwise
    throw failure;
  }
  await answers.keep(claimed.claim, keptAnswer(response)).catch(() => undefined); // sealed with the work already
  return response;
}

/** Keys of creates of one type and those of Bundles are apart. */
export function keyHashOf(resourceType: string, key: string): Buffer {
  return digest([resourceType, key]);
}

export function keptAnswer({ status, headers, body, text }: InteractionResponse): KeptAnswer {
  return { status, headers, body: text ?? (body === undefined ? null : stringifyJson(body)) };
}

function replayed({ status, headers, body }: KeptAnswer): InteractionResponse {
  const parsed = body === null ? undefined : parseJson(body, { depthMax: 2000 });
  return {
    status,
    headers: { ...headers, 'Idempotency-Replayed': 'true' },
    ...(isObject(parsed) ? { body: parsed } : {}),
  };
}

function stillRunning(): FhirError {
  const text = 'The first request with this Idempotency-Key is still at work; ask again in a moment.';
  return new FhirError('conflict', [error('conflict', text, 'http.Idempotency-Key')], { headers: { 'Retry-After': '1' } });
}

/** What makes two requests the same: method, place, parameters, conditions, content. */
function fingerprint({ method, resourceType, query, headers, body }: InteractionRequest): Buffer {
  const said = [
    method,
    resourceType ?? '',
    query.toString(),
    header(headers, 'if-none-exist') ?? '',
    stringifyJson(body ?? null),
  ];
  return digest(said);
}

function digest(parts: readonly string[]): Buffer {
  return hash('sha256', JSON.stringify(parts), 'buffer');
}
