/** Fetches the files of a job into the chunk store. One worker at a time; after a crash another starts the file over that was not complete. */
import { randomUUID } from 'node:crypto';
import { hindranceOf } from '../db/errors.ts';
import type { Session } from '../db/pool.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { Log } from '../log.ts';
import { publicUrl } from './allowed-url.ts';
import { Overtaken } from './chunk-lease.ts';
import { chunkSink } from './chunk-sink.ts';
import { DownloadFailed, download } from './download.ts';
import type { Job, TurnResult } from './job.ts';
import type { ImportParts } from './parts.ts';
import { receiveFile } from './receive.ts';

interface FetchSettings {
  readonly leaseMs: number;
  readonly log: Log;
  /** The process is ending: what is not complete is left to others. */
  readonly signal?: AbortSignal;
}

export async function runFetch(given: ImportParts, job: Job, { leaseMs, log, signal }: FetchSettings): Promise<TurnResult> {
  const { store } = given;
  const holder = randomUUID();
  const hold = () => store.holdJob(job.id, holder, leaseMs, 'fetching');
  if (!(await hold())) return { kind: 'busy' };
  const lost = new AbortController();
  let renewing: Promise<void> | null = null;
  const timer = setInterval(() => {
    renewing ??= hold()
      .then(
        (kept) => (kept ? undefined : lost.abort(new Overtaken())),
        () => undefined, // whoever writes next finds out
      )
      .finally(() => {
        renewing = null;
      });
  }, leaseMs / 4);
  const held = <Result>(work: (on: Session) => Promise<Result>) =>
    store.transaction(async (on) => {
      await check(on, job.id, holder);
      return work(on);
    });
  try {
    const lines = await fetchFiles(given, job, held, signal ? AbortSignal.any([signal, lost.signal]) : lost.signal);
    await held((on) => end(on, job, lines === 0 ? 'There is no line in the files: nothing to import.' : null));
    return { kind: 'worked', chunk: 0 };
  } catch (thrown) {
    if (thrown instanceof Overtaken) return { kind: 'busy' };
    clearInterval(timer);
    await renewing;
    if (signal?.aborted || hindranceOf(thrown)) {
      await held((on) => letGo(on, job.id)).catch(() => undefined); // the lease ends by itself too
      if (signal?.aborted) return { kind: 'busy' };
      throw thrown;
    }
    const known = thrown instanceof DownloadFailed || thrown instanceof FhirError;
    if (known) log.warn('import-fetch', { job: job.id });
    else log.error('import-fetch', { job: job.id, ...(thrown instanceof Error ? { error: thrown } : {}) });
    const text = 'The gateway failed to take the files in; this is a fault of its own.';
    await held((on) => end(on, job, known ? thrown.message : text));
    return { kind: 'ended' };
  } finally {
    clearInterval(timer);
    await renewing;
  }
}

type Held = <Result>(work: (on: Session) => Promise<Result>) => Promise<Result>;

/** Returns the number of lines of all files. */
async function fetchFiles(given: ImportParts, job: Job, held: Held, signal: AbortSignal): Promise<number> {
  const { store, config } = given;
  const { urls = [], kind = 'ndjson' } = job.options.files ?? {};
  const sink = chunkSink((_jobId, write) => held(write));
  const before = await store.files(job.id);
  let nextChunk = await held((on) => dropIncomplete(on, job.id));
  let bytes = 0;
  let lines = 0;
  for (const [index, address] of urls.entries()) {
    const done = before.find(({ no, lines: count }) => no === index + 1 && count > 0);
    if (done) {
      bytes += done.bytes;
      lines += done.lines;
      continue;
    }
    const stream = download(address, {
      allowed: config.import.urls,
      silenceMs: config.http.requestTimeoutMs,
      wholeMs: config.import.fetchTimeoutMs,
      bytesMax: config.import.jobBytesMax - bytes,
      signal,
    });
    const name = publicUrl(address);
    let seen = 0;
    const counted = (async function* () {
      for await (const piece of stream) {
        seen += piece.length;
        yield piece;
      }
    })();
    const received = await receiveFile(sink, job.id, index + 1, nextChunk, { name, kind, stream: counted }, config.import).catch(
      (thrown) => {
        const ofTheFile = thrown instanceof FhirError && thrown.kind === 'malformed';
        throw ofTheFile ? new DownloadFailed(`${name} cannot be read: ${thrown.message}`) : thrown;
      },
    );
    nextChunk = received.nextChunk;
    bytes += seen;
    lines += received.lines;
  }
  return lines;
}

/** A file is complete when its lines are counted; of others nothing is kept. Returns the number of the next chunk. */
async function dropIncomplete(on: Session, jobId: number): Promise<number> {
  await on.modify(
    'DELETE c FROM fhir_import_chunk c JOIN fhir_import_file f ON f.job_id = c.job_id AND f.file_no = c.file_no WHERE c.job_id = ? AND f.line_count = 0',
    [jobId],
  );
  await on.modify('DELETE FROM fhir_import_file WHERE job_id = ? AND line_count = 0', [jobId]);
  const [row] = await on.rows('SELECT COALESCE(MAX(chunk_no), 0) + 1 FROM fhir_import_chunk WHERE job_id = ?', [jobId]);
  return Number(row?.[0]);
}

/** Every write stands under this lock. @throws Overtaken when the job was cancelled, or another worker has it */
async function check(on: Session, jobId: number, holder: string): Promise<void> {
  const [row] = await on.rows('SELECT state, undo_result FROM fhir_import_job WHERE job_id = ? FOR UPDATE', [jobId]);
  if (row?.[0] !== 'fetching' || row[1] !== JSON.stringify({ holder })) throw new Overtaken();
}

/** To `running`, or `failed`: then none of the lines is kept. */
async function end(on: Session, job: Job, failure: string | null): Promise<void> {
  const { files, ...rest } = job.options;
  const options = files ? { ...rest, files: { ...files, urls: files.urls.map(publicUrl) } } : rest;
  if (failure !== null) await on.modify('DELETE FROM fhir_import_chunk WHERE job_id = ?', [job.id]);
  await on.modify(
    `UPDATE fhir_import_job SET state = ?, failure = ?, options = ?, undo_result = NULL, touched_at = UTC_TIMESTAMP(6), finished_at = ${failure === null ? 'NULL' : 'UTC_TIMESTAMP(6)'} WHERE job_id = ?`,
    [failure === null ? 'running' : 'failed', failure, JSON.stringify(options), job.id],
  );
}

async function letGo(on: Session, jobId: number): Promise<void> {
  await on.modify('UPDATE fhir_import_job SET undo_result = NULL WHERE job_id = ?', [jobId]);
}
