/** Search pages of 20 among many findings against the same pages from the bare driver, and pages deep in a walk against the first. */
import { readConfig } from '../src/config.ts';
import { openGateway } from '../src/gateway.ts';
import type { CursorCodec } from '../src/search/cursor.ts';
import type { Bench, Figure, HttpProcess, LoadRequest, Pace, Site } from './bench.ts';
import { compare, figuresOf } from './compare.ts';

const goal = 0.75;
/** A page at depth 100,000 takes at most one and a half times as long as the first. */
const depthGoal = 1 / 1.5;
const pageSize = 20;
const different = 100;
const indexMs = 3_600_000;

/** BENCH_FINDINGS=1000000 for the long form: making the index then takes some ten minutes of a core. */
const findings = Number(process.env['BENCH_FINDINGS'] ?? 200_000);

interface Case {
  readonly name: string;
  readonly type: 'Observation' | 'Patient';
  readonly query: (n: number) => string;
}

const ucum = 'http://unitsofmeasure.org';
const loinc = 'http://loinc.org';
const glucose = `code=${loinc}|2345-7`;

const cases: readonly Case[] = [
  { name: "a patient's observations", type: 'Observation', query: (n) => `patient=Patient/pt-${n}` },
  { name: "a patient's glucose, latest first", type: 'Observation', query: (n) => `patient=pt-${n}&${glucose}&_sort=-date` },
  { name: 'code (a fifth of all)', type: 'Observation', query: () => glucose },
  {
    name: 'code and date, latest first',
    type: 'Observation',
    query: (n) => `${glucose}&date=ge20${String(n % 20).padStart(2, '0')}&_sort=-date`,
  },
  { name: 'value-quantity above', type: 'Observation', query: (n) => `value-quantity=gt${100 + (n % 40)}|${ucum}|mg/dL` },
  {
    name: 'code and value-quantity equal',
    type: 'Observation',
    query: (n) => `${glucose}&value-quantity=${60 + (n % 80)}|${ucum}|mg/dL`,
  },
  {
    name: 'name',
    type: 'Patient',
    query: (n) => `name=${['Adler', 'Brun', 'costa', 'Dubois', 'Egger', 'fisch', 'garcia', 'Huber'][n % 8]}`,
  },
];

/** Left out where there are too few findings to go so deep. */
const deep: readonly (Pick<Case, 'name' | 'query'> & { readonly depth: number; readonly needs: number })[] = [
  { name: 'code, page 1,000 : page 1', query: () => glucose, depth: 20_000, needs: 105_000 },
  { name: 'latest first, page 1,000 : page 1', query: () => '_sort=-date', depth: 20_000, needs: 21_000 },
  { name: 'all, depth 100,000 : page 1', query: () => '', depth: 100_000, needs: 101_000 },
];

export const bench: Bench = {
  what: `search pages of ${pageSize} among ${findings.toLocaleString('en')} findings against the same pages from node:http and mysql2`,
  async run(site) {
    await fill(site);
    const { search, close } = await openGateway(readConfig(site.env));
    const started = performance.now();
    const indexed = await search.indexer.catchUp(null, Date.now() + indexMs);
    const seconds = (performance.now() - started) / 1000;
    site.say(`indexed ${indexed} resources, ${Math.round(indexed / seconds)} a second`);
    await site.sql('ANALYZE TABLE fhir_search_token, fhir_search_string, fhir_search_date, fhir_search_quantity');
    await site.sql('ANALYZE TABLE fhir_search_reference, fhir_resource, Lab_Report, Lab_Finding');
    const gateway = await site.gateway();
    const limit = await site.server(new URL('limits/search-limit.ts', import.meta.url));
    const figures: Figure[] = [];
    for (const one of cases) figures.push(...(await againstLimits(site, gateway, limit, one)));
    for (const one of deep.filter(({ needs }) => findings >= needs))
      figures.push(await againstFirst(site, gateway, one, search.cursors));
    await close();
    return figures;
  },
};

/** The clinic's own five findings a patient are made many; only what these searches ask about is indexed. */
async function fill(site: Site): Promise<void> {
  const { patients } = site.pace;
  const before = 5 * patients;
  if (findings > before) {
    site.say(`adding ${findings - before} findings`);
    await site.sql(`INSERT INTO Lab_Report (lab_report_id, patient_id, lab_date, lab_type, ordering_doctor, lab_facility, created_at, updated_at)
      SELECT seq, 1 + MOD(seq - 1, ${patients}), DATE('2000-01-01') + INTERVAL MOD(seq * 37, 8600) DAY, 'Metabolic Panel', 'Dr. Ines Roth', 'City Laboratory',
        TIMESTAMP('2024-01-01 08:00:00'), TIMESTAMP('2024-01-01 08:00:00') FROM seq_${patients + 1}_to_${Math.ceil(findings / 5)}`);
    await site.sql(`INSERT INTO Lab_Finding (lab_finding_id, lab_report_id, test_name, test_value, test_unit, reference_range, is_abnormal, abnormal_flag)
      SELECT seq, 1 + (seq - 1) DIV 5, ELT(1 + MOD(seq, 5), 'Glucose', 'Creatinine', 'Sodium', 'Potassium', 'Hemoglobin'),
        ELT(1 + MOD(seq, 5), ROUND(60 + MOD(seq DIV 5 * 7919, 800) / 10, 1), ROUND(0.5 + MOD(seq, 20) / 10, 1), 130 + MOD(seq, 20),
          ROUND(3 + MOD(seq, 30) / 10, 1), ROUND(9 + MOD(seq, 80) / 10, 1)),
        ELT(1 + MOD(seq, 5), 'mg/dL', 'mg/dL', 'mmol/L', 'mmol/L', 'g/dL'), '1-2', 0, NULL FROM seq_${before + 1}_to_${findings}`);
    await site.adopt();
  }
  await site.sql('DELETE FROM fhir_search_pending');
  await site.sql(
    "INSERT INTO fhir_search_pending (type, rid) SELECT type, rid FROM fhir_resource WHERE type IN ('Patient', 'Observation')",
  );
}

