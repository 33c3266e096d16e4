/** A private Redis: append-only file for the queues, no eviction, loopback only, with a password. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { ServerPlan } from './server.ts';

export interface RedisOptions {
  readonly folder: string;
  readonly file: string;
  readonly password: string;
  /** `throw-away` keeps nothing on disk and has room for a database per test file. */
  readonly purpose: 'keep' | 'throw-away';
  readonly env: Readonly<Record<string, string>>;
}

/** Writes the configuration and says how to run the server. */
export function planRedis(options: RedisOptions): ServerPlan {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const config = [
    'bind 127.0.0.1',
    'protected-mode yes',
    `requirepass ${options.password}`,
    'dir ./',
    'save ""',
    // A BullMQ queue must never lose a key to eviction, and survives a restart through the append-only file.
    'maxmemory-policy noeviction',
    options.purpose === 'keep' ? 'appendonly yes' : 'appendonly no',
    'appendfsync everysec',
    options.purpose === 'keep' ? 'databases 16' : 'databases 1024',
    '',
  ].join('\n');
  // The password stands in the file, not in the arguments, which every user of the machine can see.
  writeFileSync(join(options.folder, 'redis.conf'), config, { mode: 0o600 });
  return {
    name: 'Redis',
    folder: options.folder,
    file: options.file,
    argsFor: (port) => ['redis.conf', '--port', String(port)],
    identity: config,
    answers: async (port) => (await askRedis(port, options.password, 'PING')) === '+PONG',
    stopGraceMs: 20_000,
    env: options.env,
  };
}

/** One command without a client library; the first line of the answer, or undefined where no Redis of ours answers. */
export function askRedis(port: number, password: string, command: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 2000 });
    let answer = '';
    const done = (line: string | undefined) => {
      socket.destroy();
      resolve(line);
    };
    socket.once('connect', () => socket.write(`AUTH ${password}\r\n${command}\r\n`));
    socket.on('data', (chunk) => {
      answer += chunk;
      const [auth, line, rest] = answer.split('\r\n');
      if (rest !== undefined) done(auth === '+OK' ? line : undefined);
    });
    for (const event of ['error', 'timeout', 'end']) socket.once(event, () => done(undefined));
  });
}
