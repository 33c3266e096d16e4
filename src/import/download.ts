/** A file from elsewhere as a stream, unpacked; within limits of time, size, and of where it may come from. */
import { isAllowed, publicUrl } from './allowed-url.ts';
import { unpacked } from './unpack.ts';

/** Why a file could not be fetched, for people; it names the address without its query. */
export class DownloadFailed extends Error {}

export interface DownloadLimits {
  readonly allowed: readonly string[];
  /** Longest time without a byte. */
  readonly silenceMs: number;
  readonly wholeMs: number;
  /** After decompression. */
  readonly bytesMax: number;
  /** Its reason is thrown as it is. */
  readonly signal: AbortSignal;
}

const redirectsMax = 5;

/** @throws DownloadFailed */
export async function* download(address: string, limits: DownloadLimits): AsyncGenerator<Buffer> {
  let total = 0;
  const notWhole = () => failed(address, 'it is no whole gzip file');
  for await (const piece of unpacked(arriving(address, limits), notWhole)) {
    total += piece.length;
    if (total > limits.bytesMax) throw failed(address, 'it is larger than an import may be (IMPORT_MAX_BYTES)');
    yield piece;
  }
}

/** What HTTP itself has packed is unpacked by fetch. */
async function* arriving(address: string, limits: DownloadLimits): AsyncGenerator<Buffer> {
  const whole = AbortSignal.timeout(limits.wholeMs);
  const silence = new AbortController();
  const signal = AbortSignal.any([limits.signal, whole, silence.signal]);
  const heard = async <Result>(work: Promise<Result>): Promise<Result> => {
    const timer = setTimeout(() => silence.abort(), limits.silenceMs);
    try {
      return await work;
    } catch (thrown) {
      if (limits.signal.aborted) throw limits.signal.reason;
      if (thrown instanceof DownloadFailed) throw thrown;
      if (whole.aborted) throw failed(address, `it took longer than ${limits.wholeMs} ms (IMPORT_FETCH_TIMEOUT_MS)`);
      if (silence.signal.aborted) throw failed(address, `nothing came for ${limits.silenceMs} ms (REQUEST_TIMEOUT_MS)`);
      throw failed(address, `the connection failed${codeOf(thrown)}`);
    } finally {
      clearTimeout(timer);
    }
  };
  const { body } = await heard(follow(address, limits.allowed, signal));
  if (!body) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await heard(reader.read());
      if (done) return;
      yield Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

async function follow(address: string, allowed: readonly string[], signal: AbortSignal): Promise<Response> {
  let at = address;
  for (let redirects = 0; redirects <= redirectsMax; redirects += 1) {
    if (!isAllowed(at, allowed)) {
      const what =
        at === address ? 'IMPORT_URLS does not allow it' : `it leads to ${publicUrl(at)}, which IMPORT_URLS does not allow`;
      throw failed(address, what);
    }
    const response = await fetch(at, { redirect: 'manual', signal, headers: { Accept: '*/*', 'Accept-Encoding': 'gzip' } });
    if (response.status === 200) return response;
    await response.body?.cancel();
    const next = response.headers.get('location');
    if (![301, 302, 303, 307, 308].includes(response.status) || next === null || !URL.canParse(next, at))
      throw failed(address, `the server answered with ${response.status}`);
    at = new URL(next, at).href;
  }
  throw failed(address, `it leads on more than ${redirectsMax} times`);
}

function failed(address: string, why: string): DownloadFailed {
  return new DownloadFailed(`${publicUrl(address)} could not be fetched: ${why}.`);
}

/** ` (ECONNREFUSED)`: what the system says, without the address. */
function codeOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause instanceof Error && 'code' in cause ? ` (${String(cause.code)})` : '';
}
