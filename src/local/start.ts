/** Private MariaDB and Redis for whatever of the two is not configured, in one folder whose data stays between runs. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Environment, isConfigured } from '../config.ts';
import { PlainError } from '../plain-error.ts';
import { findMariadb, findRedis } from './binaries.ts';
import { lockFolder } from './folder-lock.ts';
import { install, type Product } from './install.ts';
import { greets, planMariadb } from './mariadb.ts';
import { askRedis, planRedis } from './redis.ts';
import { joinServer, type LocalServer, runServer } from './server.ts';

export interface LocalOptions {
  /** Absolute. */
  readonly folder: string;
  /** Decides what is needed (DB_HOST, REDIS_URL not set), and where programs are looked for (PATH). */
  readonly env: Environment;
  readonly database: string;
  /** Whether missing programs may be installed. */
  readonly mayInstall: boolean;
  /** What to do where a running gateway owns the folder: refuse, or use its servers and leave them running. */
  readonly whenInUse: 'refuse' | 'join';
  /** `throw-away` is for tests: fast, and the user may create databases. */
  readonly purpose?: 'keep' | 'throw-away';
  /** Hears what takes long, in sentences. */
  readonly say?: (sentence: string) => void;
}

export interface Local {
  /** The connection settings of what was started; empty where everything is configured. */
  readonly env: Record<string, string>;
  readonly databaseIsPrivate: boolean;
  /** Stops what was started (or adopted) and frees the folder. */
  stop(): Promise<void>;
  /** Signals everything and does not wait: SIGTERM for a second Ctrl-C, SIGKILL for what is thrown away. */
  abandon(signal: 'SIGTERM' | 'SIGKILL'): void;
}

interface Secrets {
  readonly database: string;
  readonly redis: string;
}

const user = 'medimax';

