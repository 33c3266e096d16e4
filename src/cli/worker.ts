/** `worker`: does imports on a configured and migrated database; beside `serve`, as many as are wanted. */
import { isConfigured, readConfig } from '../config.ts';
import { PlainError } from '../plain-error.ts';
import { startWorker } from '../worker.ts';
import type { Command } from './command.ts';

export const worker: Command = {
  name: 'worker',
  usage: '',
  what: 'do imports; the database and Redis must be configured and migrated',
  run: async ({ env, ending }) => {
    const config = readConfig(env);
    const missing = ['DB_HOST', 'REDIS_URL'].filter((name) => !isConfigured(env, name));
    if (missing.length > 0)
      throw new PlainError(`worker needs ${missing.join(' and ')}. npm start does imports in its own process.`);
    const working = await startWorker(config);
    await ending.asked;
    await working.close();
    return 0;
  },
};
