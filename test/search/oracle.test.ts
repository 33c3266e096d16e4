/** Law 6: random searches over everything served find exactly what the official FHIRPath expressions find. HUNT_QUERIES and HUNT_SEED make it long. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import { readConfig } from '../../src/config.ts';
import { migrateUp } from '../../src/db/migrate.ts';
import { createSearchStore } from '../../src/db/search-store.ts';
import { createGatewayRegistry, type Gateway, openGateway } from '../../src/gateway.ts';
import type { InteractionContext, InteractionRequest } from '../../src/interaction/interaction.ts';
import { search } from '../../src/interaction/search.ts';
import { createLog } from '../../src/log.ts';
import { parametersOf } from '../../src/search/parameter.ts';
import { freshDatabase } from '../support/servers.ts';
import { connectMedimax } from './medimax.ts';
import { comparable, definitionOf, matches, type OracleEnv, type Question, type Served, valuesOf } from './oracle.ts';
import { everythingServed, populate } from './population.ts';
import { escapeValue, pick, question, type Random, seeded } from './questions.ts';
import { noteStatements, type Statements } from './statements.ts';

const queries = Number(process.env['HUNT_QUERIES'] ?? 500);
const seed = Number(process.env['HUNT_SEED'] ?? 20261123);

let gateway: Gateway;
let statements: Statements;
let medimax: Connection;
let context: InteractionContext;
/** Small data would never take the way that is for large: here every search with more than two candidates does. */
let walking: InteractionContext;
let sorting: InteractionContext;
let drop: () => Promise<void>;
let served: Map<string, Served[]>;
let env: OracleEnv;

before(async () => {
  const database = await freshDatabase();
  drop = database.drop;
  const zone = 'America/St_Johns';
  const config = readConfig({ ...database.env, DB_POOL_MIN: '1', DB_POOL_MAX: '8', CLINIC_TIME_ZONE: zone });
  await migrateUp(config, createGatewayRegistry());
  gateway = await openGateway(config);
  statements = noteStatements(gateway.pool);
  medimax = await connectMedimax(gateway.pool);
  const log = createLog('error', () => {});
  const about = {
    software: { name: 'test', version: '0' },
    startedAt: '',
    served: [],
    searchParameters: () => [],
    routeOf: noRoutes,
  };
  sorting = { ...gateway, ...about, log };
  walking = {
    ...sorting,
    search: { ...gateway.search, store: createSearchStore(gateway.pool, gateway.search.indexer, 30_000, 2) },
  };
  context = sorting;
  await populate(gateway, medimax, { seed, each: 24 });
  served = await everythingServed(gateway);
  env = { baseUrl: config.http.baseUrl, zone, toCanonical: loadTermTables().units.toCanonical };
});

function noRoutes(): never {
  throw new Error('There are no routes in this test');
}

after(async () => {
  await medimax.end();
  await gateway.close();
  await drop();
  statements.assertListed();
});

/** All pages of a search, by following the links. */
async function walk(type: string, query: string, andBack = false): Promise<readonly string[]> {
  let page = await pageOf(type, query);
  let ids = idsOf(page);
  for (let next = linkOf(page, 'next'); next !== undefined; next = linkOf(page, 'next')) {
    page = await pageOf(type, next);
    ids = [...ids, ...idsOf(page)];
  }
  if (!andBack) return ids;
  let back = idsOf(page);
  for (let previous = linkOf(page, 'previous'); previous !== undefined; previous = linkOf(page, 'previous')) {
    page = await pageOf(type, previous);
    back = [...idsOf(page), ...back];
  }
  return back;
}

async function pageOf(type: string, query: string): Promise<Page> {
  const { body } = await search(context, requestFor(type, query));
  return body as unknown as Page; // what the interaction makes
}

const idsOf = ({ entry }: Page) => (entry ?? []).map(({ resource }) => resource.id);
const linkOf = ({ link }: Page, wanted: string) => link.find(({ relation }) => relation === wanted)?.url.split('?')[1];

interface Page {
  readonly entry?: readonly { readonly resource: { readonly id: string } }[];
  readonly link: readonly { readonly relation: string; readonly url: string }[];
}

function requestFor(resourceType: string, query: string): InteractionRequest {
  const { baseUrl } = env;
  const deadline = Date.now() + 60_000;
  return {
    method: 'GET',
    resourceType,
    path: {},
    query: new URLSearchParams(query),
    headers: {},
    baseUrl,
    requestId: 'test',
    deadline,
  };
}

function asText({ name, modifier, values }: Question): string {
  const key = modifier === undefined ? name : `${name}:${modifier}`;
  return `${encodeURIComponent(key)}=${encodeURIComponent(values.map(escapeValue).join(','))}`;
}

async function ask(random: Random): Promise<'none' | 'some' | 'all'> {
  const type = pick(random, [...served.keys()]);
  const resources = served.get(type) ?? [];
  const wanted = 1 + (random() < 0.3 ? 1 : 0) + (random() < 0.1 ? 1 : 0);
  const questions = Array.from({ length: wanted }, () => question(random, type, resources)).filter((one) => one !== undefined);
  if (questions.length === 0) return 'none';
  const expected = resources.filter((resource) => questions.every((one) => matches(resource, one, env))).map(({ id }) => id);
  context = random() < 0.5 ? sorting : walking;
  const query = [...questions.map(asText), `_count=${pick(random, [7, 50, 200])}`].join('&');
  const path = decodeURIComponent(`${type}?${query}`);
  const ids = await walk(type, query).catch((failure: unknown) => assert.fail(`${path}\n${failure}`));
  const missing = expected.filter((id) => !ids.includes(id));
  const wrong = ids.filter((id) => !expected.includes(id));
  const shown = (id: string | undefined) => JSON.stringify(resources.find((resource) => resource.id === id));
  assert.deepEqual({ missing, wrong }, { missing: [], wrong: [] }, `${path}\n${shown(missing[0] ?? wrong[0])}`);
  assert.equal(new Set(ids).size, ids.length, `${path} repeats`);
  return expected.length === 0 ? 'none' : expected.length === resources.length ? 'all' : 'some';
}

