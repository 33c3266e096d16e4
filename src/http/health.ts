/** Liveness (this process answers) and readiness (what it needs answers, too), for orchestrators; outside the FHIR base. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Reply } from './exchange.ts';

/** One thing the gateway uses. `text` is for operators: no host names, no secrets. */
export interface ReadinessCheck {
  readonly name: string;
  readonly ready: boolean;
  /** Told, but requests are answered without it. */
  readonly optional?: true;
  readonly text?: string;
}

/** Looks at everything the gateway needs; may reject, which counts as not ready. */
export type Readiness = () => Promise<readonly ReadinessCheck[]>;

const timeoutMs = 3000;

export const live: Reply = { status: 200, headers: {}, text: '{"status":"live"}' };

export async function readinessReply(ready: Readiness): Promise<Reply> {
  const checks = await Promise.race([settled(ready), late()]);
  const isReady = checks.every(({ ready, optional }) => ready || optional);
  const body = { status: isReady ? 'ready' : 'not ready', checks };
  return { status: isReady ? 200 : 503, headers: isReady ? {} : { 'Retry-After': '2' }, body };
}

async function settled(ready: Readiness): Promise<readonly ReadinessCheck[]> {
  try {
    return await ready();
  } catch {
    return [{ name: 'readiness', ready: false, text: 'could not be checked' }];
  }
}

async function late(): Promise<readonly ReadinessCheck[]> {
  await delay(timeoutMs, undefined, { ref: false });
  return [{ name: 'readiness', ready: false, text: `no answer within ${timeoutMs} ms` }];
}
