/** What the limits of HTTP benches share: the port, the liveness answer, and a pool with MediMax's connection settings. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import mysql, { type Pool } from 'mysql2';
import { readConfig } from '../../src/config.ts';
import { connectionOptions } from '../../src/db/pool.ts';

export function limitPool(connectionLimit = 16): Pool {
  return mysql.createPool({ ...connectionOptions(readConfig(process.env)), connectionLimit, rowsAsArray: true });
}

/** Serves until the run ends. */
export function serveLimit(handle: (request: IncomingMessage, response: ServerResponse) => void): void {
  process.on('disconnect', () => process.exit(0));
  const server = createServer((request, response) => {
    if (request.url === '/livez') response.end();
    else handle(request, response);
  });
  server.listen(Number(process.env['PORT']), '127.0.0.1');
}
