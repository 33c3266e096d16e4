/** Puts the parts together: pool, registry, repository. The only place, besides the commands, where they meet. */
import { DateTime } from 'luxon';
import { mappings } from '../mappings/index.ts';
import { loadTermTables } from '../mappings/terms/term-table.ts';
import type { Config } from './config.ts';
import { createClock } from './db/clock.ts';
import { createRepository } from './db/create-repository.ts';
import { cursorSecret } from './db/cursor-secret.ts';
import { createHistory, type History } from './db/history.ts';
import { type DatabaseParts, variantSelects } from './db/parts.ts';
import { openPool, type Pool, sessionOf } from './db/pool.ts';
import type { Repository } from './db/repository.ts';
import { createRegistry, type Registry } from './mapping/registry.ts';
import type { Env } from './mapping/types.ts';

export interface Gateway {
  readonly config: Config;
  readonly pool: Pool;
  readonly registry: Registry;
  readonly parts: DatabaseParts;
  readonly repository: Repository;
  readonly history: History;
  /** Signs page links. */
  readonly cursorSecret: string;
  close(): Promise<void>;
}

/** The registry of everything this gateway serves. */
export function createGatewayRegistry(): Registry {
  return createRegistry(mappings);
}

/** Opens the pool and builds everything that serves requests; the database must have been migrated. */
export async function openGateway(config: Config): Promise<Gateway> {
  const registry = createGatewayRegistry();
  const pool = await openPool(config);
  const timeoutMs = config.db.readTimeoutMs;
  const parts: DatabaseParts = {
    pool,
    registry,
    clock: await createClock(sessionOf(pool, timeoutMs)),
    references: { baseUrl: config.http.baseUrl, identifierSystem: config.clinic.identifierSystem },
    findByIdentifier: async () => [],
    index: { replace: async () => {} },
    timeoutMs,
    env: environment(config),
    select: variantSelects(),
  };
  const repository = createRepository(parts);
  return {
    config,
    pool,
    registry,
    parts,
    repository,
    history: createHistory(parts, repository),
    cursorSecret: await cursorSecret(sessionOf(pool, timeoutMs), config.search.cursorSecret),
    close: () => pool.end(),
  };
}

/** The installation's facts; a new object only when the clinic's day changes. */
function environment(config: Config): () => Env {
  const terms = loadTermTables(config.clinic.termsDir);
  const { timeZone } = config.clinic;
  let env: Env | null = null;
  let checkAgain = 0;
  return () => {
    if (env && Date.now() < checkAgain) return env;
    checkAgain = Date.now() + 1000;
    const today = DateTime.now().setZone(timeZone).toISODate() ?? '';
    if (env?.today === today) return env;
    env = {
      canonicalBase: config.clinic.canonicalBase,
      identifierSystem: config.clinic.identifierSystem,
      zone: timeZone,
      today,
      terms,
      appointmentMinutes: config.clinic.appointmentMinutes ?? {},
      refusePastAppointments: config.clinic.refusePastAppointments,
      showDefaultAllergySeverity: config.clinic.showDefaultAllergySeverity,
    };
    return env;
  };
}
