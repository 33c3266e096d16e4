/** `serve`: the gateway alone, on a configured and migrated database; for containers and service managers. */
import { isConfigured, readConfig } from '../config.ts';
import { startGateway } from '../main.ts';
import { PlainError } from '../plain-error.ts';
import type { Command } from './command.ts';

export const serve: Command = {
  name: 'serve',
  usage: '',
  what: 'serve FHIR; the database and Redis must be configured and migrated',
  run: async ({ env, ending }) => {
    const config = readConfig(env);
    const missing = ['DB_HOST', 'REDIS_URL'].filter((name) => !isConfigured(env, name));
    if (missing.length > 0)
      throw new PlainError(`serve needs ${missing.join(' and ')}. To start private servers as well: npm start.`);
    const gateway = await startGateway(config);
    await ending.asked;
    await gateway.close();
    return 0;
  },
};
