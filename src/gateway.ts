/** Puts the parts together: pool, registry, repository. The only place, besides the commands, where they meet. */
import { hash } from 'node:crypto';
import { DateTime } from 'luxon';
import { mappings, views } from '../mappings/index.ts';
import { declaredTerminology } from '../mappings/terminology/index.ts';
import { loadTermTables, type TermTables } from '../mappings/terms/term-table.ts';
import type { Config } from './config.ts';
import { type Chart, createChart } from './db/chart.ts';
import { createClock } from './db/clock.ts';
import { conditionalSearch } from './db/conditional-search.ts';
import { createRepository } from './db/create-repository.ts';
import { cursorSecret } from './db/cursor-secret.ts';
import { createHistory, type History } from './db/history.ts';
import { createInspection } from './db/inspection.ts';
import { createJournal } from './db/journal/journal.ts';
import { refuseUnmigrated } from './db/migrate.ts';
import { type DatabaseParts, variantSelects } from './db/parts.ts';
import { canReturnFromInsert, openPool, type Pool, sessionOf } from './db/pool.ts';
import type { Repository } from './db/repository.ts';
import { createSearch, type Search } from './db/search-parts.ts';
import { identifierFinder } from './db/search-store.ts';
import { sweptRepository } from './db/swept-repository.ts';
import type { ExplainParts } from './interaction/interaction.ts';
import { createRegistry, type Registry } from './mapping/registry.ts';
import type { Env } from './mapping/types.ts';
import { software } from './software.ts';
import { codesOfValueSet } from './terminology/expand.ts';
import { createTerminology, type Terminology } from './terminology/store.ts';

export interface Gateway {
  readonly config: Config;
  readonly pool: Pool;
  readonly registry: Registry;
  readonly parts: DatabaseParts;
  readonly repository: Repository;
  readonly history: History;
  readonly chart: Chart;
  readonly search: Search;
  readonly terminology: Terminology;
  readonly inspection: ExplainParts;
  /** Signs page links. */
  readonly cursorSecret: string;
  close(): Promise<void>;
}

/** The registry of everything this gateway serves. */
export function createGatewayRegistry(): Registry {
  return createRegistry(mappings, views);
}

/** Opens the pool and builds everything that serves requests; the database must have been migrated. */
export async function openGateway(config: Config): Promise<Gateway> {
  const registry = createGatewayRegistry();
  const pool = await openPool(config);
  const timeoutMs = config.db.readTimeoutMs;
  await refuseUnmigrated(sessionOf(pool, timeoutMs)).catch(async (failure: unknown) => {
    await pool.end();
    throw failure;
  });
  const terms = loadTermTables(config.clinic.termsDir);
  const env = environment(config, terms);
  const journal = createJournal(pool, registry, env, timeoutMs);
  const books = { pool, registry, timeoutMs, env, select: variantSelects(), journal };
  const terminology = createTerminology({
    canonicalBase: config.clinic.canonicalBase,
    version: software.version,
    publisher: software.name,
    terms,
  });
  const secret = await cursorSecret(sessionOf(pool, timeoutMs), config.search.cursorSecret);
  // A write that must know what is indexed waits for it with its own connection in hand: indexing never waits for one of those.
  const indexPool = await openPool({ ...config, db: { ...config.db, poolMin: 1, poolMax: 2 } });
  const search = createSearch({
    parts: books,
    indexPool,
    config,
    cursorSecret: secret,
    toCanonical: terms.units.toCanonical,
    expand: (url) => codesOfValueSet(terminology, url),
    configuration: servedAs(config, terms),
  });
  const parts: DatabaseParts = {
    ...books,
    clock: await createClock(sessionOf(pool, timeoutMs)),
    references: { baseUrl: config.http.baseUrl, identifierSystem: config.clinic.identifierSystem },
    findByIdentifier: identifierFinder(search.indexer, timeoutMs),
    findByQuery: conditionalSearch(search.indexer, search.settings, timeoutMs),
    idempotencyHours: config.limits.idempotencyHours,
    insertReturns: await canReturnFromInsert(sessionOf(pool, timeoutMs)),
    index: search.fresh,
  };
  const whole = createRepository(parts);
  const repository = config.db.triggers ? whole : sweptRepository(parts, whole);
  return {
    config,
    pool,
    registry,
    parts,
    repository,
    history: createHistory(parts, repository),
    chart: createChart(parts, repository),
    search,
    terminology,
    inspection: { ...createInspection(parts), env: parts.env, codeMaps: declaredTerminology(terms).codeMaps },
    cursorSecret: secret,
    close: async () => {
      await search.indexer.stop();
      await indexPool.end();
      await pool.end();
    },
  };
}

/** Changes when the same rows would be served, and so found, differently. */
function servedAs({ clinic, http }: Config, terms: TermTables): string {
  const { vitalSigns, tests, medicines, findings, lifestyle, noKnownAllergy, severity, onset, results, units } = terms;
  const entries = [vitalSigns, tests, medicines, findings, lifestyle, noKnownAllergy, severity, onset, results].map(
    (table) => table.entries,
  );
  return hash('sha256', JSON.stringify([indexFormat, http.baseUrl, clinic, units.version, entries]), 'base64url');
}

/** Counts up with every change of what mappings show or of what is indexed. */
const indexFormat = 1;

/** The installation's facts; a new object only when the clinic's day changes. */
function environment(config: Config, terms: TermTables): () => Env {
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
