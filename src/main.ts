/** One gateway process, from its configuration to its URL. Here the parts meet. */
import { assemble } from './assemble.ts';
import type { Config } from './config.ts';
import { freePort } from './free-port.ts';
import { listen } from './listen.ts';
import { createLog, type Log } from './log.ts';

export interface Gateway {
  /** The FHIR base as clients see it. */
  readonly url: string;
  /** Ends running requests within `shutdownGraceMs`, then closes the pool and whatever else is open. */
  readonly close: () => Promise<void>;
}

/** Starts the gateway on a migrated database. @throws PlainError where the port cannot be had. */
export async function startGateway(given: Config, log: Log = createLog(given.log.level)): Promise<Gateway> {
  const config = await withPort(given);
  const assembly = await assemble(config, log);
  try {
    const listening = await listen(config.http, assembly.handler);
    log.info('listening', { origin: listening.origin, url: config.http.baseUrl });
    const close = async () => {
      await listening.close();
      await assembly.close();
      log.info('stopped');
    };
    return { url: config.http.baseUrl, close };
  } catch (error) {
    await assembly.close();
    throw error;
  }
}

/** PORT=0 is settled before the parts are made, because their links carry the port. */
async function withPort(config: Config): Promise<Config> {
  if (config.http.port !== 0) return config;
  const port = await freePort(config.http.host);
  const settled = (url: string) => url.replace(/^(https?:\/\/(?:\[[^\]]*\]|[^/:]*)):0(?=\/|$)/, `$1:${port}`);
  return {
    ...config,
    http: { ...config.http, port, baseUrl: settled(config.http.baseUrl) },
    clinic: { ...config.clinic, identifierSystem: settled(config.clinic.identifierSystem) },
  };
}
