/** A worker as a process of its own, as `npm run worker` starts it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Config } from '../../src/config.ts';

export interface WorkerProcess {
  readonly hasEnded: () => boolean;
  readonly signal: (name: 'SIGSTOP' | 'SIGCONT') => void;
  /** What it has logged so far, in parsed lines. */
  readonly logged: () => readonly Readonly<Record<string, unknown>>[];
  /** In order: SIGTERM. Returns its exit code. */
  readonly stop: () => Promise<number | null>;
  readonly kill: () => Promise<void>;
}

const main = join(import.meta.dirname, '../../src/cli/main.ts');

export function startWorkerProcess({ db, redis }: Config, env: Readonly<Record<string, string>>): WorkerProcess {
  const { PATH } = process.env;
  const child: ChildProcess = spawn(process.execPath, [main, 'worker'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: {
      PATH,
      DB_HOST: db.host,
      DB_PORT: String(db.port),
      DB_NAME: db.name,
      DB_USER: db.user,
      DB_PASSWORD: db.password,
      DB_POOL_MIN: '1',
      REDIS_URL: redis.url,
      ...env,
    },
  });
  process.once('exit', () => child.kill('SIGKILL')); // a test that has failed leaves nobody behind
  let text = '';
  child.stdout?.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
  });
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const end = async (name: 'SIGTERM' | 'SIGKILL') => {
    if (hasEnded()) return;
    const ended = once(child, 'exit');
    child.kill(name);
    await ended;
  };
  return {
    hasEnded,
    signal: (name) => void child.kill(name),
    logged: () =>
      text
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line)),
    async stop() {
      await end('SIGTERM');
      return child.exitCode;
    },
    kill: () => end('SIGKILL'),
  };
}
