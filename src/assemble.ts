/** From a configuration to a request handler: gateway, application, readiness. */

import type { RequestListener } from 'node:http';
import { openRedis } from './cache/redis.ts';
import type { Config } from './config.ts';
import { openGateway } from './gateway.ts';
import { createApp } from './http/app.ts';
import type { ReadinessCheck } from './http/health.ts';
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
  const redis = openRedis(config.redis.url, (failure) => log.warn('redis', { failure }));
  const ready = async (): Promise<readonly ReadinessCheck[]> => {
    const [database, cache] = await Promise.allSettled([gateway.pool.query('SELECT 1 FROM fhir_resource LIMIT 1'), redis.ping()]);
    return [
      { name: 'database', ready: database.status === 'fulfilled' },
      { name: 'redis', ready: cache.status === 'fulfilled' },
    ];
  };
  const close = async () => {
    redis.close();
    await gateway.close();
  };
  return { handler: createApp({ ...gateway, log, software, ready }), close };
}
