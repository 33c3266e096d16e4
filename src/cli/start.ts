/** `start`: everything on this machine – private servers where none are configured, tables, a demo clinic on the first run, the gateway. */
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig } from '../config.ts';
import { requirePort } from '../listen.ts';
import { startGateway } from '../main.ts';
import { PlainError } from '../plain-error.ts';
import { startWorker } from '../worker.ts';
import type { Command, Context } from './command.ts';
import { loadDemo, migrate } from './parts.ts';
import { type Servers, withServers } from './with-servers.ts';

export const start: Command = {
  name: 'start',
  usage: '',
  what: 'start what is missing (MariaDB, Redis, tables, demo clinic), then serve FHIR',
  run: async (context) => {
    await requirePort(readConfig(context.env).http);
    buildValidators(context.root);
    await withServers(context, 'own', (servers) => serve(context, servers));
    return 0;
  },
};

async function serve({ say, ending }: Context, servers: Servers): Promise<void> {
  const { config } = servers;
  const migration = await migrate(config, 'up');
  for (const line of migration.lines) say(line);
  if (!migration.ok) throw new PlainError('The database cannot carry the gateway; see above.');
  if (!ending.signal.aborted) await loadDemoOnce(servers, say);
  if (ending.signal.aborted) return;
  const gateway = await startGateway(config);
  const worker = await startWorker(config);
  for (const line of welcome(gateway.url, servers)) say(line);
  await ending.asked;
  await worker.close();
  await gateway.close();
}

/** Only ever into a private database, and only once, so that a chart deleted later does not come back. */
async function loadDemoOnce({ config, databaseIsPrivate, folder }: Servers, say: (line: string) => void): Promise<void> {
  const mark = join(folder, `demo-${config.db.name}`);
  if (!databaseIsPrivate || existsSync(mark)) return;
  if (await loadDemo(config)) {
    say('A small demo clinic was loaded.');
    // Its rows are written as MediMax writes them; they become resources like any that were there before.
    await migrate(config, 'up');
  }
  writeFileSync(mark, '');
}

/** They are made from the definitions and not kept in the repository; an image has them built in and no scripts. */
function buildValidators(root: string): void {
  const script = join(root, 'scripts', 'build-validators.ts');
  if (!existsSync(script)) return;
  const { status } = spawnSync(process.execPath, [script], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new PlainError('The validators could not be built; see above.');
}

function welcome(url: string, { config, databaseIsPrivate, folder }: Servers): string[] {
  return [
    '',
    `MediMax FHIR Gateway: ${url}`,
    '',
    'Three things to try:',
    `  curl '${url}/Patient?_count=3&_pretty=true'`,
    `  curl '${url}/Observation?patient=pt-1&_pretty=true'`,
    `  curl -i '${url}/Patient' -H 'Content-Type: application/fhir+json' \\`,
    `       -d '{"resourceType":"Patient","name":[{"text":"Ada Example"}],"gender":"female","birthDate":"1990-12-10"}'`,
    '',
    ...(databaseIsPrivate
      ? [`The data is kept in ${folder}. As MediMax would change it: npm run sql`]
      : [`Database: ${config.db.name} on ${config.db.host}.`]),
    'Ctrl-C stops everything that was started.',
    '',
  ];
}
