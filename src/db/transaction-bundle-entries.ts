/** What the entries of a transaction Bundle write, as pure data and pure functions. https://hl7.org/fhir/R4/http.html#transaction */
import type { FhirError } from '../fhir/outcome.ts';
import type { JsonObject } from '../mapping/lift.ts';

/** Where a provisional address (`Patient/x…`) or a conditional reference (`Patient?identifier=…`) leads; undefined: nowhere yet. */
export type AddressOf = (provisional: string) => string | undefined;

/** One resource, named by its id or by a search that must find just one. */
export type WriteTarget = { readonly id: string } | { readonly query: string };

interface EntryCommon {
  /** Its place in the Bundle. */
  readonly index: number;
  readonly resourceType: string;
}

/**
 * What an entry writes, as pure data and pure functions. `content` gives the resource with its references put in;
 * `provisional` is the address under which other entries refer to this one until its id is known.
 */
export type EntryWrite =
  | (EntryCommon & {
      readonly kind: 'create';
      readonly provisional: string;
      /** ifNoneExist: create only if this search finds nothing. */
      readonly unless?: string;
      content(addressOf: AddressOf): JsonObject;
    })
  | (EntryCommon & {
      readonly kind: 'update';
      readonly provisional: string;
      readonly target: WriteTarget;
      readonly ifMatch?: number | undefined;
      /** The id in the resource, for an update by a search. */
      readonly ownId?: string | undefined;
      /** ifNoneMatch: *. */
      readonly mustNotExist: boolean;
      /** Why nothing may be created under this id. */
      readonly mayNotCreate?: FhirError | undefined;
      content(addressOf: AddressOf): JsonObject;
    })
  | (EntryCommon & {
      readonly kind: 'patch';
      readonly target: WriteTarget;
      readonly ifMatch?: number | undefined;
      content(addressOf: AddressOf, served: JsonObject): JsonObject;
    })
  | (EntryCommon & {
      readonly kind: 'delete';
      readonly target: WriteTarget;
      readonly ifMatch?: number | undefined;
      readonly cascade: boolean;
      /** How many a search may find; all of them go. */
      readonly deletesMax: number;
    });

/** A conditional reference inside some entry. */
export interface ConditionalReference {
  readonly index: number;
  /** As it stands in the resource: `Patient?identifier=x`. */
  readonly text: string;
  readonly resourceType: string;
  readonly query: string;
  readonly expression: string;
}

export interface TransactionBundle {
  readonly entries: readonly EntryWrite[];
  readonly references: readonly ConditionalReference[];
  /** Resources that entries read afterwards: the transaction fails when one is not there. */
  readonly reads: readonly { readonly index: number; readonly resourceType: string; readonly id: string }[];
  /** Whether existing resources change only with ifMatch. */
  readonly requireIfMatch: boolean;
}

/** Refused: the faults of every entry that has any. Nothing was changed. */
export class EntriesRefused extends Error {
  readonly failures: ReadonlyMap<number, FhirError>;

  constructor(failures: ReadonlyMap<number, FhirError>) {
    super('entries of the transaction are refused');
    this.failures = failures;
  }
}

export function isRefusal(failure: unknown): failure is FhirError {
  return failure instanceof Error && 'kind' in failure && 'issues' in failure && failure.kind !== 'unavailable';
}
