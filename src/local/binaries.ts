/** Where the installed MariaDB and Redis programs are, and whether they are new enough. */
import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { PlainError } from '../plain-error.ts';

export interface MariadbBinaries {
  readonly server: string;
  /** The script that makes a data directory. */
  readonly install: string;
}

/** Servers are often kept off the PATH of ordinary users. */
const usualFolders = [
  '/usr/sbin',
  '/usr/bin',
  '/usr/libexec',
  '/usr/local/sbin',
  '/usr/local/bin',
  '/usr/local/mysql/bin',
  '/usr/local/mysql/scripts',
  '/usr/local/opt/mariadb/bin',
  '/opt/homebrew/bin',
  '/opt/homebrew/opt/mariadb/bin',
];

/** MariaDB's server and set-up script; undefined where either is missing. A `mysqld` that is Oracle's is not one. @throws PlainError when too old. */
export function findMariadb(path: string): MariadbBinaries | undefined {
  const install = find(['mariadb-install-db', 'mysql_install_db'], path)[0];
  for (const server of find(['mariadbd', 'mysqld'], path)) {
    const version = versionOf(server, ['--no-defaults', '--version']);
    if (!/mariadb/i.test(version) || install === undefined) continue;
    requireVersion('MariaDB', version, [10, 6]);
    return { server, install };
  }
  return undefined;
}

/** The Redis server (or Valkey, which speaks the same). @throws PlainError when too old. */
export function findRedis(path: string): string | undefined {
  const file = find(['redis-server', 'valkey-server'], path)[0];
  if (file !== undefined) requireVersion('Redis', versionOf(file, ['--version']), [6, 2]);
  return file;
}

function find(names: readonly string[], path: string): string[] {
  const folders = [...new Set([...path.split(delimiter).filter((folder) => folder.startsWith('/')), ...usualFolders])];
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).filter(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function versionOf(file: string, args: readonly string[]): string {
  return spawnSync(file, args, { encoding: 'utf8', timeout: 20_000 }).stdout ?? '';
}

function requireVersion(name: string, output: string, [major, minor]: readonly [number, number]): void {
  const found = /v(?:er\s+|=)(\d+)\.(\d+)/i.exec(output);
  const [, foundMajor = '0', foundMinor = '0'] = found ?? [];
  if (found && (Number(foundMajor) > major || (Number(foundMajor) === major && Number(foundMinor) >= minor))) return;
  const variable = name === 'MariaDB' ? 'DB_HOST' : 'REDIS_URL';
  throw new PlainError(
    `The installed ${name} is ${foundMajor}.${foundMinor}, but ${major}.${minor} or newer is needed: update it, or point ${variable} to one.`,
  );
}
