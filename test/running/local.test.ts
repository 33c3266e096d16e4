/** Private servers: they start anywhere, keep their data, survive their parent and are adopted, and end. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { createConnection } from 'mysql2/promise';
import { isAlive, type ProcessId, signal } from '../../src/local/process.ts';
import { askRedis } from '../../src/local/redis.ts';
import { serverIn } from '../../src/local/server.ts';
import { type Local, startLocal } from '../../src/local/start.ts';
import { PlainError } from '../../src/plain-error.ts';

const { PATH } = process.env;
const root = mkdtempSync(join(tmpdir(), 'medimax-local-'));
// Longer than a socket's name may be, with a space and a letter outside ASCII.
const folder = join(root, `a clinic in Zürich ${'x'.repeat(100)}`, '.medimax');
const children: ChildProcess[] = [];

after(async () => {
  for (const child of children) child.kill('SIGKILL');
  for (const name of ['mariadb', 'redis']) {
    const server = serverIn(join(folder, name));
    if (server) signal(server, 'SIGKILL');
  }
  rmSync(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});

function start(options: { whenInUse?: 'join'; database?: string } = {}): Promise<Local> {
  return startLocal({ folder, env: { PATH }, database: 'medimax', mayInstall: true, whenInUse: 'refuse', ...options });
}

async function query(env: Local['env'], sql: string): Promise<unknown> {
  const { DB_HOST = '', DB_PORT, DB_NAME = '', DB_USER = '', DB_PASSWORD = '' } = env;
  const connection = await createConnection({
    host: DB_HOST,
    port: Number(DB_PORT),
    user: DB_USER,
    password: DB_PASSWORD,
    database: DB_NAME,
  });
  try {
    return (await connection.query({ sql, rowsAsArray: true }))[0];
  } finally {
    await connection.end();
  }
}

function redis(env: Local['env'], command: string): Promise<string | undefined> {
  const url = new URL(env['REDIS_URL'] ?? '');
  return askRedis(Number(url.port), url.password, command);
}

function serverProcess(name: string): ProcessId {
  const { pid, born } = JSON.parse(readFileSync(join(folder, name, 'server.json'), 'utf8'));
  return { pid, born };
}

/** Another process that owns the folder, like a running gateway. */
async function holder(): Promise<{ child: ChildProcess; env: Local['env'] }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'hold-local.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  assert.ok(child.stdout);
  const exited = once(child, 'exit').then(() => assert.fail('the holder could not start'));
  const [line] = await Promise.race([once(child.stdout, 'data'), exited]);
  exited.catch(() => {});
  return { child, env: JSON.parse(String(line)) };
}

test('servers start on ports of their own and take a user with a password', async () => {
  mkdirSync(folder, { recursive: true });
  const local = await start();
  assert.equal(local.databaseIsPrivate, true);
  await query(local.env, 'CREATE TABLE kept (n INT)');
  await query(local.env, 'INSERT INTO kept VALUES (42)');
  assert.equal(await redis(local.env, 'SET kept 42'), '+OK');
  assert.equal(
    await redis({ ...local.env, REDIS_URL: local.env['REDIS_URL']?.replace(/:\w+@/, ':wrong@') ?? '' }, 'PING'),
    undefined,
  );
  await assert.rejects(query({ ...local.env, DB_PASSWORD: 'wrong' }, 'SELECT 1'), { code: 'ER_ACCESS_DENIED_ERROR' });
  const processes = [serverProcess('mariadb'), serverProcess('redis')];
  await local.stop();
  assert.deepEqual(processes.map(isAlive), [false, false]);
});

test('a server that starts leaves the temporary tables of others alone', async () => {
  const local = await start();
  assert.deepEqual(await query(local.env, 'SELECT @@tmpdir'), [[join(folder, 'mariadb', 'tmp')]]);
  await local.stop();
});

test('data is there at the next start', async () => {
  const local = await start();
  assert.deepEqual(await query(local.env, 'SELECT n FROM kept'), [[42]]);
  assert.equal(await redis(local.env, 'GET kept'), '$2');
  await local.stop();
});

test('servers of a parent that was killed are adopted, then stopped', async () => {
  const { child, env } = await holder();
  const before = [serverProcess('mariadb'), serverProcess('redis')];
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.deepEqual(before.map(isAlive), [true, true]);
  const local = await start();
  assert.deepEqual([serverProcess('mariadb'), serverProcess('redis')], before);
  assert.deepEqual(local.env, env);
  await local.stop();
  assert.deepEqual(before.map(isAlive), [false, false]);
});

test('a left-over server with other settings is replaced', async () => {
  const { child } = await holder();
  const before = serverProcess('mariadb');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const local = await start({ database: 'other_name' });
  assert.equal(isAlive(before), false);
  assert.deepEqual(await query(local.env, 'SELECT DATABASE()'), [['other_name']]);
  await local.stop();
});

test('a second owner is refused in one sentence; a command joins and leaves the servers running', async () => {
  const { child, env } = await holder();
  await assert.rejects(start(), (error) => error instanceof PlainError && error.message.includes(`process ${child.pid}`));
  const joined = await start({ whenInUse: 'join' });
  assert.deepEqual(joined.env, env);
  await joined.stop();
  assert.deepEqual(await query(env, 'SELECT n FROM kept'), [[42]]);
});

test('of two that start at once exactly one gets the folder', async () => {
  const holding = children.filter((child) => child.exitCode === null && child.signalCode === null);
  await Promise.all(holding.map((child) => [once(child, 'exit'), child.kill('SIGKILL')][0]));
  const results = await Promise.allSettled([start(), start()]);
  const owners = results.filter((result) => result.status === 'fulfilled');
  assert.equal(owners.length, 1);
  for (const owner of owners) await owner.value.stop();
});

test('a server killed with -9 comes back with what was committed', async () => {
  const local = await start();
  await query(local.env, 'INSERT INTO kept VALUES (43)');
  local.abandon('SIGKILL');
  await local.stop();
  const again = await start();
  assert.deepEqual(await query(again.env, 'SELECT n FROM kept ORDER BY n'), [[42], [43]]);
  await again.stop();
});

test('what is configured is left alone', async () => {
  const env = { DB_HOST: 'db.example', REDIS_URL: 'redis://cache.example' };
  const local = await startLocal({ folder: '/nowhere', env, database: 'medimax', mayInstall: false, whenInUse: 'refuse' });
  assert.deepEqual([local.env, local.databaseIsPrivate], [{}, false]);
  await local.stop();
});
