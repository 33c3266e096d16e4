/** `sql`: the MariaDB client on the gateway's database, to do what the MediMax application does. */
import { spawnSync } from 'node:child_process';
import { PlainError } from '../plain-error.ts';
import type { Command } from './command.ts';
import { withServers } from './with-servers.ts';

export const sql: Command = {
  name: 'sql',
  usage: '[STATEMENT]',
  what: 'run SQL on the database as MediMax would, or open its client',
  run: (context) =>
    withServers(context, 'join', async ({ config: { db } }) => {
      const args = [
        '--no-defaults',
        '--protocol=tcp',
        `--host=${db.host}`,
        `--port=${db.port}`,
        `--user=${db.user}`,
        '--default-character-set=utf8mb4',
      ];
      const statement = context.args.length > 0 ? ['--table', '-e', context.args.join(' ')] : [];
      const env = { ...context.env, MYSQL_PWD: db.password };
      for (const client of ['mariadb', 'mysql']) {
        const { status, error } = spawnSync(client, [...args, ...statement, db.name], { env, stdio: 'inherit' });
        if (error === undefined) return status ?? 1;
      }
      throw new PlainError('The client program `mariadb` is not installed.');
    }),
};
