/** The limit of a read: bare node:http and mysql2 `execute` by primary key, the JSON text ready in a column; no headers beyond need, no log. */
import { limitPool, serveLimit } from './limit-server.ts';

const pool = limitPool();

serveLimit((request, response) => {
  const key = (request.url ?? '').slice('/doc/'.length);
  pool.execute('SELECT doc FROM bench_doc WHERE doc_key = ?', [key], (failure, rows) => {
    const [row] = rows as unknown as string[][]; // rows are arrays of this one column
    const text = row?.[0];
    if (failure || text === undefined) {
      response.writeHead(500, { 'Content-Length': 0 }).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': 'application/fhir+json', 'Content-Length': Buffer.byteLength(text) });
    response.end(text);
  });
});
