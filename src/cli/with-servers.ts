/** Runs something with the configured database and Redis, or with private ones where they are not configured. */
import { resolve } from 'node:path';
import { type Config, readConfig } from '../config.ts';
import { startLocal } from '../local/start.ts';
import type { Context } from './command.ts';

export interface Servers {
  readonly config: Config;
  readonly databaseIsPrivate: boolean;
  /** Of the private servers, absolute. */
  readonly folder: string;
}

/** `join`: use the private servers of a gateway that runs, where one does; `own`: be the one that has them. */
export async function withServers<Result>(
  context: Context,
  mode: 'own' | 'join',
  use: (servers: Servers) => Promise<Result>,
): Promise<Result> {
  const { env, root, say, ending } = context;
  const { db, local: settings } = readConfig(env);
  const folder = resolve(root, settings.dir);
  const whenInUse = mode === 'own' ? 'refuse' : 'join';
  const local = await startLocal({ folder, env, database: db.name, mayInstall: settings.install, whenInUse, say });
  ending.whenForced(() => local.abandon('SIGTERM'));
  try {
    return await use({ config: readConfig({ ...env, ...local.env }), databaseIsPrivate: local.databaseIsPrivate, folder });
  } finally {
    await local.stop();
  }
}
