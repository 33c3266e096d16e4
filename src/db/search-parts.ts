/** Search put together over a database: index, statements, what the parser needs. */
import type { Config } from '../config.ts';
import type { Registry } from '../mapping/registry.ts';
import { type CursorCodec, cursorCodec } from '../search/cursor.ts';
import type { SearchEnv } from '../search/env.ts';
import type { SearchSettings } from '../search/parse.ts';
import type { ExpandValueSet } from '../search/parse-criterion.ts';
import { freshIndex } from './index-fresh.ts';
import { createIndexer, type Indexer, type IndexerParts } from './index-pending.ts';
import type { FreshIndex } from './parts.ts';
import type { Pool } from './pool.ts';
import { createSearchStore, type SearchStore } from './search-store.ts';

export interface Search {
  readonly store: SearchStore;
  readonly indexer: Indexer;
  readonly fresh: FreshIndex;
  readonly cursors: CursorCodec;
  readonly settings: () => SearchSettings;
}

export interface SearchOptions {
  readonly parts: IndexerParts;
  /** Connections of the index's own: writes wait for it while they hold one of the others. */
  readonly indexPool: Pool;
  readonly config: Config;
  readonly cursorSecret: string;
  readonly toCanonical: SearchEnv['toCanonical'];
  readonly expand: ExpandValueSet;
  /** Changes when the same rows are served differently. */
  readonly configuration: string;
}

const chainDepthMax = 4;
const includesMax = 1000;

/** The installation's facts that the parser needs. */
export function searchSettings(
  { clinic, http, limits }: Config,
  registry: Pick<Registry, 'resourceTypes'>,
  toCanonical: SearchEnv['toCanonical'],
  expand: ExpandValueSet,
): SearchSettings {
  return {
    env: { zone: clinic.timeZone, baseUrl: http.baseUrl, toCanonical },
    served: registry.resourceTypes,
    limits: {
      parametersMax: limits.searchParamsMax,
      valuesMax: limits.searchValuesMax,
      pageDefault: limits.pageDefault,
      pageMax: limits.pageMax,
      chainDepthMax,
      includesMax,
    },
    expand,
  };
}

export function createSearch({
  parts,
  indexPool,
  config,
  cursorSecret,
  toCanonical,
  expand,
  configuration,
}: SearchOptions): Search {
  const settings = searchSettings(config, parts.registry, toCanonical, expand);
  // A transaction that waits for the index holds a connection of the other pool: indexing must never wait for one of those.
  const indexer = createIndexer({ ...parts, pool: indexPool }, settings.env, configuration);
  return {
    store: createSearchStore(parts.pool, indexer, parts.timeoutMs),
    indexer,
    fresh: freshIndex(parts, settings.env),
    cursors: cursorCodec(cursorSecret),
    settings: () => settings,
  };
}
