/** The connection to Redis for caches: never waited for longer than a moment, as everything in it can be had again. */
import { Redis } from 'ioredis';

export interface Cache {
  ping(): Promise<void>;
  /** Null when absent, and when Redis does not answer. */
  get(key: string): Promise<string | null>;
  /** Kept for so many seconds; a failure is nothing to the caller. */
  set(key: string, value: string, seconds: number): Promise<void>;
  remove(key: string): Promise<void>;
  close(): void;
}

const commandTimeoutMs = 500;

export function openRedis(url: string, onFailure: (failure: Error) => void): Cache {
  const client = new Redis(url, {
    commandTimeout: commandTimeoutMs,
    connectTimeout: 2000,
    maxRetriesPerRequest: 1,
    enableOfflineQueue: true,
    retryStrategy: (times) => Math.min(times * 200, 5000),
  });
  let failed = false;
  client.on('error', (failure: Error) => {
    if (!failed) onFailure(failure); // once an outage, not once a try
    failed = true;
  });
  client.on('ready', () => {
    failed = false;
  });
  return {
    async ping() {
      await client.ping();
    },
    get: (key) => client.get(key).catch(() => null),
    async set(key, value, seconds) {
      await client.set(key, value, 'EX', seconds).catch(() => null);
    },
    async remove(key) {
      await client.del(key).catch(() => null);
    },
    close: () => client.disconnect(),
  };
}
