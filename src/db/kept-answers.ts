/** Answers that outlive their request: kept under a client's key, or until they are fetched. */

export interface KeptAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON; null where there is none. */
  readonly body: string | null;
}

/** The right to answer under a key: whoever has lost it to another cannot commit. */
export interface Claim {
  readonly keyHash: Buffer;
  readonly owner: Buffer;
}

export type Claimed =
  | { readonly is: 'mine'; readonly claim: Claim }
  | { readonly is: 'answered'; readonly answer: KeptAnswer }
  /** Another request has the key and is at work, for so long at most. */
  | { readonly is: 'running'; readonly leaseMs: number }
  /** The key was given to another request. */
  | { readonly is: 'other' };

export interface IdempotencyStore {
  claim(keyHash: Buffer, requestHash: Buffer, leaseMs: number): Promise<Claimed>;
  /** The answer, when the work is done; replaces one that was sealed with it. */
  keep(claim: Claim, answer: KeptAnswer): Promise<void>;
  /** Nothing was changed: the key is free again. An answer that was sealed stays. */
  release(claim: Claim): Promise<void>;
  /** Takes the key from whoever is at work under it: what is not committed yet cannot be any more. */
  withdraw(keyHash: Buffer): Promise<void>;
}

/** Inside a transaction: the answer to what it does, committed with it or not at all. */
export interface Seal<Result> {
  readonly claim: Claim;
  answer(result: Result): KeptAnswer;
}

export interface AsyncJob {
  /** 32 hexadecimal digits that nobody can guess. */
  readonly id: string;
  /** JSON of what was asked. */
  readonly request: string;
  readonly state: 'open' | 'done' | 'cancelled';
  /** Nobody is at work on it: whoever was has ended. */
  readonly isAbandoned: boolean;
  readonly answer: KeptAnswer | null;
}

export interface AsyncJobs {
  add(request: string): Promise<string>;
  find(id: string): Promise<AsyncJob | null>;
  /**
   * Takes the job where nobody is at work on it, runs `work` when there is room, and keeps its answer; resolves when that is done, or at once when
   * another has the job. While it runs the job is held by beats, so that another process takes it over soon after this one has ended.
   */
  run(id: string, work: () => Promise<KeptAnswer | null>): Promise<void>;
  /** False when there is no such job. */
  cancel(id: string): Promise<boolean>;
}