interface Page {
  readonly entry?: readonly { readonly resource: { readonly id: string } }[];
  readonly link: readonly { readonly relation: string; readonly url: string }[];
}

/** Each limit in half of the rounds, so that a case takes as long as one comparison. */
async function againstLimits(site: Site, gateway: HttpProcess, limit: HttpProcess, one: Case): Promise<readonly Figure[]> {
  const paths = Array.from(
    { length: different },
    (_, at) => `/fhir/${one.type}?${encodeURI(one.query(1 + ((at * 7919) % site.pace.patients)))}&_count=${pageSize}`,
  );
  const found = await keepPages(site, gateway.port, paths);
  const ours = site.load(gateway, requests(paths));
  const pace: Pace = { ...site.pace, rounds: Math.ceil(site.pace.rounds / 2) };
  const note = `${found.toFixed(0)} found`;
  const figures: Figure[] = [];
  for (const what of ['rows', 'texts']) {
    const bare = site.load(limit, requests(paths.map((_, at) => `/${what}/${one.type}/${at}`)));
    const [throughput, ...others] = figuresOf(`${one.name} : ${what}`, goal, await compare(site, ours, bare, pace));
    if (throughput) figures.push({ ...throughput, note });
    figures.push(...others);
  }
  return figures;
}

async function againstFirst(
  site: Site,
  gateway: HttpProcess,
  { name, query, depth }: (typeof deep)[number],
  cursors: CursorCodec,
): Promise<Figure> {
  const first = `/fhir/Observation?${[encodeURI(query(0)), `_count=${pageSize}`].filter((part) => part !== '').join('&')}`;
  const far = await pathAt(gateway.port, first, depth, cursors);
  const [ours, bare] = [site.load(gateway, requests([far])), site.load(gateway, requests([first]))];
  const { throughput, statements } = await compare(site, ours, bare);
  const note = `${await rowsRead(site, gateway.port, far)} rows read, of the first ${await rowsRead(site, gateway.port, first)}`;
  return { name, of: 'throughput', ratio: throughput, goal: depthGoal, statements, note };
}

/** What the database reads for a page says the same on every machine. */
async function rowsRead(site: Site, port: number, path: string): Promise<number> {
  const times = 20;
  const counters = "SELECT SUM(VARIABLE_VALUE) FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME LIKE 'HANDLER_READ%'";
  const soFar = async () => Number((await site.sql(counters))[0]?.[0]);
  const before = await soFar();
  for (let at = 0; at < times; at += 1) await pageOf(port, path);
  return Math.round(((await soFar()) - before) / times);
}

/** Walks there by `next` in large pages; the link of the last of them is written anew for small ones. */
async function pathAt(port: number, first: string, depth: number, cursors: CursorCodec): Promise<string> {
  const step = 1000;
  let path = first.replace(/_count=\d+/, `_count=${step}`);
  for (let at = 0; at < depth; at += step) {
    const next = (await pageOf(port, path)).link.find(({ relation }) => relation === 'next');
    if (!next) throw new Error(`${first} ends at ${at}`);
    path = `/fhir/Observation${new URL(next.url).search}`;
  }
  const cursor = cursors.read(new URLSearchParams(path.split('?')[1]).get('_page') ?? '');
  if (!cursor) throw new Error('The gateway has another secret');
  const parameters = cursor.parameters.map(([name, value]) => [name, name === '_count' ? String(pageSize) : value] as const);
  return `/fhir/Observation?_page=${cursors.write({ ...cursor, parameters })}`;
}

/** Puts the hits and what was sent for them into the limit's tables, in the order of the pages. Returns how many a page has. */
async function keepPages(site: Site, port: number, paths: readonly string[]): Promise<number> {
  const hits: string[] = [];
  const texts = new Map<number, string>();
  for (const [asked, path] of paths.entries()) {
    const { entry = [] } = await pageOf(port, path);
    if (entry.length === 0) throw new Error(`${path} finds nothing`);
    for (const [n, { resource }] of entry.entries()) {
      const key = Number(resource.id.split('-')[1]);
      hits.push(`(${asked}, ${n}, ${key})`);
      texts.set(key, `(${key}, '${JSON.stringify(resource).replace(/['\\]/g, '\\$&')}')`);
    }
  }
  await site.sql('DROP TABLE IF EXISTS bench_hit, bench_doc');
  await site.sql(
    'CREATE TABLE bench_hit (asked INT NOT NULL, n INT NOT NULL, source_key INT NOT NULL, PRIMARY KEY (asked, n)) ENGINE=InnoDB',
  );
  await site.sql(
    'CREATE TABLE bench_doc (doc_key INT NOT NULL PRIMARY KEY, doc TEXT NOT NULL) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4',
  );
  await site.sql(`INSERT INTO bench_hit (asked, n, source_key) VALUES ${hits.join(', ')}`);
  await site.sql(`INSERT INTO bench_doc (doc_key, doc) VALUES ${[...texts.values()].join(', ')}`);
  return hits.length / paths.length;
}

async function pageOf(port: number, path: string): Promise<Page> {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`);
  if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Page; // a searchset of our own
}

function requests(paths: readonly string[]): LoadRequest[] {
  return paths.map((path) => ({ method: 'GET', path }));
}
