/** Who does the turns of imports: this process itself, or threads of it. */
import type { Log } from '../log.ts';
import type { TurnResult } from './job.ts';
import type { ImportParts } from './parts.ts';
import { runTurn } from './turn.ts';

export interface Turns {
  /** @throws FhirError `unavailable` when the database is away, or the thread has died; another turn may find things better */
  run(jobId: number): Promise<TurnResult>;
  /** What can be put down at once (a download) is put down; the rest ends as usual. */
  stop(): void;
  close(): Promise<void>;
}

/** For few lines: no thread has to be started first. */
export function turnsHere(given: ImportParts, log: Log): Turns {
  const stopping = new AbortController();
  return {
    run: (jobId) => runTurn(given, jobId, given.config.import.leaseMs, log, stopping.signal),
    stop: () => stopping.abort(),
    close: async () => stopping.abort(),
  };
}
