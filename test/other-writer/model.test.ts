/**
 * Random scripts of MediMax's SQL and of API calls against a plain model: after every step the versions, and what a search finds, are the
 * model's, and in the end every version ever made reads as it did when it was current. `npm run hunt:writers` runs it for longer.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import request from 'supertest';
import { readChanges, sequenceChanges } from '../../src/db/change-feed.ts';
import { stringifyJson } from '../../src/fhir/json.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import { type TwoWriters, twoWriters } from './legacy.ts';
import { Model, type ModelRow, rule, rules } from './model.ts';
import { type Random, randomFrom, randomStatement, type Statement } from './statements.ts';

const isHunt = process.env['HUNT'] !== undefined;
const seeds = isHunt
  ? (process.env['HUNT_SEEDS']?.split(',').map(Number) ??
    Array.from({ length: Number(process.env['HUNT']) || 20 }, () => Math.floor(Math.random() * 2 ** 31)))
  : [1, 2];
const steps = isHunt ? 400 : 120;

for (const seed of seeds) {
  test(`versions, ETags, history, search and feed equal the model, seed ${seed}`, async () => {
    const writers = await twoWriters();
    const script: string[] = [];
    try {
      await play(writers, seed, script);
    } catch (failure) {
      console.log(`seed ${seed}, last steps:\n${script.slice(-6).join('\n')}`);
      throw failure;
    } finally {
      await writers.close();
    }
  });
}

async function play(writers: TwoWriters, seed: number, script: string[]): Promise<void> {
  const random = randomFrom(seed);
  const model = new Model(writers.gateway.registry.resourceTypes);
  // A session like any: another time zone, no strictness.
  await writers.medimax.query("SET time_zone = '-03:30', sql_mode = ''");
  const searched = new Map<string, string>();
  for (let step = 0; step < steps; step += 1) {
    const roll = random.below(10);
    if (roll < 6) await single(writers, model, random, script);
    else if (roll < 8) await transaction(writers, model, random, script);
    else await callApi(writers, model, random, script);
    // Before anything else has been asked: the search itself must see what MediMax has just committed.
    await compareSearch(writers, model, searched, script.at(-1) ?? '');
    await compare(writers, model, script.at(-1) ?? '');
    await readNew(writers, model);
  }
  assert.deepEqual(await writers.rows('SELECT * FROM fhir_trouble'), []);
  await compareHistories(writers, model);
  await compareFeed(writers, model);
}

async function single(writers: TwoWriters, model: Model, random: Random, script: string[]): Promise<void> {
  const statement = randomStatement(model, random);
  if (!statement) return;
  script.push(`${statement.sql} ${JSON.stringify(statement.values)}`);
  await execute(writers, model, statement);
}

/** A statement that the tables refuse changes nothing. */
async function execute(writers: TwoWriters, model: Model, statement: Statement): Promise<void> {
  try {
    statement.effect(await writers.run(statement.sql, statement.values));
    model.endStatement();
  } catch (failure) {
    model.forgetStatement();
    const { errno } = failure as { errno?: number };
    if (![4025, 1048, 1452, 1062].includes(errno ?? 0)) throw failure;
  }
}

async function transaction(writers: TwoWriters, model: Model, random: Random, script: string[]): Promise<void> {
  const restore = model.snapshot();
  await writers.run('START TRANSACTION');
  script.push('START TRANSACTION');
  for (let count = 1 + random.below(5); count > 0; count -= 1) await single(writers, model, random, script);
  if (random.below(3) > 0) {
    await writers.run('COMMIT');
    script.push('COMMIT');
    return;
  }
  await writers.run('ROLLBACK');
  script.push('ROLLBACK');
  restore();
}

