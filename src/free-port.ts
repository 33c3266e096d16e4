/** A TCP port that is free on an address now. */
import { createServer } from 'node:net';

/** The preferred port where it is free, else (or for 0) any. Rejects where the address itself cannot be used. */
export function freePort(host: string, preferred = 0): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => (preferred === 0 ? reject(error) : resolve(freePort(host))));
    server.listen({ port: preferred, host }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