/** Starts or joins the private servers. @throws PlainError with one clear sentence. */
export async function startLocal(options: LocalOptions): Promise<Local> {
  const needed: Product[] = [];
  if (!isConfigured(options.env, 'DB_HOST')) needed.push('MariaDB');
  if (!isConfigured(options.env, 'REDIS_URL')) needed.push('Redis');
  if (needed.length === 0) return { env: {}, databaseIsPrivate: false, stop: async () => {}, abandon: () => {} };

  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const lock = lockFolder(options.folder);
  if ('owner' in lock) {
    if (options.whenInUse === 'join') return joinLocal(options, needed);
    throw new PlainError(
      `The folder ${options.folder} is in use by a gateway that runs already (process ${lock.owner.pid}): stop it first.`,
    );
  }
  const started: LocalServer[] = [];
  const stop = async () => {
    await Promise.all(started.map((server) => server.stop()));
    lock.release();
  };
  try {
    const secrets = secretsOf(options.folder);
    const plans = plansFor(options, needed, secrets);
    // allSettled: what has started must be known even where the other one failed.
    const results = await Promise.allSettled(plans.map(async (plan) => started.push(await runServer(plan))));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
    const portOf = (product: Product) => started.find((server) => server.name === product)?.port;
    return {
      ...connection(options, secrets, portOf('MariaDB'), portOf('Redis')),
      stop,
      abandon: (signal) => started.forEach((server) => void server.abandon(signal)),
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

function plansFor(options: LocalOptions, needed: readonly Product[], secrets: Secrets) {
  const env = childEnvironment(options.env);
  const { mariadb, redis } = programs(options, needed, env);
  const purpose = options.purpose ?? 'keep';
  return [
    ...(mariadb
      ? [
          planMariadb({
            folder: join(options.folder, 'mariadb'),
            binaries: mariadb,
            database: options.database,
            user,
            password: secrets.database,
            purpose,
            env,
          }),
        ]
      : []),
    ...(redis ? [planRedis({ folder: join(options.folder, 'redis'), file: redis, password: secrets.redis, purpose, env })] : []),
  ];
}

/** The programs of what is needed, installed if they must be. */
function programs(options: LocalOptions, needed: readonly Product[], env: Record<string, string>) {
  const path = env['PATH'] ?? '';
  const look = () => ({
    mariadb: needed.includes('MariaDB') ? findMariadb(path) : undefined,
    redis: needed.includes('Redis') ? findRedis(path) : undefined,
  });
  const missingOf = (found: ReturnType<typeof look>) =>
    needed.filter((product) => found[product === 'MariaDB' ? 'mariadb' : 'redis'] === undefined);
  let found = look();
  if (missingOf(found).length === 0) return found;
  const log = join(options.folder, 'install.log');
  const tried = options.mayInstall ? install(missingOf(found), env, log, options.say ?? (() => {})) : undefined;
  found = look();
  const missing = missingOf(found);
  if (missing.length === 0) return found;
  const variables = missing.map((product) => (product === 'MariaDB' ? 'DB_HOST' : 'REDIS_URL')).join(' and ');
  const failed = existsSync(log) ? ` (trying to install failed, see ${log})` : '';
  const remedy = tried?.byHand ?? `install ${missing.join(' and ')}`;
  throw new PlainError(
    `${missing.join(' and ')} ${missing.length > 1 ? 'are' : 'is'} not installed${failed}; ${remedy} – or set ${variables} to use one that runs elsewhere.`,
  );
}

async function joinLocal(options: LocalOptions, needed: readonly Product[]): Promise<Local> {
  const secrets = secretsOf(options.folder);
  const portIn = (product: Product, folder: string, answers: (port: number) => Promise<boolean>) =>
    needed.includes(product) ? joinServer({ folder: join(options.folder, folder), answers }) : undefined;
  const database = await portIn('MariaDB', 'mariadb', greets);
  const redis = await portIn('Redis', 'redis', async (port) => (await askRedis(port, secrets.redis, 'PING')) === '+PONG');
  const missing = needed.filter((product) => (product === 'MariaDB' ? database : redis) === undefined);
  if (missing.length > 0) {
    throw new PlainError(
      `The private ${missing.join(' and ')} in ${options.folder} ${missing.length > 1 ? 'do' : 'does'} not answer: the gateway that owns them is starting or stopping; try again in a moment.`,
    );
  }
  return { ...connection(options, secrets, database, redis), stop: async () => {}, abandon: () => {} };
}

function connection(options: LocalOptions, secrets: Secrets, database: number | undefined, redis: number | undefined) {
  const env: Record<string, string> = {};
  if (database !== undefined) {
    Object.assign(env, {
      DB_HOST: '127.0.0.1',
      DB_PORT: String(database),
      DB_NAME: options.database,
      DB_USER: user,
      DB_PASSWORD: secrets.database,
    });
  }
  if (redis !== undefined) env['REDIS_URL'] = `redis://:${secrets.redis}@127.0.0.1:${redis}/0`;
  return { env, databaseIsPrivate: database !== undefined };
}

/** Random passwords, made once for a folder: other users of the machine can reach a loopback port. */
function secretsOf(folder: string): Secrets {
  const file = join(folder, 'secrets.json');
  if (!existsSync(file)) {
    const fresh = () => randomBytes(24).toString('hex');
    writeFileSync(file, JSON.stringify({ database: fresh(), redis: fresh() }), { mode: 0o600 });
  }
  const { database, redis } = JSON.parse(readFileSync(file, 'utf8'));
  if (/^[0-9a-f]{48}$/.test(database) && /^[0-9a-f]{48}$/.test(redis)) return { database, redis };
  throw new PlainError(`${file} is damaged; delete it, and a new one is made.`);
}

/** Of our own environment the servers get what a shell script needs, nothing that steers them (such as MYSQL_UNIX_PORT). */
function childEnvironment(env: Environment): Record<string, string> {
  const kept = ['HOME', 'LANG'].flatMap((name) => (env[name] ? [[name, env[name]]] : []));
  return { ...Object.fromEntries(kept), PATH: `${env['PATH'] ?? '/usr/bin:/bin'}:/usr/sbin:/sbin` };
}