/** Writes through the gateway, which keeps the same books itself. */
async function callApi(writers: TwoWriters, model: Model, random: Random, script: string[]): Promise<void> {
  const living = [...model.resources].filter(([, { state }]) => state === 'living').map(([name]) => name);
  if (living.length === 0) return;
  const name = random.pick(living);
  const [resourceType = ''] = name.split('/');
  const call = random.pick(
    apiCalls.filter(({ types, except }) => (types.length === 0 || types.includes(resourceType)) && except !== resourceType),
  );
  script.push(`API ${call.what} ${name}`);
  const url = `/fhir/${name}`;
  const read = await request(writers.app).get(url);
  assert.equal(read.status, 200, `${name}: ${read.text}`);
  const etag = read.headers['etag'] ?? '';
  if (call.what === 'delete') {
    const deleted = await request(writers.app).delete(url).set('X-Cascade', 'delete').set('If-Match', etag);
    assert.equal(deleted.status, 204, deleted.text);
    const [table = '', key] = placeOf(name);
    model.remove(table, key);
  } else {
    // As text, because a decimal's digits do not survive JSON.parse.
    const body = call.what === 'put back' ? read.text : call.change(read.body, random);
    const put = await request(writers.app).put(url).set('Content-Type', 'application/fhir+json').set('If-Match', etag).send(body);
    if (put.status === 422) return; // a rule of a mapping; nothing is written
    assert.equal(put.status, 200, put.text);
    if (put.headers['etag'] !== etag) model.wrote(name, 'living');
    if (call.what === 'put back') assert.equal(put.headers['etag'], etag, `${name}\n${read.text}\n${put.text}`);
    await takeRows(writers, model, name);
  }
  model.endStatement();
}

interface ApiCall {
  readonly what: string;
  readonly types: readonly string[];
  readonly except?: string;
  readonly change: (resource: JsonObject, random: Random) => JsonObject;
}

const apiCalls: readonly ApiCall[] = [
  { what: 'put back', types: [], change: (resource) => resource },
  { what: 'extend', types: [], change: (resource, random) => ({ ...resource, language: random.pick(['de', 'en', 'fr']) }) },
  {
    what: 'rename',
    types: ['Patient'],
    change: (resource, random) => ({ ...resource, name: [{ text: random.pick(['Ann', 'Bea']) }] }),
  },
  {
    what: 'birth date',
    types: ['Patient'],
    change: (resource, random) => ({ ...resource, birthDate: random.pick(['1980', '1980-05', '1980-05-06']) }),
  },
  {
    what: 'comment',
    types: ['Appointment'],
    change: (resource, random) => ({ ...resource, comment: random.pick(['one', 'two']) }),
  },
  {
    what: 'note',
    types: ['Condition', 'AllergyIntolerance'],
    change: (resource, random) => ({ ...resource, note: [{ text: random.pick(['one', 'two']) }] }),
  },
  // A client that deletes a report lets its findings go, where MediMax deletes them with it.
  { what: 'delete', types: [], except: 'DiagnosticReport', change: (resource) => resource },
];

function placeOf(name: string): [table: string, key: number] {
  const [prefix, key] = (name.split('/')[1] ?? '').split('-');
  const table = Object.keys(rules).find((one) => rules[one]?.prefix === prefix) ?? '';
  return [table, Number(key)];
}

/** The gateway chose the columns; the model only needs to know them from now on. */
async function takeRows(writers: TwoWriters, model: Model, name: string): Promise<void> {
  const [table, key] = placeOf(name);
  const known = model.rows(table).get(key);
  if (!known) return;
  const columns = Object.keys(known);
  const [row] = await writers.rows(`SELECT ${columns.join(', ')} FROM ${table} WHERE ${rule(table).key} = ?`, [key]);
  model.rows(table).set(key, row as ModelRow);
}

async function compare(writers: TwoWriters, model: Model, step: string): Promise<void> {
  const found = await writers.rows('SELECT type, id, version, state FROM fhir_resource WHERE state < 2');
  const actual = found.map(({ type, id, version, state }) => `${type}/${id} ${version} ${state === 0 ? 'living' : 'deleted'}`);
  const expected = [...model.resources].map(([name, { state, contents }]) => `${name} ${contents.length} ${state}`);
  assert.deepEqual(actual.toSorted(), expected.toSorted(), step);
}

