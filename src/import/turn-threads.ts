/** Threads that do the turns of imports, so that parsing, validating and mapping use more cores than one and hold up nobody who is served here. */
import { Worker } from 'node:worker_threads';
import type { Config } from '../config.ts';
import { unavailable } from '../db/errors.ts';
import type { TurnResult } from './job.ts';
import type { Pace } from './pace.ts';
import type { Turns } from './turns.ts';

/** To a thread. */
export type TurnOrder = { readonly turn: number; readonly jobId: number } | 'stop' | 'close';

/** From a thread. `failed`: it has logged why. */
export type TurnAnswer =
  | { readonly turn: number; readonly result: TurnResult }
  | { readonly turn: number; readonly failed: true }
  | { readonly log: string; readonly urgent: boolean };

/** The thread has logged why. */
export class FailedInThread extends Error {}

interface Waiting {
  resolve(result: TurnResult): void;
  reject(failure: unknown): void;
}

interface Thread {
  readonly worker: Worker;
  readonly waiting: Map<number, Waiting>;
}

/**
 * Heap of a thread: two chunks of the largest size, parsed, and then some. Left alone it would grow to several times that before it is tidied. A line
 * that needs more ends the thread, not the process.
 */
const resourceLimits = { maxOldGenerationSizeMb: 160, maxYoungGenerationSizeMb: 32 } as const;

/**
 * `entry` is the module of a thread; `write` takes its log lines. Threads are started when there is something to do, and stay. A thread that dies
 * fails the turns it was at; the next turn starts another.
 */
export function turnThreads(
  entry: URL,
  config: Config,
  pace: Pick<Pace, 'isMedimaxAtWork'>,
  write: (line: string, urgent: boolean) => void,
): Turns {
  const threads: (Thread | undefined)[] = Array.from({ length: config.import.threads });
  let turns = 0;
  let stopping = false;

  const begin = (slot: number): Thread => {
    const worker = new Worker(entry, { workerData: config, resourceLimits });
    const thread: Thread = { worker, waiting: new Map() };
    threads[slot] = thread;
    const die = (failure: unknown) => {
      if (threads[slot] === thread) threads[slot] = undefined;
      for (const { reject } of thread.waiting.values()) reject(unavailable(failure));
      thread.waiting.clear();
    };
    worker.on('error', die);
    worker.on('exit', () => die(new Error('The thread has ended')));
    worker.on('message', (answer: TurnAnswer) => {
      if ('log' in answer) return write(answer.log, answer.urgent);
      const waiting = thread.waiting.get(answer.turn);
      thread.waiting.delete(answer.turn);
      if ('result' in answer) waiting?.resolve(answer.result);
      else waiting?.reject(new FailedInThread('A turn of an import has failed; the log says why'));
    });
    if (stopping) worker.postMessage('stop' satisfies TurnOrder);
    return thread;
  };

  /** One thread for all while MediMax needs the processors. */
  const threadFor = (isMedimaxAtWork: boolean): Thread => {
    const loads = isMedimaxAtWork ? [0] : threads.map((thread) => thread?.waiting.size ?? 0);
    const slot = loads.indexOf(Math.min(...loads));
    return threads[slot] ?? begin(slot);
  };

  return {
    async run(jobId) {
      const isMedimaxAtWork = await pace.isMedimaxAtWork().catch(() => false);
      return new Promise((resolve, reject) => {
        // Chosen and taken in one step: of several turns at once each sees what the others have taken.
        const { worker, waiting } = threadFor(isMedimaxAtWork);
        turns += 1;
        waiting.set(turns, { resolve, reject });
        worker.postMessage({ turn: turns, jobId } satisfies TurnOrder);
      });
    },
    stop() {
      stopping = true;
      for (const thread of threads) thread?.worker.postMessage('stop' satisfies TurnOrder);
    },
    async close() {
      stopping = true;
      await Promise.all(
        threads.map(async (thread) => {
          if (!thread) return;
          const ended = new Promise((resolve) => thread.worker.once('exit', resolve));
          thread.worker.postMessage('close' satisfies TurnOrder);
          await ended;
        }),
      );
    },
  };
}
