/** What interactions may ask of the database; implemented beside this file. The repository never sees a FHIR element by name. */
import type { Issue } from '../fhir/outcome.ts';
import type { CompiledVariant, Overlay } from '../mapping/compile.ts';
import type { JsonObject } from '../mapping/lift.ts';
import type { Stored } from '../mapping/types.ts';
import type { AsyncJobs, IdempotencyStore, Seal } from './kept-answers.ts';
import type { TransactionBundle } from './transaction-bundle-entries.ts';

/** One version of one resource as the tables hold it. `rendered` content follows from it by `renderResource`. */
export interface ResourceRecord {
  readonly rid: number;
  readonly resourceType: string;
  readonly id: string;
  readonly variant: CompiledVariant;
  readonly version: number;
  /** UTC with microseconds, `2026-11-23T10:00:00.123456Z`. */
  readonly lastUpdated: string;
  readonly state: 'living' | 'deleted';
  /** Who made this version: `medimax`, `client`, `import:…`. */
  readonly origin: string;
  readonly refined: number;
  readonly overlay: Overlay | null;
  /** Null when deleted. */
  readonly stored: Stored | null;
  /** The rows are ahead of the books: what MediMax changed is still in the journal, and the version is not theirs. */
  readonly isBehind?: true;
}

/** What may be asked and noted within the transaction of a write. */
export interface RowsInTransaction {
  rows(sql: string, values?: readonly (string | number)[]): Promise<readonly (readonly unknown[])[]>;
  modify(sql: string, values?: readonly (string | number)[]): Promise<unknown>;
}

export interface WriteOptions {
  /** Version the client's If-Match names; refused with 412 when the current one is another. */
  readonly ifMatch?: number | undefined;
  readonly origin: string;
  /** Milliseconds since the epoch after which no retry begins. */
  readonly deadline: number;
  /** For `update`: runs first in its transaction; where it throws, nothing is written. */
  readonly fence?: (on: RowsInTransaction) => Promise<void>;
}

export type WriteOutcome = 'created' | 'updated' | 'unchanged' | 'deleted';

export interface WriteResult {
  readonly outcome: WriteOutcome;
  readonly record: ResourceRecord;
  /** Warnings and information for the client. */
  readonly issues: readonly Issue[];
}

/** By the entry's place in the Bundle. Several where a search was to delete several; none where there was nothing to delete. */
export type BundleResults = ReadonlyMap<number, readonly WriteResult[]>;

/** All methods throw FhirError for what a client can cause; anything else is a bug or an outage. */
export interface Repository {
  /** Null when the id never existed. A deleted resource is a record with state 'deleted'. */
  read(resourceType: string, id: string): Promise<ResourceRecord | null>;
  /** A superseded or the current version; null when there is none. */
  readVersion(resourceType: string, id: string, version: number): Promise<ResourceRecord | null>;
  /** Records of these rids, in this order; missing ones are left out. One statement where the variants that they are of are given. */
  readMany(resourceType: string, rids: readonly number[], variants?: readonly string[]): Promise<readonly ResourceRecord[]>;
  create(resourceType: string, resource: JsonObject, options: WriteOptions): Promise<WriteResult>;
  /** Updates, or creates with the client's id where there is none (or a deleted one). */
  update(resourceType: string, id: string, resource: JsonObject, options: WriteOptions): Promise<WriteResult>;
  /** Deletes; already deleted or never there gives null. `cascade` allows deleting a Patient whose chart is not empty. */
  delete(resourceType: string, id: string, options: WriteOptions & { readonly cascade: boolean }): Promise<WriteResult | null>;
  /** All writes of a transaction Bundle, or none. @throws EntriesRefused with the faults of every entry */
  transact(bundle: TransactionBundle, options: WriteOptions, seal?: Seal<BundleResults>): Promise<BundleResults>;
  /** Answers kept for requests that may be sent again. */
  readonly answers: IdempotencyStore;
  /** Requests that are answered later. */
  readonly jobs: AsyncJobs;
  /** The resource as served: resourceType, id, meta, content; elements in the order of the specification. */
  render(record: ResourceRecord): JsonObject;
}
