/** What the database side is put together from; made once at start-up and passed to every function that needs it. */
import type { CompiledVariant } from '../mapping/compile.ts';
import type { Registry } from '../mapping/registry.ts';
import type { Env } from '../mapping/types.ts';
import type { Clock } from './clock.ts';
import type { Journal } from './journal/journal.ts';
import type { Pool, Session } from './pool.ts';
import type { ResourceRecord } from './repository.ts';
import type { FindByIdentifier, ReferenceSettings } from './resolve-references.ts';
import { type VariantSelect, variantSelect } from './select.ts';

/**
 * Indexes resources for searches in the transaction that creates them. Of all others triggers make a note, and they are indexed before the
 * next search answers.
 */
export interface FreshIndex {
  /** Whether what is shown depends on the rows alone. What also depends on the day is looked at again when the day changes. */
  covers(variant: CompiledVariant): boolean;
  insert(session: Session, records: readonly ResourceRecord[]): Promise<void>;
}

/**
 * The first `limit` living resources of this type that a search finds, on the session given.
 * @throws FhirError `malformed` when a parameter is not understood: a condition is never taken for less than it says
 */
export type FindByQuery = (
  session: Session,
  resourceType: string,
  query: URLSearchParams,
  limit: number,
) => Promise<readonly number[]>;

export interface DatabaseParts {
  readonly pool: Pool;
  readonly registry: Registry;
  readonly clock: Clock;
  readonly journal: Journal;
  readonly references: ReferenceSettings;
  readonly findByIdentifier: FindByIdentifier;
  readonly findByQuery: FindByQuery;
  readonly index: FreshIndex;
  /** Whether the server knows INSERT … RETURNING (MariaDB does, MySQL does not). */
  readonly insertReturns: boolean;
  readonly timeoutMs: number;
  /** How long answers are kept for requests with an Idempotency-Key. */
  readonly idempotencyHours: number;
  env(): Env;
  select(variant: CompiledVariant): VariantSelect;
}

/** The statements of a variant, built at the first use and kept. */
export function variantSelects(): (variant: CompiledVariant) => VariantSelect {
  const selects = new Map<CompiledVariant, VariantSelect>();
  return (variant) => {
    const known = selects.get(variant);
    if (known) return known;
    const made = variantSelect(variant);
    selects.set(variant, made);
    return made;
  };
}
