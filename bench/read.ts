/** Reads by id against bare node:http with mysql2 by primary key, answers of the same size. */
import type { Bench, Figure, LoadRequest, Site } from './bench.ts';
import { compare, figuresOf } from './compare.ts';

const goal = 0.5;
const different = 2000;

const cases = [
  { name: 'Patient', path: (n: number) => `Patient/pt-${n}` },
  { name: 'Observation (row, parent row)', path: (n: number) => `Observation/lf-${n}` },
  { name: 'MedicationStatement (row, child rows)', path: (n: number) => `MedicationStatement/md-${n}` },
] as const;

export const bench: Bench = {
  what: 'a read by id, of 10,000 patients, against bare node:http and mysql2 by primary key',
  async run(site) {
    const gateway = await site.gateway();
    const limit = await site.server(new URL('limits/read-limit.ts', import.meta.url));
    const figures: Figure[] = [];
    for (const { name, path } of cases) {
      const ids = Array.from({ length: different }, (_, at) => 1 + ((at * 7919) % site.pace.patients));
      await copyAnswers(site, gateway.port, ids.map(path));
      const ours = site.load(gateway, requests(ids.map((n) => `/fhir/${path(n)}`)));
      const bare = site.load(limit, requests(ids.map((_, at) => `/doc/${at + 1}`)));
      figures.push(...figuresOf(name, goal, await compare(site, ours, bare)));
    }
    return figures;
  },
};

function requests(paths: readonly string[]): LoadRequest[] {
  return paths.map((path) => ({ method: 'GET', path }));
}

/** Puts what the gateway answers into the limit's table, so that both send the same text. The table is as long as Patient is. */
async function copyAnswers(site: Site, port: number, paths: readonly string[]): Promise<void> {
  await site.sql('DROP TABLE IF EXISTS bench_doc');
  await site.sql(
    'CREATE TABLE bench_doc (doc_key INT NOT NULL PRIMARY KEY, doc TEXT NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4',
  );
  const rows: string[] = [];
  for (const [at, path] of paths.entries()) {
    const answer = await fetch(`http://127.0.0.1:${port}/fhir/${path}`);
    if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
    rows.push(`(${at + 1}, '${(await answer.text()).replace(/['\\]/g, '\\$&')}')`);
  }
  await site.sql(`INSERT INTO bench_doc (doc_key, doc) VALUES ${rows.join(', ')}`);
  await site.sql(
    `INSERT INTO bench_doc (doc_key, doc) SELECT seq, (SELECT doc FROM bench_doc WHERE doc_key = 1) FROM seq_${paths.length + 1}_to_${site.pace.patients}`,
  );
}
