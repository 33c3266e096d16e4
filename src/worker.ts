/** One worker: it does imports, in threads, and serves nobody. Any number of them may run, on any host. */
import type { Config } from './config.ts';
import { openGateway } from './gateway.ts';
import type { Pace } from './import/pace.ts';
import { importParts } from './import/parts.ts';
import { startImportWorker } from './import/queue.ts';
import { turnThreads } from './import/turn-threads.ts';
import type { Turns } from './import/turns.ts';
import { createLog, type Log } from './log.ts';

export interface RunningWorker {
  /** Ends after the chunks that are in work. */
  readonly close: () => Promise<void>;
}

export async function startWorker(config: Config, log: Log = createLog(config.log.level)): Promise<RunningWorker> {
  const gateway = await openGateway(config);
  const given = importParts(gateway);
  const worker = startImportWorker(given, log, importThreads(config, given.pace));
  log.info('working');
  return {
    async close() {
      await worker.close();
      await gateway.close();
      log.info('stopped');
    },
  };
}

/** Threads for imports of this process. Each line of their logs is whole. */
export function importThreads(config: Config, pace: Pace): Turns {
  return turnThreads(new URL('import-thread.ts', import.meta.url), config, pace, (line) => process.stdout.write(line));
}
