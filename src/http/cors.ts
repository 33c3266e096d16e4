/** CORS: which web pages may call the gateway, and what they may see. https://fetch.spec.whatwg.org/#http-cors-protocol */

/** Response headers that a page's script may read. */
const exposed = 'ETag, Location, Content-Location, Last-Modified, X-Request-Id, Retry-After, Idempotency-Replayed';

const requestHeaders = [
  'Accept',
  'Authorization',
  'Content-Encoding',
  'Content-Type',
  'Idempotency-Key',
  'If-Match',
  'If-Modified-Since',
  'If-None-Exist',
  'If-None-Match',
  'Prefer',
  'X-Cascade',
  'X-Request-Id',
].join(', ');

const preflightMaxAgeS = 600;

export type Headers = Readonly<Record<string, string>>;

/** For any response to a request of this origin; empty when there is none, or it is not one of `origins`. */
export function corsHeaders(origins: readonly string[], origin: string | undefined): Headers {
  if (origins.length === 0) return {};
  if (origins.includes('*')) {
    return origin === undefined ? {} : { 'Access-Control-Allow-Origin': '*', 'Access-Control-Expose-Headers': exposed };
  }
  // Caches must know that the answer differs by origin even where this one gets none.
  if (origin === undefined || !origins.includes(origin)) return { Vary: 'Origin' };
  return { 'Access-Control-Allow-Origin': origin, 'Access-Control-Expose-Headers': exposed, Vary: 'Origin' };
}

/** What the answer to a preflight adds: `allow` is the value of the Allow header of this path. */
export function preflightHeaders(cors: Headers, allow: string): Headers {
  if (cors['Access-Control-Allow-Origin'] === undefined) return {};
  return {
    'Access-Control-Allow-Methods': allow,
    'Access-Control-Allow-Headers': requestHeaders,
    'Access-Control-Max-Age': String(preflightMaxAgeS),
  };
}
