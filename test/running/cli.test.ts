/** The commands as a person meets them. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, test } from 'node:test';
import { signal } from '../../src/local/process.ts';
import { serverIn } from '../../src/local/server.ts';

const main = resolve(import.meta.dirname, '../../src/cli/main.ts');
const folder = mkdtempSync(join(tmpdir(), 'medimax-cli-'));
const children: ChildProcess[] = [];

after(() => {
  for (const child of children) child.kill('SIGKILL');
  for (const name of ['mariadb', 'redis']) {
    const server = serverIn(join(folder, name));
    if (server) signal(server, 'SIGKILL');
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
});

interface Run {
  readonly child: ChildProcess;
  output: string;
  readonly ended: Promise<number | null>;
}

/** Runs a command with an environment of its own; empty variables shield it from a `.env` file in the project. */
function run(args: readonly string[], env: Record<string, string> = {}): Run {
  const { PATH } = process.env;
  const clean = { PATH, DB_HOST: '', REDIS_URL: '', LOCAL_DIR: folder, PORT: '0' };
  const child = spawn(process.execPath, [main, ...args], { env: { ...clean, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  const result: Run = { child, output: '', ended: once(child, 'close').then(([code]) => code) };
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (result.output += chunk));
  return result;
}

/** The first match of the pattern in what the command prints. */
async function printed(command: Run, pattern: RegExp): Promise<RegExpExecArray> {
  for (;;) {
    const match = pattern.exec(command.output);
    if (match) return match;
    assert.ok(command.child.stdout);
    const over = await Promise.race([once(command.child.stdout, 'data').then(() => false), command.ended.then(() => true)]);
    assert.ok(!over || pattern.test(command.output), `ended without ${pattern}:\n${command.output}`);
  }
}

test('start serves on private servers; Ctrl-C, told twice by npm, stops all of it in order', async () => {
  const gateway = run(['start']);
  const [, origin = ''] = await printed(gateway, /MediMax FHIR Gateway: (http:\S+)\/fhir\n[\s\S]*Ctrl-C/);
  assert.match(gateway.output, /Three things to try:/);
  assert.equal((await fetch(`${origin}/livez`)).status, 200);
  assert.equal((await fetch(`${origin}/fhir/Patient/pt-1`)).status, 200, 'the demo clinic is there on the first run');
  assert.ok(serverIn(join(folder, 'mariadb')) && serverIn(join(folder, 'redis')));

  const second = run(['start']);
  assert.equal(await second.ended, 1);
  assert.match(
    second.output,
    new RegExp(
      `^The folder ${folder} is in use by a gateway that runs already \\(process ${gateway.child.pid}\\): stop it first\\.\n$`,
    ),
  );

  const asked = run(['sql', 'SELECT', '6', '*', '7']);
  assert.equal(await asked.ended, 0, asked.output);
  assert.match(asked.output, /42/);

  gateway.child.kill('SIGINT');
  gateway.child.kill('SIGINT');
  assert.equal(await gateway.ended, 0, gateway.output);
  assert.deepEqual([serverIn(join(folder, 'mariadb')), serverIn(join(folder, 'redis'))], [undefined, undefined]);
  await assert.rejects(fetch(`${origin}/livez`));
});

test('SIGTERM stops it too, and a second start uses the same data', async () => {
  assert.ok(existsSync(join(folder, 'mariadb', 'data')));
  const gateway = run(['start']);
  await printed(gateway, /Ctrl-C/);
  gateway.child.kill('SIGTERM');
  assert.equal(await gateway.ended, 0);
  assert.equal(serverIn(join(folder, 'mariadb')), undefined);
});

test('migrate starts private servers where no gateway runs, and stops them', async () => {
  const migrate = run(['migrate', 'check']);
  assert.ok([0, 1].includes((await migrate.ended) ?? -1), migrate.output);
  assert.equal(serverIn(join(folder, 'mariadb')), undefined);
});

test('a port that is taken is one clear sentence, before anything is started', async (t) => {
  const other = createServer().listen(0, '127.0.0.1');
  t.after(() => other.close());
  await once(other, 'listening');
  const address = other.address();
  assert.ok(typeof address === 'object' && address);
  const gateway = run(['start'], { PORT: String(address.port), LOCAL_DIR: join(folder, 'unused') });
  assert.equal(await gateway.ended, 1);
  assert.match(gateway.output, new RegExp(`^Port ${address.port} on 127\\.0\\.0\\.1 is taken by another program: .*\n$`));
  assert.ok(!existsSync(join(folder, 'unused')));
});

test('faults of the configuration are listed together, without a stack', async () => {
  const gateway = run(['start'], { PORT: 'x', CLINIC_TIME_ZONE: 'Mars/Base', HOST: '0.0.0.0' });
  assert.equal(await gateway.ended, 1);
  assert.match(
    gateway.output,
    /^The configuration has 3 faults:\n {2}PORT is "x"[^\n]*\n {2}CLINIC_TIME_ZONE [^\n]*\n {2}HOST [^\n]*AUTH=none[^\n]*\n$/,
  );
});

test('serve never starts private servers', async () => {
  const gateway = run(['serve']);
  assert.equal(await gateway.ended, 1);
  assert.match(gateway.output, /^serve needs DB_HOST and REDIS_URL\./);
});

test('an unknown command lists those there are', async () => {
  const help = run(['fly']);
  assert.equal(await help.ended, 1);
  assert.match(help.output, /start[\s\S]*migrate \[up\|down\|check\][\s\S]*no command "fly"/);
});
