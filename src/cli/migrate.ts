/** `migrate`: the tables of MediMax (where they are missing) and of the gateway. */
import { PlainError } from '../plain-error.ts';
import type { Command } from './command.ts';
import { type MigrationAction, migrate } from './parts.ts';
import { withServers } from './with-servers.ts';

const actions: readonly MigrationAction[] = ['up', 'down', 'check'];

export const migrateCommand: Command = {
  name: 'migrate',
  usage: '[up|down|check]',
  what: 'make or adopt the tables (up), take the last step back (down), or say what differs (check)',
  run: (context) => {
    const [given = 'up', ...rest] = context.args;
    const action = actions.find((known) => known === given);
    if (action === undefined || rest.length > 0)
      throw new PlainError(`migrate takes one of ${actions.join(', ')}, not "${context.args.join(' ')}".`);
    return withServers(context, 'join', async ({ config }) => {
      const result = await migrate(config, action);
      for (const line of result.lines) context.say(line);
      return result.ok ? 0 : 1;
    });
  },
};
