/** What the import side is put together from; made once at start-up and passed to every function that needs it. */
import type { Config } from '../config.ts';
import type { DatabaseParts } from '../db/parts.ts';
import type { Pool } from '../db/pool.ts';
import type { Repository } from '../db/repository.ts';
import type { Registry } from '../mapping/registry.ts';
import { createJobStore, type JobStore } from './job-store.ts';
import { createLeaseStretch, type LeaseStretch } from './lease-stretch.ts';
import { createPace, type Pace } from './pace.ts';
import { createPatience, type Patience } from './patience.ts';

export interface ImportParts {
  readonly config: Config;
  readonly parts: DatabaseParts;
  readonly registry: Registry;
  readonly repository: Repository;
  readonly store: JobStore;
  readonly leaseStretch: LeaseStretch;
  readonly patience: Patience;
  readonly pace: Pace;
}

/** What the gateway gives. */
export interface ImportSurroundings {
  readonly config: Config;
  readonly pool: Pool;
  readonly parts: DatabaseParts;
  readonly registry: Registry;
  readonly repository: Repository;
}

export function importParts({ config, pool, parts, registry, repository }: ImportSurroundings): ImportParts {
  const timeoutMs = config.db.readTimeoutMs;
  const store = createJobStore(pool, parts.journal, timeoutMs);
  return {
    config,
    parts,
    registry,
    repository,
    store,
    leaseStretch: createLeaseStretch(),
    patience: createPatience(),
    pace: createPace(store.session, { slowMs: config.import.slowMs, atOnce: config.import.chunksAtOnce }),
  };
}
