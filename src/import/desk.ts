/** What can be asked of imports from outside: by HTTP and by the command line. */
import { error, FhirError, fault } from '../fhir/outcome.ts';
import { isAllowed, publicUrl } from './allowed-url.ts';
import type { FileKind, Job, PatientMerge } from './job.ts';
import type { ImportParts } from './parts.ts';
import { type Incoming, receiveFile } from './receive.ts';
import { sourcePattern, sourceWords } from './source.ts';

/** Tells the workers of a job; it may fail silently, as they look themselves now and then. */
export type Announce = (jobId: number) => Promise<void>;

export interface ImportRequest {
  readonly source: string;
  readonly dryRun: boolean;
  readonly merge?: PatientMerge;
  readonly base?: string;
}

/** They lie in a TEXT column. */
const optionsBytesMax = 60_000;

export type ImportDesk = ReturnType<typeof createImportDesk>;

export function createImportDesk(given: ImportParts, announce: Announce) {
  const { store, config } = given;
  const limits = config.import;

  const open = async (source: string, options: Job['options'], state: 'receiving' | 'fetching'): Promise<Job> => {
    if (!sourcePattern.test(source)) throw fault('malformed', 'value', `The source is ${sourceWords}.`, 'source');
    const job = await store.create(source, options, limits.jobsPerSourceMax, state);
    if (!job) throw tooMany(limits.jobsPerSourceMax);
    return job;
  };
  const optionsOf = ({ dryRun, merge, base }: ImportRequest) => ({
    dryRun,
    merge: merge ?? limits.patientMerge,
    ...(base === undefined ? {} : { base }),
  });

  return {
    parts: given,

    /** Opens a job and takes its files in; it runs when all of them are in the database. A fault leaves no trace but the failed job. */
    async receive(
      request: ImportRequest,
      files: AsyncIterable<Incoming> | Iterable<Incoming>,
      onProgress?: (bytes: number, opened: Job) => void,
    ): Promise<Job> {
      const job = await open(request.source, optionsOf(request), 'receiving');
      try {
        let fileNo = 0;
        let chunk = 1;
        let lines = 0;
        for await (const file of files) {
          fileNo += 1;
          const received = await receiveFile(store, job.id, fileNo, chunk, file, limits, (bytes) => onProgress?.(bytes, job));
          chunk = received.nextChunk;
          lines += received.lines;
        }
        if (lines === 0) throw fault('malformed', 'required', 'There is no line in it: nothing to import.');
        if (!(await store.move(job.id, ['receiving'], 'running')))
          throw fault('conflict', 'conflict', 'The import was cancelled meanwhile.');
      } catch (thrown) {
        await store.drop(job.id).catch(() => undefined);
        throw thrown;
      }
      await announce(job.id).catch(() => undefined);
      return job;
    },

    /** Opens a job whose files a worker fetches. @throws FhirError `forbidden` for an address that the settings do not allow */
    async fetch(request: ImportRequest, kind: FileKind, urls: readonly string[]): Promise<Job> {
      const refused = urls.filter((url) => !isAllowed(url, limits.urls));
      if (refused.length > 0) {
        const rule =
          limits.urls.length === 0
            ? 'is not set, so none are'
            : 'does not list a beginning of them; ask the operator of this gateway';
        const issues = refused.map((url) => error('forbidden', `${publicUrl(url)} is not fetched: IMPORT_URLS ${rule}.`, 'url'));
        throw new FhirError('forbidden', issues);
      }
      const options = { ...optionsOf(request), files: { kind, urls } };
      if (Buffer.byteLength(JSON.stringify(options)) > optionsBytesMax)
        throw fault('too-large', 'too-long', `The addresses are over ${optionsBytesMax} bytes; make several imports of them.`);
      const job = await open(request.source, options, 'fetching');
      await announce(job.id).catch(() => undefined);
      return job;
    },

    /** @throws FhirError `not-found` */
    async job(name: string): Promise<Job> {
      const job = await store.byName(name);
      if (!job) throw fault('not-found', 'not-found', 'There is no such import, or it was forgotten.');
      return job;
    },

    list: () => store.list(100),

    /** Lines that are in stay in; an undo takes them back. Of one that is over the reports are thrown away. */
    async cancel(job: Job): Promise<void> {
      if (await store.move(job.id, ['receiving', 'fetching', 'running'], 'cancelled')) return;
      if ((await store.byId(job.id))?.state === 'undoing')
        throw fault('conflict', 'conflict', 'This import is being undone; wait until that is over.');
      await store.drop(job.id);
    },

    async undo(job: Job): Promise<void> {
      if (job.options.dryRun || !(await store.move(job.id, ['done', 'cancelled'], 'undoing')))
        throw fault('conflict', 'conflict', 'Only an import that is over, and was no dry run, can be undone, and only once.');
      await announce(job.id).catch(() => undefined);
    },

    /** Returns how many lines are tried again. */
    async retry(job: Job): Promise<number> {
      if (job.state !== 'done')
        throw fault('conflict', 'conflict', 'Only the failed lines of an import that is over can be tried again.');
      if ((await store.openJobs(job.source)) >= limits.jobsPerSourceMax) throw tooMany(limits.jobsPerSourceMax);
      const again = await store.retryFailed(job);
      if (again > 0) await announce(job.id).catch(() => undefined);
      return again;
    },
  };
}

function tooMany(most: number): FhirError {
  const text = `${most} imports of this source are under way, the most at a time. Wait until one of them is over.`;
  return new FhirError('too-many-requests', [error('throttled', text)], { headers: { 'Retry-After': '30' } });
}
