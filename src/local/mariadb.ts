/** A private MariaDB: data directory, one user, one database, loopback only. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { PlainError } from '../plain-error.ts';
import type { MariadbBinaries } from './binaries.ts';
import { logFile, type ServerPlan } from './server.ts';

export interface MariadbOptions {
  readonly folder: string;
  readonly binaries: MariadbBinaries;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** `throw-away` trades safety against power loss for speed and lets the user create databases: for tests. */
  readonly purpose: 'keep' | 'throw-away';
  readonly env: Readonly<Record<string, string>>;
}

/** Makes the data directory where there is none, and says how to run the server. @throws PlainError */
export function planMariadb(options: MariadbOptions): ServerPlan {
  mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  mkdirSync(join(options.folder, 'tmp'), { recursive: true, mode: 0o700 });
  createData(options);
  const initFile = join(options.folder, 'init.sql');
  writeFileSync(initFile, initSql(options), { mode: 0o600 });
  const fixed = [
    '--no-defaults',
    ...asRoot('--user=root'),
    `--datadir=${join(options.folder, 'data')}`,
    `--init-file=${initFile}`,
    // A server that starts deletes the #sql files of its tmpdir: in a shared /tmp those of servers that run, which then crash.
    `--tmpdir=${join(options.folder, 'tmp')}`,
    `--log-error=${logFile(options.folder)}`,
    // Relative to the data directory: the name of a socket has 107 bytes at most, whatever the length of the project's path.
    '--socket=mariadb.sock',
    '--pid-file=mariadb.pid',
    '--bind-address=127.0.0.1',
    '--skip-name-resolve',
    '--skip-log-bin',
    '--character-set-server=utf8mb4',
    '--collation-server=utf8mb4_general_ci',
    '--default-time-zone=+00:00',
    '--max-connections=200',
    '--max-allowed-packet=64M',
    '--performance-schema=off',
    ...storage[options.purpose],
  ];
  return {
    name: 'MariaDB',
    folder: options.folder,
    file: options.binaries.server,
    argsFor: (port) => [...fixed, `--port=${port}`],
    identity: JSON.stringify([fixed, initSql(options)]),
    answers: greets,
    stopGraceMs: 60_000,
    env: options.env,
  };
}

/** Whether a MySQL protocol greeting comes; the server sends it only after the init file has run. */
export function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 2000 });
    const done = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    // Byte 4 is the protocol version, 10 in every server since 1998; 255 would be an error packet.
    socket.once('data', (packet) => done(packet[4] === 10));
    for (const event of ['error', 'timeout', 'end']) socket.once(event, () => done(false));
  });
}

const storage = {
  keep: ['--innodb-buffer-pool-size=256M', '--innodb-log-file-size=128M', '--innodb-flush-log-at-trx-commit=1'],
  'throw-away': [
    '--innodb-buffer-pool-size=128M',
    '--innodb-log-file-size=64M',
    '--innodb-flush-log-at-trx-commit=2',
    '--skip-innodb-doublewrite',
  ],
} as const;

function createData(options: MariadbOptions): void {
  const data = join(options.folder, 'data');
  if (existsSync(data)) return;
  const draft = join(options.folder, 'data.new');
  rmSync(draft, { recursive: true, force: true });
  // `-uroot`, not `--user=root`: the script itself acts on the long form and would change owners in the system's plugin folder.
  const args = [
    '--no-defaults',
    ...asRoot('-uroot'),
    `--datadir=${draft}`,
    '--auth-root-authentication-method=socket',
    '--auth-root-socket-user=root',
    '--skip-test-db',
    '--skip-name-resolve',
    '--cross-bootstrap',
    '--innodb-log-file-size=64M',
  ];
  // Not as an argument: the script passes unknown ones on without quotes, and the folder's path may have spaces.
  const env = { ...options.env, TMPDIR: join(options.folder, 'tmp') };
  const run = spawnSync(options.binaries.install, args, { encoding: 'utf8', env, cwd: options.folder });
  const output = `${run.stdout ?? ''}${run.stderr ?? ''}${run.error?.message ?? ''}`;
  writeFileSync(join(options.folder, 'install.log'), output);
  if (run.status !== 0) {
    const reasons = output.split('\n').filter((line) => /error|can't|denied|no such/i.test(line));
    throw new PlainError(
      `The private MariaDB could not be set up in ${options.folder}: ${reasons.slice(0, 2).join(' ') || output.slice(0, 300)}`,
    );
  }
  renameSync(draft, data);
}

/** Runs at every start, so it may not mind what is there already. One statement a line. */
function initSql({ database, user, password, purpose }: MariadbOptions): string {
  const account = `'${user}'@'127.0.0.1'`;
  // In a GRANT `_` and `%` are wildcards.
  const scope = purpose === 'keep' ? `\`${database.replace(/[_%]/g, '\\$&')}\`.*` : '*.*';
  return [
    `CREATE DATABASE IF NOT EXISTS \`${database}\` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci;`,
    `CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY '${password}';`,
    `ALTER USER ${account} IDENTIFIED BY '${password}';`,
    `GRANT ALL PRIVILEGES ON ${scope} TO ${account};`,
    '',
  ].join('\n');
}

/** MariaDB refuses to run as root unless told so; any other user needs nothing. */
function asRoot(arg: string): string[] {
  return process.getuid?.() === 0 ? [arg] : [];
}
