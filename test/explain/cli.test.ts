/** `npm run explain -- resource …` and `-- row …`, as a person meets them. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { after, before, test } from 'node:test';
import { readConfig } from '../../src/config.ts';
import { migrateUp } from '../../src/db/migrate.ts';
import { createGatewayRegistry, openGateway } from '../../src/gateway.ts';
import { type FreshDatabase, freshDatabase } from '../support/servers.ts';

const main = resolve(import.meta.dirname, '../../src/cli/main.ts');
let database: FreshDatabase;
let id: string;

before(async () => {
  database = await freshDatabase();
  const config = readConfig(database.env);
  await migrateUp(config, createGatewayRegistry());
  const gateway = await openGateway(config);
  const ada = { resourceType: 'Patient', name: [{ text: 'Ada' }], gender: 'female', active: true };
  ({ id } = (await gateway.repository.create('Patient', ada, { origin: 'client', deadline: Date.now() + 10_000 })).record);
  await gateway.close();
});
after(() => database?.drop());

function run(...args: readonly string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'explain', ...args], {
    env: { PATH: process.env['PATH'], ...database.env },
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

test('explain resource', () => {
  const { status, stdout, stderr } = run('resource', `Patient/${id}`);
  assert.equal(status, 0, stderr);
  assert.match(stdout, /Patient\.gender +"female" {2}← Patient\.sex of \d+ \(medimax-sex-gender: Female is female\)/);
  assert.match(stdout, /Patient\.active +true {2}← kept as it was sent/);
  assert.match(stdout, /Patient\.sex of \d+ = "Female": says Patient\.gender; written by Patient\.gender/);
});

test('explain row', () => {
  const { status, stdout, stderr } = run('row', 'Patient', id.replace('pt-', ''));
  assert.equal(status, 0, stderr);
  assert.match(stdout, new RegExp(`^Patient/${id} {2}Patient \\d+ is its row$`, 'm'));
});

test('what cannot be explained is said plainly', () => {
  assert.match(run('resource', 'Patient/none').stderr, /There is no Patient\/none/);
  assert.match(run('row', 'Nothing', '1').stderr, /MediMax has no table "Nothing"/);
  assert.equal(run('row', 'Patient', 'x').status, 1);
});
