/** What a client gets for what was thrown: the one place where errors become responses. */
import { hindranceOf, unavailable } from '../db/errors.ts';
import { error, FhirError, type Issue, statusOf } from '../fhir/outcome.ts';

export interface ErrorReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly issues: readonly Issue[];
  /** True for what must not happen: it is logged with its stack. */
  readonly isBug: boolean;
}

const retryAfterS = '2';

export function errorReply(thrown: unknown, requestId: string): ErrorReply {
  const known = thrown instanceof FhirError ? thrown : (fromDatabase(thrown) ?? fromExpress(thrown));
  if (known === null) {
    const text = `The gateway failed; this is a fault of its own. Its log tells more under the request id ${requestId}.`;
    return { status: statusOf.bug, headers: {}, issues: [error('exception', text)], isBug: true };
  }
  const status = statusOf[known.kind];
  const headers = status === statusOf.unavailable ? { 'Retry-After': retryAfterS, ...known.headers } : known.headers;
  return { status, headers, issues: known.issues, isBug: status === statusOf.bug };
}

/** What keeps the database from answering is no bug, whoever has asked it. */
function fromDatabase(thrown: unknown): FhirError | null {
  return hindranceOf(thrown) ? unavailable(thrown) : null;
}

/** Express throws this itself when a part of the path cannot be decoded. */
function fromExpress(thrown: unknown): FhirError | null {
  if (!(thrown instanceof URIError)) return null;
  return new FhirError('malformed', [error('value', 'The path of the URL is not valid percent-encoded UTF-8.')]);
}
