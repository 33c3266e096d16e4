/** One throw-away MariaDB and Redis for a test run, and a fresh database in them for each test file. */
import { randomBytes } from 'node:crypto';
import { globSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createConnection } from 'mysql2/promise';
import { isAlive, signal } from '../../src/local/process.ts';
import { askRedis } from '../../src/local/redis.ts';
import { logFile, serverIn } from '../../src/local/server.ts';
import { startLocal } from '../../src/local/start.ts';

/** How test files find the servers that `npm test` started. */
export const serversVariable = 'MEDIMAX_TEST_SERVERS';

export interface TestServers {
  /** To be set for the test files. Their temporary folder is inside that of the servers, so that nothing is left of either. */
  readonly env: Readonly<Record<string, string>>;
  /** What a server that has died by itself said last; empty while all of them run. */
  readonly obituary: () => string;
  /** Ends the servers at once and deletes their folder; may be called in an exit handler. */
  readonly stop: () => void;
}

export interface FreshDatabase {
  readonly name: string;
  /** For `readConfig`: DB_* and REDIS_URL, with a Redis database of its own. */
  readonly env: Readonly<Record<string, string>>;
  readonly drop: () => Promise<void>;
}

const prefix = 'medimax-test-';

/** Starts the servers of a test run, and clears away those of runs that were killed. */
export async function startTestServers(): Promise<TestServers> {
  await sweep();
  const folder = mkdtempSync(join(tmpdir(), prefix));
  const { PATH } = process.env;
  const files = join(folder, 'tmp');
  mkdirSync(files);
  const local = await startLocal({
    folder,
    env: { PATH },
    database: 'medimax',
    mayInstall: true,
    whenInUse: 'refuse',
    purpose: 'throw-away',
    say: console.log,
  });
  const obituary = () =>
    ['mariadb', 'redis']
      .filter((name) => serverIn(join(folder, name)) === undefined)
      .map(
        (name) =>
          `The ${name} of this run has died. Its log ends with:\n${readFileSync(logFile(join(folder, name)), 'utf8').slice(-4000)}`,
      )
      .join('\n');
  return { env: { [serversVariable]: JSON.stringify(local.env), TMPDIR: files }, obituary, stop: () => clear(folder) };
}

/** An empty database of a random name and an empty Redis database. Outside `npm test` it starts servers that end with the process. */
export async function freshDatabase(): Promise<FreshDatabase> {
  const servers = await sharedServers();
  const name = `t_${randomBytes(8).toString('hex')}`;
  await execute(servers, `CREATE DATABASE \`${name}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci`);
  const redis = new URL(servers['REDIS_URL'] ?? '');
  const count = await askRedis(Number(redis.port), redis.password, 'INCR databases');
  redis.pathname = `/${1 + (Number(count?.slice(1)) % 1023)}`;
  return {
    name,
    env: { ...servers, DB_NAME: name, REDIS_URL: redis.href },
    drop: () => execute(servers, `DROP DATABASE IF EXISTS \`${name}\``),
  };
}

let own: Promise<TestServers> | undefined;

async function sharedServers(): Promise<Record<string, string>> {
  const shared = process.env[serversVariable];
  if (shared) return JSON.parse(shared);
  own ??= startTestServers().then((servers) => {
    process.once('exit', servers.stop);
    return servers;
  });
  return JSON.parse((await own).env[serversVariable] ?? '{}');
}

async function execute(servers: Readonly<Record<string, string>>, sql: string): Promise<void> {
  const { DB_HOST = '', DB_PORT, DB_USER = '', DB_PASSWORD = '' } = servers;
  const connection = await createConnection({ host: DB_HOST, port: Number(DB_PORT), user: DB_USER, password: DB_PASSWORD });
  try {
    await connection.query(sql);
  } finally {
    await connection.end();
  }
}

/** A run that was killed leaves its servers; they are recognised by a lock whose owner is dead. */
async function sweep(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix))) {
    const folder = join(tmpdir(), name);
    try {
      const { pid, born } = JSON.parse(readFileSync(join(folder, 'lock'), 'utf8'));
      if (isAlive({ pid, born })) continue;
    } catch {
      // Without a lock it is being made or being deleted by another run.
      continue;
    }
    clear(folder);
  }
}

/** Ends every private server whose files are in the folder, those that tests have started in their TMPDIR included, and deletes it. */
function clear(folder: string): void {
  for (const state of globSync('**/server.json', { cwd: folder })) {
    const server = serverIn(join(folder, dirname(state)));
    if (server) signal(server, 'SIGKILL');
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
}
