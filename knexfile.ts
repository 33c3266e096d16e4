/** For the knex command line: `npx knex migrate:status`. The gateway itself uses src/db/migrate.ts, with the same list. */
import { readConfig } from './src/config.ts';
import { knexOptions } from './src/db/migrate.ts';

export default knexOptions(readConfig(process.env));
