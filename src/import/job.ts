/** What an import is: a job with its files, cut into chunks of lines, each of which gets exactly one outcome. */

/** `receiving` while the client sends, `fetching` while files come from elsewhere, `running` while there are lines to do; the others are ends, of which `undoing` is none. */
export type JobState = 'receiving' | 'fetching' | 'running' | 'done' | 'cancelled' | 'failed' | 'undoing' | 'undone';

export const patientMerges = ['add', 'keep', 'overwrite'] as const;

/** What a source's line may change of a patient that others know too: add what is missing, nothing, everything. */
export type PatientMerge = (typeof patientMerges)[number];

export interface JobOptions {
  readonly dryRun: boolean;
  readonly merge: PatientMerge;
  /** Base URL of the source's own server: absolute references below it are its own. */
  readonly base?: string;
  /** What is fetched from elsewhere. Once that is over, the addresses are without their query, which may hold a signature. */
  readonly files?: { readonly kind: FileKind; readonly urls: readonly string[] };
}

export interface Job {
  readonly id: number;
  /** Unguessable name, as in URLs. */
  readonly name: string;
  readonly source: string;
  readonly state: JobState;
  readonly options: JobOptions;
  readonly pass: number;
  /** Whose lines no longer wait for what they can do without, as others may wait for them: patients first. */
  readonly hurries: 'none' | 'patients' | 'all';
  /** Nor does any line wait for anything else. */
  readonly lastPass: boolean;
  /** UTC with microseconds. */
  readonly createdAt: string;
  readonly finishedAt: string | null;
  readonly failure: string | null;
}

export type FileKind = 'ndjson' | 'bundle';

/** Lines as the splitter gives them: of an NDJSON file, or the entries of a Bundle, each without line breaks. */
export interface Line {
  /** From 1; of a Bundle the number of the entry. */
  readonly number: number;
  /** Of its first byte in the (unpacked) file. */
  readonly offset: number;
  readonly bytes: Buffer;
  /** Why the splitter could not keep it; its bytes are then empty. */
  readonly fault?: string;
}

export interface Chunk {
  readonly jobId: number;
  readonly no: number;
  readonly fileNo: number;
  readonly kind: FileKind;
  readonly fileName: string;
  readonly epoch: number;
  readonly attempts: number;
  readonly lines: readonly Line[];
  /** As far as they are known. */
  readonly ledger: readonly LineOutcome[] | null;
}

/** What became of a line. `pending` and `waiting` are no outcomes yet; `blank` lines say nothing. */
export type LineStatus =
  | 'pending'
  | 'waiting'
  | 'blank'
  | 'created'
  | 'updated'
  | 'unchanged'
  | 'merged'
  | 'overtaken'
  | 'no-table'
  | 'failed';

export interface LineIssue {
  readonly severity: 'error' | 'warning' | 'information';
  readonly code: string;
  readonly text: string;
  readonly expression?: string;
}

/** One entry of the ledger. Short names, because there are millions of them. */
export interface LineOutcome {
  readonly s: LineStatus;
  /** Resource type, where the line tells one. */
  readonly t?: string;
  /** Id here, version made or found, table and key of its row. */
  readonly id?: string;
  readonly v?: number;
  readonly table?: string;
  readonly key?: number;
  /** Of a dry run: rows by table that would be inserted and updated. */
  readonly rows?: Readonly<Record<string, readonly [inserted: number, updated: number]>>;
  readonly i?: readonly LineIssue[];
  /** References of the resource to what was not here: type and id here. */
  readonly open?: readonly (readonly [type: string, id: string])[];
}

/** Counts by type and status; lines that tell no type count under `-`. */
export type Counts = Readonly<Record<string, Readonly<Partial<Record<LineStatus, number>>>>>;

/** Counts as they are kept of a chunk: `told` are the lines with an error or a warning, whatever became of them. */
export type ChunkCounts = Readonly<Record<string, Readonly<Partial<Record<LineStatus | 'told', number>>>>>;

export const isTold = ({ i }: LineOutcome): boolean => i?.some(({ severity }) => severity !== 'information') ?? false;

export function countOutcomes(ledger: readonly LineOutcome[]): ChunkCounts {
  const counts: Record<string, Partial<Record<LineStatus | 'told', number>>> = {};
  for (const outcome of ledger) {
    const { s, t = '-' } = outcome;
    if (s === 'blank') continue;
    counts[t] ??= {};
    const ofType = counts[t];
    ofType[s] = (ofType[s] ?? 0) + 1;
    if (isTold(outcome)) ofType.told = (ofType.told ?? 0) + 1;
  }
  return counts;
}

export function addCounts(all: readonly ChunkCounts[]): { readonly counts: Counts; readonly told: number } {
  const sum: Record<string, Partial<Record<LineStatus, number>>> = {};
  let told = 0;
  for (const counts of all) {
    for (const [type, { told: ofType = 0, ...byStatus }] of Object.entries(counts)) {
      told += ofType;
      sum[type] ??= {};
      const total = sum[type];
      for (const [status, count] of Object.entries(byStatus) as [LineStatus, number][])
        total[status] = (total[status] ?? 0) + count;
    }
  }
  return { counts: sum, told };
}

/** `worked`: there may be more at once. `busy`: others are at work on what is left. `ended`: the job is over. */
export type TurnResult =
  | { readonly kind: 'worked'; readonly chunk: number }
  | { readonly kind: 'busy' }
  | { readonly kind: 'ended' };

/** What an undo left alone, and why. */
export interface UndoConflict {
  readonly file: string;
  readonly line: number;
  readonly type: string;
  readonly id: string;
  readonly text: string;
}
