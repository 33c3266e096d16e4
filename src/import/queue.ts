/** The queue of turns in Redis: each is a pointer to a job, nothing of what it holds. Whatever is lost here is found again in the database. */
import { Queue, Worker } from 'bullmq';
import { FhirError } from '../fhir/outcome.ts';
import type { Log } from '../log.ts';
import type { Announce } from './desk.ts';
import type { ImportParts } from './parts.ts';
import { type Turns, turnsHere } from './turns.ts';

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
      await queue?.close().catch(() => undefined);
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

/** Of turns with the same id only one is in the queue. */
async function addTurn(queue: Queue<Turn>, jobId: number, id: string): Promise<void> {
  await queue.add('turn', { job: jobId }, { jobId: `turn-${id}` });
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
 * Every `sweepMs` it looks in the database for jobs that nobody is at work on, which happens when Redis or a worker was lost.
 */
export function startImportWorker(given: ImportParts, log: Log, turns: Turns = turnsHere(given, log)): ImportWorker {
  const { config, store } = given;
  const { chunksAtOnce, leaseMs, sweepMs, keepDays, slowMs } = config.import;
  const queue = openQueue(config.redis.url, config.db.name, log);
  let closing = false;
  const worker = new Worker<Turn>(
    queueName,
    async ({ data, id }) => {
      await restWhileBusy(given, slowMs);
      const result = await turns.run(data.job);
      if (result.kind === 'worked' && !closing) await addTurn(queue, data.job, `${data.job}-${id?.slice(-12)}-${Date.now()}`);
    },
    { ...queueOptions(config.redis.url, config.db.name), concurrency: chunksAtOnce, lockDuration: Math.max(leaseMs, 1000) },
  );
  worker.on('error', (failure) => log.debug('import-queue', { failure }));
  worker.on('failed', (_turn, failure) => {
    if (!(failure instanceof FhirError)) log.warn('import-turn', { failure });
  });

  const sweep = async () => {
    for (const job of await store.running()) {
      const { free, mark } = await store.free(job.id);
      if (free === 0) continue;
      // Named for what is done so far: while nothing moves, sweeping again adds nothing.
      for (let slot = 0; slot < chunksAtOnce; slot += 1)
        await within(announceMs, addTurn(queue, job.id, `${job.id}-sweep-${slot}-${mark}`));
    }
    await store.dropAbandoned(Math.max(config.http.requestTimeoutMs, 60_000));
    await store.forget(keepDays * 86_400_000);
  };
  let sweeping: Promise<void> = Promise.resolve();
  const timer = setInterval(() => {
    sweeping = sweeping.then(sweep).catch((failure) => log.debug('import-sweep', { failure }));
  }, sweepMs);
  sweeping = sweep().catch(() => undefined);

  return {
    async close() {
      closing = true;
      turns.stop();
      clearInterval(timer);
      await sweeping;
      await worker.close().catch(() => undefined);
      await turns.close();
      await queue.close().catch(() => undefined);
    },
  };
}

/** Back-pressure: MediMax's own statements come first. When a read by key takes long, the import rests, longer each time, up to a second. */
async function restWhileBusy({ store }: ImportParts, slowMs: number): Promise<void> {
  for (let pause = 20; pause <= 640; pause *= 2) {
    const before = performance.now();
    await store.session.rows('SELECT patient_id FROM Patient ORDER BY patient_id DESC LIMIT 1');
    if (performance.now() - before <= slowMs) return;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
