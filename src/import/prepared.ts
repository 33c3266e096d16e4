/** What is to be written for the lines of a chunk, and what is known while that is worked out. */
import type { BulkItem } from '../db/bulk-create.ts';
import type { Issue } from '../fhir/outcome.ts';
import type { Claim } from './earlier-lines.ts';
import type { Chunk, Job, LineIssue, LineOutcome } from './job.ts';
import type { Known } from './look-up.ts';
import type { Parsed } from './parse-line.ts';
import type { ImportParts } from './parts.ts';

/** A new resource that goes in with the others of its chunk. */
export interface NewResource {
  readonly parsed: Parsed;
  readonly item: BulkItem;
  readonly identifiers: readonly string[];
  readonly issues: readonly LineIssue[];
  readonly open: LineOutcome['open'];
}

/** A resource that is written alone: an update, a merge, or one whose rows change other resources. */
export interface SingleWrite {
  readonly parsed: Parsed;
  readonly known: Known | null;
  readonly id: string;
  readonly merge: boolean;
  /** The patient was known here under another id than the source's gives: where the source's leads must be kept. */
  readonly aliased: boolean;
  readonly identifiers: readonly string[];
  readonly issues: readonly LineIssue[];
  readonly open: LineOutcome['open'];
}

export interface Prepared {
  /** By line; `pending` where there is something to write. */
  readonly ledger: LineOutcome[];
  readonly created: readonly NewResource[];
  readonly singles: readonly SingleWrite[];
  /** Where an id here does not follow from the source's: to be kept for references to come. */
  readonly aliases: readonly NewAlias[];
  /** Identifiers of patients that are gone. */
  readonly stale: ReadonlySet<string>;
  /** Lines that say nothing new. */
  readonly claims: readonly Claim[];
}

export interface NewAlias {
  readonly id: string;
  readonly type: string;
  readonly localType: string;
  readonly localId: string | null;
}

/** Lines are numbered through all files of a job, so that the later of two lines is known. */
export function lineNoOf(chunk: Chunk, parsed: Parsed): number {
  return chunk.fileNo * 2 ** 32 + parsed.line.number;
}

/** Known and planned so far for one chunk. */
export interface ChunkState {
  readonly given: ImportParts;
  readonly job: Job;
  readonly chunk: Chunk;
  readonly ledger: LineOutcome[];
  readonly last: boolean;
  readonly own: Map<string, Known>;
  /** Ids here of what the source calls `Type/id` or `urn/id`; null: a type without a table. */
  readonly names: Map<string, { readonly type: string; readonly id: string | null }>;
  readonly identified: ReadonlyMap<string, readonly Known[]>;
  /** Keys of rows by `Type/id` here; stand-ins for those that are inserted with this chunk. */
  readonly keys: Map<string, number>;
  readonly created: NewResource[];
  /** Ids of new results that lie under a new report. */
  readonly taken: Set<string>;
  readonly singles: SingleWrite[];
  /** Digests of lines that others of their import have overtaken, by resource. */
  readonly earlier: ReadonlyMap<number, ReadonlySet<string>>;
  readonly claims: Claim[];
  readonly timestamp: string;
  readonly setWise: boolean;
}

export function overtaken(type: string, id: string, by: string): LineOutcome {
  const text = `${by} says what ${type}/${id} is now`;
  return { s: 'overtaken', t: type, id, i: [{ severity: 'information', code: 'informational', text }] };
}

export function toLineIssue({ severity, code, text, expression }: Issue): LineIssue {
  return {
    severity: severity === 'fatal' ? 'error' : severity,
    code,
    text,
    ...(expression?.[0] === undefined ? {} : { expression: expression[0] }),
  };
}
