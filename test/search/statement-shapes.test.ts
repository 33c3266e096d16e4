/** Searches are put together from a closed list of statement shapes, no word of a client stands in one, and a page takes at most three. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import request from 'supertest';
import { readConfig } from '../../src/config.ts';
import { migrateUp } from '../../src/db/migrate.ts';
import { createGatewayRegistry, type Gateway, openGateway } from '../../src/gateway.ts';
import { createApp } from '../../src/http/app.ts';
import { createLog } from '../../src/log.ts';
import { parametersOf } from '../../src/search/parameter.ts';
import { freshDatabase } from '../support/servers.ts';
import { connectMedimax } from './medimax.ts';
import { populate } from './population.ts';
import { listed, noteStatements, type Statements, shapesOf } from './statements.ts';

let gateway: Gateway;
let medimax: Connection;
let statements: Statements;
let app: ReturnType<typeof createApp>;
let drop: () => Promise<void>;

before(async () => {
  const database = await freshDatabase();
  drop = database.drop;
  const config = readConfig({ ...database.env, DB_POOL_MIN: '1', DB_POOL_MAX: '4' });
  await migrateUp(config, createGatewayRegistry());
  gateway = await openGateway(config);
  medimax = await connectMedimax(gateway.pool);
  await populate(gateway, medimax, { seed: 7, each: 6 });
  statements = noteStatements(gateway.pool);
  const software = { name: 'test', version: '0' };
  app = createApp({ ...gateway, log: createLog('error', () => {}), software, ready: async () => [] });
  await search('Patient?_count=1');
});

after(async () => {
  await medimax.end();
  await gateway.close();
  await drop();
});

interface Link {
  readonly relation: string;
  readonly url: string;
}

async function search(path: string) {
  const [address = '', query = ''] = path.split('?');
  const from = statements.all.length;
  const { status, body } = await request(app).get(`/fhir/${address}`).query(query);
  const found: readonly { readonly resource: { readonly id: string } }[] = body.entry ?? [];
  const links: readonly Link[] = body.link ?? [];
  return { status, body, found, links, sent: statements.all.slice(from) };
}

const marker = 'zqx';
const prefixes = ['', 'ne', 'gt', 'lt', 'ge', 'le', 'sa', 'eb', 'ap'];
const dates = prefixes.map((prefix) => `${prefix}2024-02-03`);
const numbers = prefixes.map((prefix) => `${prefix}5.4`);
const units = ['', '||mg', '|http://unitsofmeasure.org|mg', '|http://unitsofmeasure.org|zqx'];

/** Values that reach every statement a parameter of this type can lead to, with the client's marker wherever a text may stand. */
const valuesOfType: Readonly<Record<string, readonly string[]>> = {
  token: [marker, `http://${marker}|${marker}`, `|${marker}`, `http://${marker}|`, `${marker},|${marker}',http://${marker}|`],
  string: [marker, `${marker}' OR 1=1`, `${marker},b%`],
  date: [...dates, dates.join(',')],
  quantity: numbers.flatMap((number) => units.map((unit) => number + unit)),
  number: numbers,
  reference: [marker, `Patient/${marker}`, `http://${marker}/x`, `Patient/${marker},http://${marker}/y`],
  uri: [`http://${marker}/a/b`, `http://${marker}`],
};

const modifiersOfType: Readonly<Record<string, readonly string[]>> = {
  token: ['not', 'text', 'of-type'],
  string: ['exact', 'contains'],
  reference: ['identifier', 'Patient'],
  uri: ['above', 'below'],
};

function questionsOf(type: string): readonly string[] {
  const names = [...parametersOf(type).values()];
  return names.flatMap((parameter) => {
    const { name } = parameter;
    const values = valuesOfType[parameter.type] ?? [];
    const some = values[0] ?? '';
    if (parameter.components) {
      const parts = parameter.components.map((component) => valuesOfType[component.type] ?? []);
      const most = Math.max(...parts.map(({ length }) => length));
      const pairs = Array.from({ length: most }, (_, at) => parts.map((part) => part[at % part.length]).join('$'));
      return [...pairs, `${pairs[0]},${pairs.at(-1)}`].map((value) => `${name}=${encodeURIComponent(value)}`);
    }
    return [
      ...values.map((value) => `${name}=${encodeURIComponent(value)}`),
      ...(modifiersOfType[parameter.type] ?? []).map((modifier) => {
        const value = modifier === 'of-type' ? `http://${marker}|${marker}|${marker}` : some;
        return `${name}:${modifier}=${encodeURIComponent(value)}`;
      }),
      `${name}:missing=true`,
      `${name}:missing=false&${name}=${encodeURIComponent(values.at(-1) ?? '')}`,
    ];
  });
}