/** Each type that has changed since it was searched last: all that is living, at its present version. */
async function compareSearch(writers: TwoWriters, model: Model, searched: Map<string, string>, step: string): Promise<void> {
  const living = [...model.resources].filter(([, { state }]) => state === 'living');
  const named = living.map(([name, { contents }]) => `${name} ${contents.length}`).toSorted();
  for (const type of writers.gateway.registry.resourceTypes) {
    const expected = named.filter((one) => one.startsWith(`${type}/`));
    if (searched.get(type) === expected.join('\n')) continue;
    const { body } = await request(writers.app).get(`/fhir/${type}?_count=1000&_elements=id`).expect(200);
    const found = ((body.entry ?? []) as { resource: { id: string; meta: { versionId: string } } }[]).map(
      ({ resource }) => `${type}/${resource.id} ${resource.meta.versionId}`,
    );
    assert.deepEqual(found.toSorted(), expected, `search after ${step}`);
    searched.set(type, expected.join('\n'));
  }
}

/** Content of what has just been made, to be compared with the same version when it is past. */
async function readNew(writers: TwoWriters, model: Model): Promise<void> {
  for (const [name, { contents, state }] of model.resources) {
    if (contents.at(-1) !== undefined || state === 'deleted') continue;
    const [type = '', id = ''] = name.split('/');
    const record = await writers.gateway.repository.read(type, id);
    assert.equal(record?.version, contents.length);
    contents[contents.length - 1] = record ? contentOf(writers.gateway.repository.render(record)) : null;
  }
}

/** Without what must differ from version to version. References name ids of resources, which stay. */
function contentOf({ meta: _meta, ...content }: JsonObject): string {
  return stringifyJson(content);
}

async function compareHistories(writers: TwoWriters, model: Model): Promise<void> {
  const { repository, history } = writers.gateway;
  for (const [name, { contents }] of model.resources) {
    const [resourceType = '', id = ''] = name.split('/');
    const page = await history.read({ resourceType, id, count: 1000 });
    assert.equal(page?.total, contents.length);
    let previous = '9';
    for (const { record } of page?.entries ?? []) {
      assert.ok(record.lastUpdated < previous, `${name} ${record.version}: ${record.lastUpdated} is not before ${previous}`);
      previous = record.lastUpdated;
      const expected = contents[record.version - 1];
      const actual = record.stored ? contentOf(repository.render(record)) : null;
      // Versions within a transaction were never read while they were current.
      if (expected !== undefined) assert.equal(actual, expected, `${name} version ${record.version}`);
      else assert.ok(actual, `${name} version ${record.version}`);
    }
    assert.equal(page?.entries.length, contents.length);
  }
}

async function compareFeed(writers: TwoWriters, model: Model): Promise<void> {
  await sequenceChanges(writers.gateway.pool, writers.gateway.parts.journal, 30_000);
  const changes = await readChanges(writers.session, 0, 100_000);
  const ids = new Map(
    (await writers.rows('SELECT rid, type, id FROM fhir_resource')).map(({ rid, type, id }) => [rid, `${type}/${id}`]),
  );
  const actual = changes.map(({ rid, version }) => `${ids.get(rid)} ${version}`);
  const expected = [...model.resources].flatMap(([name, { contents }]) => contents.map((_, index) => `${name} ${index + 1}`));
  assert.deepEqual(actual.toSorted(), expected.toSorted());
  const inOrder = new Map<number, number>();
  for (const { rid, version } of changes) {
    assert.equal(version, (inOrder.get(rid) ?? 0) + 1, 'versions of one resource come in order');
    inOrder.set(rid, version);
  }
}
