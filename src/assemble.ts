/** From a configuration to a request handler: gateway, application, readiness. */

import type { RequestListener } from 'node:http';
import { dropProfiles } from './cache/drop-profiles.ts';
import { openRedis } from './cache/redis.ts';
import type { Config } from './config.ts';
import { readChanges, sequenceChanges } from './db/change-feed.ts';
import { sessionOf } from './db/pool.ts';
import { sweepAll } from './db/sweep.ts';
import { compareTriggers, describeTriggers } from './db/triggers/install.ts';
import { type Gateway, openGateway } from './gateway.ts';
import { createApp } from './http/app.ts';
import type { ReadinessCheck } from './http/health.ts';
import { createImportDesk } from './import/desk.ts';
import { importParts } from './import/parts.ts';
import { openAnnouncements } from './import/queue.ts';
import type { Log } from './log.ts';
import { software } from './software.ts';

/** What is behind the listening socket. */
export interface Assembly {
  readonly handler: RequestListener;
  readonly close: () => Promise<void>;
}

/** Opens everything; rejects when the database cannot be reached. Redis may come later: it only makes things faster or later. */
export async function assemble(config: Config, log: Log): Promise<Assembly> {
  const gateway = await openGateway(config);
  gateway.search.indexer.start();
  const redis = openRedis(config.redis.url, (failure) => log.warn('redis', { failure }));
  const triggersReady = await triggersAreThere(gateway, log);
  const ready = async (): Promise<readonly ReadinessCheck[]> => {
    const [database, cache] = await Promise.allSettled([
      gateway.pool.query('SELECT 1 FROM fhir_resource, fhir_journal LIMIT 1'),
      redis.ping(),
    ]);
    return [
      { name: 'database', ready: database.status === 'fulfilled' },
      { name: 'redis', ready: cache.status === 'fulfilled', optional: true },
      { name: 'triggers', ready: triggersReady },
    ];
  };
  const sweeping = startSweeping(gateway, log);
  const profiles = startDroppingProfiles(gateway, log);
  const announcements = openAnnouncements(config.redis.url, config.db.name, log);
  const imports = createImportDesk(importParts(gateway), announcements.announce);
  const close = async () => {
    await announcements.close();
    await sweeping?.stop();
    await profiles?.stop();
    redis.close();
    await gateway.close();
  };
  return { handler: createApp({ ...gateway, imports, cache: redis, log, software, ready }), close };
}

/** Asked once, as it starts: a newer release renews the triggers while this one still serves. */
async function triggersAreThere({ config, pool, registry }: Gateway, log: Log): Promise<boolean> {
  if (!config.db.triggers) return true;
  const state = await compareTriggers(sessionOf(pool, config.db.readTimeoutMs), registry);
  for (const text of describeTriggers(state)) log.warn('triggers', { text: `${text} \`migrate\` puts them right.` });
  return state.missing.length === 0;
}

/** Only where MediMax's own Redis is given. */
function startDroppingProfiles({ config, pool, parts }: Gateway, log: Log): { readonly stop: () => Promise<void> } | undefined {
  const url = config.redis.medimaxUrl;
  if (url === undefined) return undefined;
  const redis = openRedis(url, (failure) => log.warn('medimax redis', { failure }));
  const timeoutMs = config.db.readTimeoutMs;
  const changes = {
    last: async () => (await sequenceChanges(pool, parts.journal, timeoutMs)).last,
    after: async (seq: number) => {
      await sequenceChanges(pool, parts.journal, timeoutMs);
      return readChanges(sessionOf(pool, timeoutMs), seq, 1000);
    },
  };
  const onFailure = (failure: unknown) =>
    log.warn('patient profiles', { failure: failure instanceof Error ? failure : String(failure) });
  const dropping = dropProfiles(changes, (key) => redis.remove(key), { everyMs: 500, onFailure });
  return {
    stop: async () => {
      await dropping.stop();
      redis.close();
    },
  };
}

/** Only in the mode without triggers. */
function startSweeping({ config, parts }: Gateway, log: Log): { readonly stop: () => Promise<void> } | undefined {
  if (config.db.triggers) return undefined;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  const round = (): Promise<void> =>
    sweepAll(parts, { compareContent: true })
      .catch((failure: unknown) => log.warn('sweep', { failure: failure instanceof Error ? failure : String(failure) }))
      .then(() => {
        if (!isStopped) timer = setTimeout(() => (running = round()), config.db.sweepIntervalS * 1000);
      });
  let running = round();
  return {
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