test('every parameter, modifier and prefix leads to a listed shape, and no text of a client stands in it', async () => {
  // What is asked for is understood: otherwise no statement would be sent.
  let understood = 0;
  for (const type of gateway.registry.resourceTypes)
    for (const question of questionsOf(type))
      if ((await search(`${type}?${question}&_total=accurate`)).status === 200) understood += 1;
  assert.ok(understood > 500, String(understood));
  const others = statements.all.filter((text) => text.toLowerCase().includes(marker));
  assert.deepEqual(others, []);
  statements.assertListed();
});

test('sorts, pages, chains, includes and totals lead to listed shapes', async () => {
  const sorts = [
    'birthdate',
    '-birthdate',
    'name,-birthdate',
    '-gender,_id',
    '_id',
    '-_lastUpdated',
    'family',
    '_lastUpdated,-name',
  ];
  for (const sort of sorts)
    for (const more of ['', '&gender=male', `&name=${marker}`]) {
      const { links } = await search(`Patient?_sort=${sort}&_count=3${more}`);
      let next = links.find(({ relation }) => relation === 'next');
      while (next) {
        const page = await search(next.url.replace(/^.*\/fhir\//, ''));
        const back = page.links.find(({ relation }) => relation === 'previous');
        if (back) await search(back.url.replace(/^.*\/fhir\//, ''));
        next = page.links.find(({ relation }) => relation === 'next');
      }
    }
  const others = [
    `Condition?patient.name=${marker}`,
    `Condition?subject:Patient.identifier=${marker}&_total=estimate`,
    `Patient?_has:Condition:patient:code=${marker}&_total=accurate`,
    `Patient?_has:Condition:patient:code:text=${marker},b&_sort=name`,
    `Observation?patient._has:Condition:patient:code=${marker}`,
    'Patient?_revinclude=Condition:subject',
    'Condition?_include=*&_include:iterate=Patient:organization',
    'MedicationStatement?_include=MedicationStatement:patient:Patient',
    'Patient?_summary=count',
    `Patient/${marker}/Condition`,
    'Patient/pt-1/*',
    '?_type=Patient,Condition&_sort=_id',
    `?_type=Patient,Condition&_id=${marker}`,
    'Patient?_id:not=x&_lastUpdated=gt2020&_lastUpdated=lt2099,eb2000',
    'Observation?_count=0&_total=estimate',
  ];
  for (const path of others) assert.equal((await search(path)).status, 200, path);
  statements.assertListed();
});

test('another statement would be noticed', () => {
  const known = new Set(listed());
  const injected = shapesOf("SELECT r.rid FROM fhir_resource r WHERE r.id = 'x' OR '1'='1'");
  assert.ok(injected.some((shape) => !known.has(shape)));
});

test('a page takes at most three statements and counts nothing unless asked', async () => {
  const mixed = await search('Observation?_count=200');
  assert.equal(mixed.status, 200, JSON.stringify(mixed.body));
  const variants = new Set(mixed.found.map(({ resource }) => resource.id.split('-')[0]));
  assert.ok(variants.size > 2, `rows of several kinds are on the page: ${[...variants]}\n${mixed.sent.join('\n')}`);
  // Read together with others, each is what it is when read alone.
  for (const { resource } of mixed.found) {
    const { body } = await request(app).get(`/fhir/Observation/${resource.id}`).expect(200);
    assert.deepEqual(resource, body);
  }
  const all = [
    ...gateway.registry.resourceTypes,
    'Observation?_count=200',
    'Observation?patient=pt-1&_count=200',
    'Observation?patient=pt-1&status=final&_sort=-date',
    'Patient?name=a&gender=male&birthdate=gt1900',
    'Patient?_sort=name,-birthdate',
    'Patient?_sort=birthdate&_count=200',
    'Condition?patient.gender=male',
    'Patient/pt-1/Observation',
  ];
  for (const path of all) {
    const { status, sent, links } = await search(path);
    assert.equal(status, 200, path);
    assert.ok(sent.length <= 3, `${path}:\n${sent.join('\n')}`);
    assert.ok(!sent.some((text) => /^SELECT COUNT/i.test(text)), path);
    const next = links.find(({ relation }) => relation === 'next');
    if (next) assert.ok((await search(next.url.replace(/^.*\/fhir\//, ''))).sent.length <= 3, `${path}, next page`);
  }
  const counted = await search('Observation?patient=pt-1&_total=accurate');
  assert.equal(counted.sent.filter((text) => /^SELECT COUNT/i.test(text)).length, 1);
});