/** A question put through a reference: of what refers to a patient, or of the patient referred to. */
async function askLinked(random: Random): Promise<void> {
  const others = [...served.keys()].filter((type) => type !== 'Patient' && parametersOf(type).get('patient'));
  const type = pick(random, others);
  const [patients, referring] = [served.get('Patient') ?? [], served.get(type) ?? []];
  const leadsTo = (resource: Served, id: string) => matches(resource, { name: 'patient', values: [`Patient/${id}`] }, env);
  const isForward = random() < 0.5;
  const asked = isForward ? question(random, 'Patient', patients) : question(random, type, referring);
  if (!asked) return;
  const text = asText(asked);
  const [subject, query, expected] = isForward
    ? [type, `patient.${text}`, referring.filter((one) => patients.some((to) => leadsTo(one, to.id) && matches(to, asked, env)))]
    : [
        'Patient',
        `_has:${type}:patient:${text}`,
        patients.filter((to) => referring.some((one) => leadsTo(one, to.id) && matches(one, asked, env))),
      ];
  const path = `${subject}?${decodeURIComponent(query)}`;
  const ids = await walk(subject, `${query}&_count=100`).catch((failure: unknown) => assert.fail(`${path}\n${failure}`));
  assert.deepEqual([...ids].sort(), expected.map(({ id }) => id).sort(), path);
}

test(`${Math.ceil(queries / 5)} random chains and reverse chains`, async () => {
  const random = seeded(seed + 1);
  for (let at = 0; at < queries / 5; at += 1) await askLinked(random);
});

/** Sort values as numbers or as bytes in hexadecimal; null where there is none. */
function sortValue(resource: Served, name: string, descending: boolean): number | string | null {
  const { type } = definitionOf(resource.resourceType, name);
  const keys = valuesOf(resource, name).flatMap((value) => comparable(value, type, name, descending, env));
  const [first, ...rest] = keys;
  if (first === undefined) return null;
  return rest.reduce((best, key) => (key < best === descending ? best : key), first);
}

test(`${Math.ceil(queries / 10)} random sorts, with equal and missing values, forwards and backwards`, async () => {
  const random = seeded(seed + 2);
  for (let at = 0; at < queries / 10; at += 1) {
    const type = pick(random, [...served.keys()]);
    const resources = served.get(type) ?? [];
    const sortable = [...parametersOf(type).values()].filter(
      (one) =>
        ['token', 'string', 'date'].includes(one.type) && one.indexedAs[0] === one.name && !one.column && one.name !== 'phonetic',
    );
    const names = [pick(random, sortable).name, ...(random() < 0.4 ? [pick(random, sortable).name] : [])];
    const keys = names.map((name) => ({ name, descending: random() < 0.5 }));
    const sort = keys.map(({ name, descending }) => (descending ? `-${name}` : name)).join(',');
    const ids = await walk(type, `_sort=${sort}&_count=9`);
    assert.deepEqual([...ids].sort(), resources.map(({ id }) => id).sort(), `${type}?_sort=${sort}`);
    assert.deepEqual(await walk(type, `_sort=${sort}&_count=9`, true), ids, `${type}?_sort=${sort} backwards`);
    const byId = new Map(resources.map((resource) => [resource.id, resource]));
    for (const [index, id] of ids.entries()) {
      const [before, here] = [byId.get(ids[index - 1] ?? ''), byId.get(id)];
      if (before && here) assert.ok(inOrder(before, here, keys), `${type}?_sort=${sort}: ${before.id} before ${here.id}`);
    }
  }
});

function inOrder(
  before: Served,
  here: Served,
  keys: readonly { readonly name: string; readonly descending: boolean }[],
): boolean {
  for (const { name, descending } of keys) {
    const [a, b] = [sortValue(before, name, descending), sortValue(here, name, descending)];
    if (a === b) continue;
    if (a === null || b === null) return b === null;
    return descending ? a > b : a < b;
  }
  return true;
}

test(`${queries} random searches find exactly what the official expressions find`, async () => {
  const random = seeded(seed);
  const faults: string[] = [];
  const outcomes = { none: 0, some: 0, all: 0 };
  for (let at = 0; at < queries && faults.length < 8; at += 1) {
    try {
      outcomes[await ask(random)] += 1;
    } catch (failure) {
      if (!(failure instanceof assert.AssertionError)) throw failure;
      faults.push(failure.message.slice(0, 2500));
    }
  }
  assert.equal(faults.length, 0, faults.join('\n\n'));
  if (process.env['HUNT_QUERIES']) console.log(outcomes, [...served].map(([type, all]) => `${type} ${all.length}`).join(', '));
  // A search that finds nothing tests little.
  assert.ok(outcomes.some > queries / 4, JSON.stringify(outcomes));
});
