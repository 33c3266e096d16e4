/** Whatever stands in a search, the answer is right or a 400 that names it; and the statements stay few. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { after, before, test } from 'node:test';
import request from 'supertest';
import { parametersOf } from '../../src/search/parameter.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { post } from '../support/send.ts';
import { noteStatements, type Statements } from './statements.ts';

let gateway: TestGateway;
let statements: Statements;
const collection = '../shared/data/bad-input/blns.json';

before(async () => {
  gateway = await startTestGateway();
  statements = noteStatements(gateway.pool);
  for (const text of [`O'Hara "x"`, '100%', 'a_b', 'back\\slash', 'comma, dollar$ pipe|'])
    await post(gateway.app, 'Patient', { resourceType: 'Patient', name: [{ text }], gender: 'female' }).expect(201);
});

after(async () => {
  await gateway.close();
  statements.assertListed();
});

const form = (type: string, fields: Record<string, string>) =>
  request(gateway.app).post(`/fhir/${type}/_search`).type('form').send(new URLSearchParams(fields).toString());

async function rightOrRefused(type: string, name: string, value: string): Promise<void> {
  const { status, body } = await form(type, { [name]: value });
  assert.ok(status === 200 || status === 400, `${type}?${name}=${value.slice(0, 100)}: ${status} ${JSON.stringify(body)}`);
  if (status === 400) assert.ok(body.issue[0].expression[0].length > 0, JSON.stringify(body));
}

test('long values in resources are indexed whole', async () => {
  const long = ['山'.repeat(5000), '😀'.repeat(3000), `${'a'.repeat(399)}é`, 'x'.repeat(100_000)];
  const codings = Array.from({ length: 70_000 }, (_, at) => ({ code: `c${at}` }));
  await post(gateway.app, 'Patient', {
    resourceType: 'Patient',
    name: [{ text: 'Long' }],
    gender: 'male',
    identifier: long.map((value) => ({ value })),
    maritalStatus: { text: 'x', coding: [{ code: 'M' }] },
    communication: [{ language: { coding: codings } }],
    contact: [{ name: { text: 'y' } }],
  }).expect(201);
  for (const value of long) assert.equal((await form('Patient', { identifier: value }).expect(200)).body.entry?.length, 1);
  assert.equal((await form('Patient', { identifier: `${'山'.repeat(4999)}x` }).expect(200)).body.entry, undefined);
  assert.equal((await form('Patient', { language: 'c69999' }).expect(200)).body.entry.length, 1);
});

const odd = [
  '',
  ' ',
  ',',
  '|',
  '||',
  '$',
  '\\',
  '%',
  '_',
  "'",
  '"',
  "' OR '1'='1",
  '0',
  '-1',
  '1e309',
  'NaN',
  'null',
  'true',
  '9999-99-99',
  '0000',
  '9999-12-31T23:59:60Z',
  '1e-400',
  '\u0000',
  '\ud83d\ude00',
  '*',
  'a'.repeat(65_536),
  '9'.repeat(5000),
  ','.repeat(150),
  '#x',
  'Patient/',
  'Patient/x/y',
  'http://',
  '1|2|3|4',
  '\u202e',
];

test('odd values of every parameter of every type', async () => {
  for (const type of ['Patient', 'Observation'])
    for (const name of [
      ...parametersOf(type).keys(),
      '_sort',
      '_count',
      '_include',
      '_has:Condition:patient:code',
      'patient.name',
    ])
      for (const value of odd) await rightOrRefused(type, name, value);
});

test('naughty strings', { skip: existsSync(collection) ? false : `${collection} is not there` }, async () => {
  const strings: unknown = JSON.parse(readFileSync(collection, 'utf8'));
  assert.ok(Array.isArray(strings));
  for (const text of strings.map(String)) {
    for (const name of ['name', 'name:exact', 'name:contains', 'identifier', 'birthdate', 'general-practitioner', text || 'x'])
      await rightOrRefused('Patient', name, text);
  }
});

test('characters with a meaning in SQL or in FHIR find themselves only', async () => {
  const found = async (fields: Record<string, string>) => (await form('Patient', fields).expect(200)).body.entry?.length ?? 0;
  assert.equal(await found({ 'name:exact': `O'Hara "x"` }), 1);
  assert.equal(await found({ 'name:exact': '100%' }), 1);
  assert.equal(await found({ 'name:exact': '%' }), 0);
  assert.equal(await found({ 'name:exact': 'back\\\\slash' }), 1);
  assert.equal(await found({ 'name:exact': 'comma\\, dollar\\$ pipe\\|' }), 1);
  assert.equal(await found({ name: 'a%b' }), 1);
  assert.equal(await found({ name: 'a_c' }), 0);
});
