/**
 * The limits of a search page: bare node:http and mysql2 `execute`, the hits ready in an index. `/rows/Observation/7` sends MediMax's rows of the page as
 * they are; `/texts/Observation/7` the finished resources, whose JSON text is ready in a column.
 */
import { limitPool, serveLimit } from './limit-server.ts';

const pool = limitPool();

const rowsOf: Readonly<Record<string, string>> = {
  Observation:
    'SELECT t.*, p.* FROM bench_hit h JOIN Lab_Finding t ON t.lab_finding_id = h.source_key JOIN Lab_Report p ON p.lab_report_id = t.lab_report_id WHERE h.asked = ? ORDER BY h.n',
  Patient: 'SELECT t.* FROM bench_hit h JOIN Patient t ON t.patient_id = h.source_key WHERE h.asked = ? ORDER BY h.n',
};
const texts = 'SELECT d.doc FROM bench_hit h JOIN bench_doc d ON d.doc_key = h.source_key WHERE h.asked = ? ORDER BY h.n';

serveLimit((request, response) => {
  const [, what, type = '', asked] = (request.url ?? '').split('/');
  const statement = what === 'rows' ? rowsOf[type] : texts;
  pool.execute(statement ?? '', [Number(asked)], (failure, found) => {
    const rows = found as unknown as (readonly unknown[])[]; // as arrays: an option of the pool
    if (failure || rows.length === 0) {
      response.writeHead(500, { 'Content-Length': 0 }).end();
      return;
    }
    const entries = what === 'rows' ? JSON.stringify(rows) : `[${rows.join(',')}]`;
    const text = `{"resourceType":"Bundle","type":"searchset","entry":${entries}}`;
    response.writeHead(200, { 'Content-Type': 'application/fhir+json', 'Content-Length': Buffer.byteLength(text) });
    response.end(text);
  });
});
