/** An answer that is made while it is sent: reports and other long lists. */
import { once } from 'node:events';
import { ClientGone } from './body.ts';
import { corsHeaders } from './cors.ts';
import { type Exchange, logLine } from './exchange.ts';

interface StreamedAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

/** A failure on the way cuts the connection, so that nobody takes a part for the whole. */
export async function answerStream(
  exchange: Exchange,
  { status, headers }: StreamedAnswer,
  { type, bytes }: { readonly type: string; readonly bytes: AsyncIterable<Buffer> },
): Promise<void> {
  const { request, response, fixedHeaders, corsOrigins, id } = exchange;
  for (let at = 0; at < fixedHeaders.length; at += 2) response.setHeader(fixedHeaders[at] ?? '', fixedHeaders[at + 1] ?? '');
  const cors = corsHeaders(corsOrigins, request.headers.origin);
  response.writeHead(status, { ...cors, ...headers, 'X-Request-Id': id, 'Content-Type': type });
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  let size = 0;
  if (request.method !== 'HEAD') {
    for await (const part of bytes) {
      if (gone.signal.aborted) throw new ClientGone();
      size += part.length;
      if (!response.write(part)) await once(response, 'drain', { signal: gone.signal });
    }
  }
  response.end();
  logLine(exchange, status, size);
}
