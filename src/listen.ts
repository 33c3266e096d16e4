/** Serves a handler on an address until it is closed in order: running requests end, idle connections go. */
import type { RequestListener } from 'node:http';
import type { Config } from './config.ts';
import { createHttpServer } from './http/server.ts';
import { PlainError } from './plain-error.ts';

export interface Listening {
  /** Where it listens, without a path. */
  readonly origin: string;
  /** Accepts nothing new, gives running requests `shutdownGraceMs`, then cuts them off. */
  readonly close: () => Promise<void>;
}

/** @throws PlainError where the port or the address cannot be had. */
export async function listen(http: Config['http'], handler: RequestListener): Promise<Listening> {
  let closing = false;
  const server = createHttpServer(http, (request, response) => {
    // A client that keeps its connection would otherwise send its next request on it.
    if (closing) response.setHeader('Connection', 'close');
    handler(request, response);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(inWords(error, http)));
    server.listen({ host: bare(http.host), port: http.port }, resolve);
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : http.port;

  const close = async () => {
    closing = true;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    const sweeping = setInterval(() => server.closeIdleConnections(), 50);
    const cutting = setTimeout(() => server.closeAllConnections(), http.shutdownGraceMs);
    await closed;
    clearInterval(sweeping);
    clearTimeout(cutting);
  };
  return { origin: `http://${http.host.includes(':') ? `[${bare(http.host)}]` : http.host}:${port}`, close };
}

/** Finds out early, before databases are started, whether the port can be had. @throws PlainError */
export async function requirePort(http: Config['http']): Promise<void> {
  await (await listen(http, () => {})).close();
}

function bare(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

function inWords(error: Error & { code?: unknown }, { host, port }: Config['http']): Error {
  const other = port < 65_535 ? port + 1 : port - 1;
  switch (error.code) {
    case 'EADDRINUSE':
      return new PlainError(
        `Port ${port} on ${host} is taken by another program: stop that one, or choose another port, for example PORT=${other}.`,
      );
    case 'EACCES':
      return new PlainError(
        `Port ${port} on ${host} may not be used by this user: choose one above 1023, for example PORT=8080.`,
      );
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new PlainError(`This machine has no address ${host}: set HOST to one of its own, for example 127.0.0.1.`);
    default:
      return error;
  }
}
