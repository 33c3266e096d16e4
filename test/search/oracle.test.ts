/** Law 6: random searches over everything served find exactly what the official FHIRPath expressions find. HUNT_QUERIES and HUNT_SEED make it long. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import { readConfig } from '../../src/config.ts';
import { migrateUp } from '../../src/db/migrate.ts';
import { createGatewayRegistry, type Gateway, openGateway } from '../../src/gateway.ts';
import type { InteractionContext, InteractionRequest } from '../../src/interaction/interaction.ts';
import { search } from '../../src/interaction/search.ts';
import { createLog } from '../../src/log.ts';
import { freshDatabase } from '../support/servers.ts';
import { connectMedimax } from './medimax.ts';
import { matches, type OracleEnv, type Question, type Served } from './oracle.ts';
import { everythingServed, populate } from './population.ts';
import { escapeValue, pick, question, type Random, seeded } from './questions.ts';

const queries = Number(process.env['HUNT_QUERIES'] ?? 500);
const seed = Number(process.env['HUNT_SEED'] ?? 20261123);

let gateway: Gateway;
let medimax: Connection;
let context: InteractionContext;
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
  medimax = await connectMedimax(gateway.pool);
  const log = createLog('error', () => {});
  const about = {
    software: { name: 'test', version: '0' },
    startedAt: '',
    served: [],
    searchParameters: () => [],
    routeOf: () => undefined,
  };
  context = { ...gateway, ...about, log };
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
});

/** All pages of a search, by following the links. */
async function walk(type: string, query: string): Promise<readonly string[]> {
  const ids: string[] = [];
  for (let next: string | undefined = query; next !== undefined; ) {
    const { body } = await search(context, requestFor(type, next));
    const { entry, link } = body as unknown as Page; // what the interaction makes
    ids.push(...(entry ?? []).map(({ resource }) => resource.id));
    next = link.find(({ relation }) => relation === 'next')?.url.split('?')[1];
  }
  return ids;
}

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
