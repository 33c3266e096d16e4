/** The queue of turns in Redis: each is a pointer to a job, nothing of what it holds. Whatever is lost here is found again in the database. */
import { Queue, Worker } from 'bullmq';
import { hindranceOf } from '../db/errors.ts';
import type { Log } from '../log.ts';
import type { Announce } from './desk.ts';
import type { TurnResult } from './job.ts';
import type { ImportParts } from './parts.ts';
import { FailedInThread } from './turn-threads.ts';
import { type Turns, turnsHere } from './turns.ts';
import { takeTurns } from './turns-without-redis.ts';

/** The whole payload of a queue job. */
interface Turn {
  readonly job: number;
}

const queueName = 'import';

/** Longest wait for Redis when a job is announced: the sweep announces it again. */
const announceMs = 1000;

function queueOptions(url: string, database: string) {
  return { prefix: `medimax:${database}`, connection: { url, maxRetriesPerRequest: null } };
}

/** For a process that takes files in. */
export function openAnnouncements(
  url: string,
  database: string,
  log: Log,
): { readonly announce: Announce; readonly close: () => Promise<void> } {
  let queue: Queue<Turn> | undefined;
  return {
    async announce(jobId) {
      queue ??= openQueue(url, database, log);
      await within(announceMs, addTurn(queue, jobId, `${jobId}-new-${Date.now()}`));
    },
    async close() {
      if (queue) await closeQueue(queue);
    },
  };
}

function openQueue(url: string, database: string, log: Log): Queue<Turn> {
  const queue = new Queue<Turn>(queueName, {
    ...queueOptions(url, database),
    defaultJobOptions: { removeOnComplete: true, removeOnFail: true, attempts: 1 },
  });
  queue.on('error', (failure) => log.debug('import-queue', { failure }));
  return queue;
}

/** Also where Redis does not answer: nobody waits for it for longer than a moment. */
async function closeQueue(queue: Queue<Turn>, worker?: Worker<Turn>): Promise<void> {
  const answers = await answered(queue.count());
  if (worker) await answered(worker.close(!answers));
  if (!answers) await answered(queue.disconnect());
  await answered(queue.close());
}

/** Of turns with the same id only one is in the queue. */
async function addTurn(queue: Queue<Turn>, jobId: number, id: string): Promise<void> {
  await queue.add('turn', { job: jobId }, { jobId: `turn-${id}` });
}

/** Whether Redis has done it within the time that it is waited for. */
async function answered(work: Promise<unknown>): Promise<boolean> {
  return within(announceMs, work).then(
    () => true,
    () => false,
  );
}

async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  work.catch(() => undefined);
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error('Redis does not answer')), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

export interface ImportWorker {
  close(): Promise<void>;
}

/**
 * Works on turns until it is closed. A turn does one chunk and puts the job at the end of the queue again, so that jobs take turns.
 * Every `sweepMs` it looks in the database for jobs that nobody is at work on, which happens when Redis or a worker was lost. While Redis
 * does not answer, it goes on with them itself.
 */
export function startImportWorker(given: ImportParts, log: Log, turns: Turns = turnsHere(given, log)): ImportWorker {
  const { config, store } = given;
  const { chunksAtOnce, leaseMs, sweepMs, keepDays } = config.import;
  const queue = openQueue(config.redis.url, config.db.name, log);
  let closing = false;
  const running = new Set<Promise<TurnResult>>();
  const worker = new Worker<Turn>(
    queueName,
    async ({ data, id }) => {
      const turn = turns.run(data.job);
      running.add(turn);
      const result = await turn.finally(() => running.delete(turn));
      if (result.kind === 'worked' && !closing)
        await answered(addTurn(queue, data.job, `${data.job}-${id?.slice(-12)}-${Date.now()}`));
    },
    { ...queueOptions(config.redis.url, config.db.name), concurrency: chunksAtOnce, lockDuration: Math.max(leaseMs, 1000) },
  );
  worker.on('error', (failure) => log.debug('import-queue', { failure }));
  const tellFailed = (failure: unknown) => {
    if (failure instanceof FailedInThread || hindranceOf(failure)) return;
    log.warn('import-turn', failure instanceof Error ? { failure } : {});
  };
  worker.on('failed', (_turn, failure) => tellFailed(failure));
  const runAnyhow = (jobId: number): Promise<TurnResult> =>
    turns.run(jobId).catch((failure) => {
      tellFailed(failure);
      return { kind: 'busy' };
    });

  let redisAnswers = true;
  /** The turns of these jobs are in the queue again, or they have taken some here. */
  const putAgain = async (jobs: readonly { readonly id: number; readonly mark: string }[]) => {
    // Named for what is done so far: while nothing moves, sweeping again adds nothing.
    const turnsOf = ({ id, mark }: (typeof jobs)[number]) =>
      Array.from({ length: chunksAtOnce }, (_, slot) => addTurn(queue, id, `${id}-sweep-${slot}-${mark}`));
    const before = redisAnswers;
    redisAnswers = await answered(Promise.all(jobs.flatMap(turnsOf)));
    if (before && !redisAnswers) log.warn('import-queue', { text: 'Redis does not answer. Imports go on without it.' });
    if (!before && redisAnswers) log.info('import-queue', { text: 'Redis answers again.' });
    if (!redisAnswers)
      await takeTurns(
        runAnyhow,
        jobs.map(({ id }) => id),
        { atOnce: chunksAtOnce, untilMs: Date.now() + sweepMs, isEnding: () => closing },
      );
  };
  const sweep = async () => {
    do {
      const open: { id: number; mark: string }[] = [];
      for (const { id } of await store.running()) {
        const { free, mark } = await store.free(id);
        if (free > 0) open.push({ id, mark });
      }
      if (open.length === 0) break;
      await putAgain(open);
    } while (!redisAnswers && !closing);
    await store.dropAbandoned(Math.max(config.http.requestTimeoutMs, 60_000));
    await store.forget(keepDays * 86_400_000);
  };
  let sweeping: Promise<void> | null = null;
  const sweepOnce = () => {
    sweeping ??= sweep()
      .catch((failure) => log.debug('import-sweep', { failure }))
      .finally(() => {
        sweeping = null;
      });
  };
  const timer = setInterval(sweepOnce, sweepMs);
  sweepOnce();

  return {
    async close() {
      closing = true;
      turns.stop();
      clearInterval(timer);
      await sweeping;
      // No turn begins any more, and those that have begun end.
      await worker.pause(true);
      await Promise.allSettled(running);
      await closeQueue(queue, worker);
      await turns.close();
    },
  };
}
