/** What a benchmark is: it measures the gateway and a bare limit alternately on a site, and gives back ratios. */
import type { PeakMemory } from './report.ts';
import type { Spread } from './spread.ts';

export interface Bench {
  /** One sentence: what is compared with what. */
  readonly what: string;
  /** Searches need the search index of the clinic; it takes a minute to make. Others begin with an empty one. */
  readonly needsIndex?: true;
  run(site: Site): Promise<readonly Figure[]>;
}

/** One result. Never a bare time: what a machine does in a second says nothing about the gateway. */
export interface Figure {
  readonly name: string;
  /** Gateway to limit, unless the name says otherwise; `of` says of what. */
  readonly ratio: Spread;
  readonly of: 'throughput' | 'processor time' | 'duration' | 'memory' | 'share of the time';
  /** For throughput the least ratio, for the others the greatest. */
  readonly goal?: number;
  /** Statements the gateway sent to the database, for each thing done. */
  readonly statements?: number;
  /** A remark for the reader, in a few words. */
  readonly note?: string;
}

/** How long everything may take; the defaults keep a bench below 90 seconds. */
export interface Pace {
  readonly rounds: number;
  /** One measurement of one contender. */
  readonly sliceMs: number;
  readonly warmUpMs: number;
  readonly patients: number;
}

/** The throw-away servers and database of a run, and the processes that are measured on them. All end with the run. */
export interface Site {
  readonly pace: Pace;
  /** Environment for `readConfig`, with durable commits on the other end. */
  readonly env: Readonly<Record<string, string>>;
  /** Deleted after the run. */
  readonly folder: string;
  /** A gateway process as in production: `serve`, log to a file. `env` changes settings. */
  gateway(env?: Readonly<Record<string, string>>): Promise<HttpProcess>;
  /** A server of our own: a module that listens on the port in `PORT` and answers `GET /livez`; gets the DB_* settings. */
  server(module: URL): Promise<HttpProcess>;
  /** A module that calls `serveLoop` (loop.ts): work without HTTP, in its own process. */
  loop(module: URL, options?: LoopOptions): Promise<LoopProcess>;
  /** Sends requests over 16 kept connections from the load process, taking them in turn. */
  load(process: HttpProcess, requests: readonly LoadRequest[]): Contender;
  /** Runs SQL with the gateway's session settings, set-wise, past the triggers. */
  sql(statement: string): Promise<readonly (readonly (string | number | null)[])[]>;
  /** Gives rows that were written by `sql` their resources. */
  adopt(): Promise<void>;
  /** How many statements clients have sent to the database so far. */
  statementsSoFar(): Promise<number>;
  /** Of every process that is measured, so far. */
  peakMemory(): readonly PeakMemory[];
  say(sentence: string): void;
}

export interface LoadRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Something that does one thing over and over for a while. */
export interface Contender {
  readonly name: string;
  run(durationMs: number): Promise<Slice>;
}

export interface Slice {
  readonly done: number;
  /** Answers that were no 2xx; the run fails when there are any. */
  readonly failed: number;
  readonly seconds: number;
  /** Processor time of the measured process. */
  readonly cpuSeconds: number;
}

export interface ChildProcess {
  readonly name: string;
  readonly pid: number;
}

export interface HttpProcess extends ChildProcess {
  readonly port: number;
}

export interface LoopOptions {
  /** In the list of peak memories. */
  readonly name?: string;
  readonly nodeArgs?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface LoopProcess extends ChildProcess {
  contender(argument: unknown): Contender;
  /** For loops that answer otherwise than in things done: sends the order, gives back what the process says. */
  ask<Answer>(argument: unknown, durationMs: number): Promise<Answer>;
}
