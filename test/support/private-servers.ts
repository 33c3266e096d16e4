/** A MariaDB or Redis of its own, for tests that kill it, stop it or fill it up: the shared ones of the run must live. */

import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/free-port.ts';
import { findMariadb, findRedis } from '../../src/local/binaries.ts';
import { planMariadb } from '../../src/local/mariadb.ts';
import { identify, isAlive, signal } from '../../src/local/process.ts';
import { planRedis } from '../../src/local/redis.ts';
import { type LocalServer, runServer, type ServerPlan } from '../../src/local/server.ts';

export interface PrivateServer {
  /** For `readConfig`. */
  readonly env: Readonly<Record<string, string>>;
  /** By SIGKILL. */
  kill(): Promise<void>;
  /** In order. */
  stop(): Promise<void>;
  /** On the same port again, with the data that is there; `options` of the server besides those it always has. */
  start(options?: readonly string[]): Promise<void>;
  /** Ends it and deletes what it has kept. */
  remove(): Promise<void>;
}

const { PATH = '' } = process.env;
const env = { PATH: `${PATH}:/usr/sbin:/sbin` };

/** Keeps what it has acknowledged, as one in earnest does. `undoTablespaces`: apart from the system's, so that a full one can be made room in. */
export async function startPrivateMariadb({
  undoTablespaces = 0,
  options = [] as readonly string[],
} = {}): Promise<PrivateServer> {
  const folder = mkdtempSync(join(tmpdir(), 'mariadb-'));
  const binaries = findMariadb(PATH);
  if (!binaries) throw new Error('MariaDB is not installed');
  if (undoTablespaces > 0) makeData(folder, binaries.install, undoTablespaces);
  const account = { database: 'medimax', user: 'medimax', password: randomBytes(12).toString('hex') };
  const plan = planMariadb({ folder, binaries, ...account, purpose: 'keep', env });
  return control(folder, plan, options, (port) => ({
    DB_HOST: '127.0.0.1',
    DB_PORT: String(port),
    DB_NAME: account.database,
    DB_USER: account.user,
    DB_PASSWORD: account.password,
  }));
}

/** Forgets everything when it ends. */
export async function startPrivateRedis(): Promise<PrivateServer> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-'));
  const file = findRedis(PATH);
  if (!file) throw new Error('Redis is not installed');
  const password = randomBytes(12).toString('hex');
  const plan = planRedis({ folder, file, password, purpose: 'throw-away', env });
  return control(folder, plan, [], (port) => ({ REDIS_URL: `redis://:${password}@127.0.0.1:${port}/0` }));
}

async function control(
  folder: string,
  plan: ServerPlan,
  first: readonly string[],
  envFor: (port: number) => Record<string, string>,
): Promise<PrivateServer> {
  const run = (options: readonly string[]) =>
    runServer({ ...plan, argsFor: (port) => [...plan.argsFor(port), ...options], identity: `${plan.identity} ${options}` });
  let server: LocalServer = await run(first);
  const { port } = server;
  const kill = async () => {
    const id = identify(server.pid);
    if (!id) return;
    signal(id, 'SIGKILL');
    while (isAlive(id)) await sleep(10);
  };
  return {
    env: envFor(port),
    kill,
    stop: () => server.stop(),
    async start(options = []) {
      // The last thread of a process that was killed lets go of the port a moment after the first has ended.
      for (let tries = 0; tries < 200 && (await freePort('127.0.0.1', port)) !== port; tries += 1) await sleep(20);
      server = await run(options);
      if (server.port !== port) throw new Error(`${plan.name} has another port than before`);
    },
    async remove() {
      await kill();
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}

/** The number of undo tablespaces is settled when the data directory is made. */
function makeData(folder: string, install: string, undoTablespaces: number): void {
  mkdirSync(join(folder, 'tmp'));
  const root = process.getuid?.() === 0 ? ['-uroot'] : [];
  const options = ['--skip-test-db', '--skip-name-resolve', '--cross-bootstrap', '--auth-root-authentication-method=normal'];
  const args = ['--no-defaults', ...root, ...options, `--datadir=${join(folder, 'data')}`];
  const run = spawnSync(install, [...args, `--innodb-undo-tablespaces=${undoTablespaces}`], {
    encoding: 'utf8',
    cwd: folder,
    env: { ...env, TMPDIR: join(folder, 'tmp') },
  });
  if (run.status !== 0) throw new Error(`No data directory: ${run.stderr}`);
}
