/** Installs missing server programs with the system's package manager, where that needs no question. */
import { spawnSync } from 'node:child_process';
import { appendFileSync } from 'node:fs';

export type Product = 'MariaDB' | 'Redis';

interface PackageManager {
  readonly command: string;
  readonly asRoot: boolean;
  /** Shell lines that run once before the first package. */
  readonly prepare: string;
  /** One shell line, the packages at its end. */
  readonly install: string;
  /** Sets of packages, tried in this order. */
  readonly packages: Readonly<Record<Product, readonly string[]>>;
}

/** The server alone where the distribution has it apart, so that no system service comes with it; nothing installed may be removed. */
const managers: readonly PackageManager[] = [
  {
    command: 'apt-get',
    asRoot: true,
    prepare: [
      'export DEBIAN_FRONTEND=noninteractive',
      // Exit code 101 tells maintainer scripts not to start the services they install.
      'policy=/usr/sbin/policy-rc.d',
      `[ -e $policy ] || { printf '#!/bin/sh\\nexit 101\\n' > $policy; chmod 755 $policy; trap 'rm -f $policy' EXIT; }`,
      'apt-get update -q',
    ].join('\n'),
    install: 'apt-get install -q -y --no-install-recommends --no-remove',
    packages: {
      MariaDB: ['mariadb-server-core mariadb-client-core', 'mariadb-server'],
      Redis: ['redis-server', 'valkey-server'],
    },
  },
  {
    command: 'dnf',
    asRoot: true,
    prepare: ':',
    install: 'dnf install -y --setopt=install_weak_deps=False',
    packages: { MariaDB: ['mariadb-server'], Redis: ['redis', 'valkey'] },
  },
  {
    command: 'apk',
    asRoot: true,
    prepare: ':',
    install: 'apk add --no-cache',
    packages: { MariaDB: ['mariadb mariadb-client'], Redis: ['redis', 'valkey'] },
  },
  {
    command: 'brew',
    asRoot: false,
    prepare: 'export HOMEBREW_NO_AUTO_UPDATE=1 NONINTERACTIVE=1',
    install: 'brew install',
    packages: { MariaDB: ['mariadb'], Redis: ['redis'] },
  },
];

/** What came of it: whether the package manager ran to its end, and the line a person would type to do it. */
export interface Installation {
  readonly done: boolean;
  readonly byHand: string;
}

/** Installs the products, or answers why not. What the package manager prints goes to `logFile`. */
export function install(
  products: readonly Product[],
  env: Readonly<Record<string, string>>,
  logFile: string,
  say: (line: string) => void,
): Installation {
  const manager = managers.find(({ command }) => succeeds('sh', ['-c', `command -v ${command}`], env));
  if (manager === undefined) return { done: false, byHand: `install ${products.join(' and ')}` };
  const byHand = handCommand(manager, products);
  const become = shellFor(manager, env);
  if (become === undefined) return { done: false, byHand };
  const missing = products.join(' and ');
  say(`${missing} ${products.length > 1 ? 'are' : 'is'} not installed: installing with ${manager.command} (log: ${logFile})`);
  const [shell = 'sh', ...shellArgs] = become;
  const run = spawnSync(shell, [...shellArgs, scriptOf(manager, products)], {
    encoding: 'utf8',
    env,
    timeout: 900_000,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  appendFileSync(logFile, `${run.stdout ?? ''}${run.stderr ?? ''}`);
  return { done: run.status === 0, byHand };
}

function scriptOf(manager: PackageManager, products: readonly Product[]): string {
  const lines = products.map((product) =>
    manager.packages[product].map((packages) => `${manager.install} ${packages}`).join(' || '),
  );
  return ['set -e', manager.prepare, ...lines].join('\n');
}

/** The shell that may install: ours, or that of a sudo which asks nothing. */
function shellFor(manager: PackageManager, env: Readonly<Record<string, string>>): readonly string[] | undefined {
  const isRoot = process.getuid?.() === 0;
  if (isRoot === manager.asRoot) return ['sh', '-c'];
  if (!manager.asRoot) return undefined;
  return succeeds('sudo', ['-n', 'true'], env) ? ['sudo', '-n', 'sh', '-c'] : undefined;
}

function handCommand(manager: PackageManager, products: readonly Product[]): string {
  const packages = products.map(
    (product) => manager.packages[product][product === 'MariaDB' && manager.command === 'apt-get' ? 1 : 0],
  );
  return `run: ${manager.asRoot ? 'sudo ' : ''}${manager.command} ${manager.command === 'apk' ? 'add' : 'install'} ${packages.join(' ')}`;
}

function succeeds(command: string, args: readonly string[], env: Readonly<Record<string, string>>): boolean {
  return spawnSync(command, args, { env, stdio: 'ignore', timeout: 10_000 }).status === 0;
}
