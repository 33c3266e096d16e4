/** The command line: `node src/cli/main.ts COMMAND`; the npm scripts are its short names. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PlainError } from '../plain-error.ts';
import { check } from './check.ts';
import type { Command } from './command.ts';
import { listenForEnding } from './ending.ts';
import { explain } from './explain.ts';
import { importCommand } from './import.ts';
import { migrateCommand } from './migrate.ts';
import { serve } from './serve.ts';
import { sql } from './sql.ts';
import { start } from './start.ts';
import { worker } from './worker.ts';

/** A new command is a module with its `Command` and one line here. */
const commands: readonly Command[] = [start, serve, worker, migrateCommand, check, importCommand, explain, sql];

const root = resolve(import.meta.dirname, '../..');
const say = (line: string) => console.log(line);

async function main([name = 'help', ...args]: readonly string[]): Promise<number> {
  const command = commands.find((known) => known.name === name);
  if (command !== undefined) {
    const ending = listenForEnding(say);
    return command.run({ env: process.env, args, root, say, ending });
  }
  const width = Math.max(...commands.map((known) => `${known.name} ${known.usage}`.length));
  for (const known of commands) say(`  ${`${known.name} ${known.usage}`.padEnd(width)}  ${known.what}`);
  if (/^(--)?help$|^-h$/.test(name)) return 0;
  throw new PlainError(`There is no command "${name}"; the commands are listed above.`);
}

try {
  // MediMax keeps its settings in such a file too; the environment wins over it.
  if (existsSync(join(root, '.env'))) process.loadEnvFile(join(root, '.env'));
  process.exitCode = await main(process.argv.slice(2));
  // The driver leaves the timers of statements whose connection was lost, which would keep the process for as long as one may take.
  setTimeout(() => process.exit(), 500).unref();
} catch (error) {
  console.error(error instanceof PlainError ? error.message : error);
  process.exitCode = 1;
}
