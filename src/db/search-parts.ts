/** Search put together over a database: index, statements, what the parser needs. */
import type { Config } from '../config.ts';
import { type CursorCodec, cursorCodec } from '../search/cursor.ts';
import type { SearchEnv } from '../search/env.ts';
import type { SearchSettings } from '../search/parse.ts';
import type { ExpandValueSet } from '../search/parse-criterion.ts';
import { createIndexer, type Indexer, type IndexerParts } from './index-pending.ts';
import type { Pool } from './pool.ts';
import { createSearchStore, type SearchStore } from './search-store.ts';

export interface Search {
  readonly store: SearchStore;
  readonly indexer: Indexer;
  readonly cursors: CursorCodec;
  readonly settings: () => SearchSettings;
}

export interface SearchOptions {
  readonly parts: IndexerParts;
  /** Connections for indexing only. */
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

export function createSearch({
  parts,
  indexPool,
  config,
  cursorSecret,
  toCanonical,
  expand,
  configuration,
}: SearchOptions): Search {
  const env: SearchEnv = { zone: config.clinic.timeZone, baseUrl: config.http.baseUrl, toCanonical };
  const { limits } = config;
  const settings: SearchSettings = {
    env,
    served: parts.registry.resourceTypes,
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
  const indexer = createIndexer({ ...parts, pool: indexPool }, env, configuration);
  return {
    store: createSearchStore(parts.pool, indexer, parts.timeoutMs),
    indexer,
    cursors: cursorCodec(cursorSecret),
    settings: () => settings,
  };
}
