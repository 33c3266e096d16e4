/** Node's HTTP server with the limits the gateway wants, and OperationOutcomes even for what never becomes a request. */
import { createServer, type RequestListener, type Server, STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type Config, isLoopback } from '../config.ts';
import { error, type IssueCode, operationOutcome } from '../fhir/outcome.ts';
import { PlainError } from '../plain-error.ts';

const headersTimeoutMs = 20_000;
/** Longer than the minute that load balancers usually keep a connection, so that the gateway never closes one they are about to use. */
const keepAliveTimeoutMs = 65_000;
const connectionsCheckMs = 5_000;
/** Request line and headers together; a longer search goes by POST. */
const maxHeaderSize = 32 * 1024;

/** @throws PlainError when other machines could come in without authentication and nobody said that they may */
export function createHttpServer(http: Config['http'], handler: RequestListener): Server {
  if (!isLoopback(http.host) && http.auth !== 'none') {
    throw new PlainError(
      `Without authentication the gateway serves this machine only, and ${http.host} is open to others: use HOST=127.0.0.1, or set AUTH=none if a proxy in front sees to it.`,
    );
  }
  const server = createServer(
    {
      maxHeaderSize,
      headersTimeout: Math.min(headersTimeoutMs, http.requestTimeoutMs),
      requestTimeout: http.requestTimeoutMs,
      keepAliveTimeout: keepAliveTimeoutMs,
      connectionsCheckingInterval: connectionsCheckMs,
    },
    handler,
  );
  server.on('clientError', answerBadRequest);
  return server;
}

interface BadRequest {
  readonly status: number;
  readonly code: IssueCode;
  readonly text: string;
}

/** By the error codes of Node's parser; whatever else it cannot read is a 400. */
const badRequests: Readonly<Record<string, BadRequest>> = {
  HPE_HEADER_OVERFLOW: {
    status: 431,
    code: 'too-long',
    text: `The URL and the headers are longer than ${maxHeaderSize} bytes together; a long search goes by POST to _search.`,
  },
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, code: 'timeout', text: 'The request did not arrive in full within its time.' },
};

const unreadable: BadRequest = { status: 400, code: 'structure', text: 'This is not an HTTP request that can be read.' };

function answerBadRequest(failure: Error & { readonly code?: unknown }, socket: Duplex): void {
  if (failure.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const { status, code, text } = badRequests[String(failure.code)] ?? unreadable;
  const body = JSON.stringify(operationOutcome([error(code, text)]));
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: application/fhir+json; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${body}`);
}
