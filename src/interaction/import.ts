/** Import: files in, a job, its state, its reports; by the asynchronous pattern. https://hl7.org/fhir/uv/bulkdata/export.html#bulk-data-kick-off-request */
import { Readable } from 'node:stream';
import { parseJson, stringifyJson } from '../fhir/json.ts';
import { FhirError, fault } from '../fhir/outcome.ts';
import type { ImportDesk } from '../import/desk.ts';
import { type FileKind, type Job, patientMerges } from '../import/job.ts';
import { manifestOf, type ReportKind, reportLines, settledStatuses, totalOf } from '../import/report.ts';
import { unpacked } from '../import/unpack.ts';
import { isObject, type JsonObject } from '../mapping/lift.ts';
import { header } from './header.ts';
import { readUrlImport, sourceNameOf } from './import-parameters.ts';
import type { Interaction, InteractionContext, InteractionRequest, InteractionResponse } from './interaction.ts';
import { onlyParameters } from './parameters.ts';

export const ndjsonTypes: readonly string[] = ['application/fhir+ndjson', 'application/ndjson', 'application/x-ndjson'];

/** A longer body is no Parameters resource. */
const parametersBytesMax = 64 * 1024;

const seconds = '1';

/** `POST $import?source=lab`: the body is the file, which may be gzip, or Parameters with the addresses of files. */
export const startImport: Interaction = async (context, request) => {
  const desk = deskOf(context);
  onlyParameters(request.query, ['source', 'dryRun', 'merge', 'base', 'file'], 'An import');
  if (!request.stream) throw new Error('The route of an import has no stream');
  const type = header(request.headers, 'content-type') ?? '';
  const kind: FileKind = ndjsonTypes.some((known) => type.toLowerCase().startsWith(known)) ? 'ndjson' : 'bundle';
  const body = within(unpacked(request.stream, notGzip), context.config.import.jobBytesMax);
  const { parameters, stream } = kind === 'bundle' ? await lookAt(body) : { parameters: null, stream: body };
  if (parameters) return accepted(request, await startFetching(desk, request, parameters));
  const name = request.query.get('file') ?? (kind === 'ndjson' ? 'upload.ndjson' : 'upload.json');
  return accepted(request, await desk.receive(wishesOf(request, request.query), [{ name, kind, stream }]));
};

/** A worker fetches the files; nothing is fetched before the 202. */
async function startFetching(desk: ImportDesk, request: InteractionRequest, parameters: JsonObject): Promise<Job> {
  if (!prefers(request, 'respond-async'))
    throw fault('malformed', 'required', 'Files are fetched asynchronously only: send Prefer: respond-async.', 'http.prefer');
  const { inputSource, kind, urls } = readUrlImport(parameters);
  const query = new URLSearchParams(request.query);
  if (query.has('file')) throw fault('malformed', 'not-supported', 'Files that are fetched are named by their URLs.', 'file');
  if (!query.has('source')) query.set('source', sourceNameOf(inputSource));
  if (!query.has('base') && /^https?:\/\//.test(inputSource)) query.set('base', inputSource);
  return desk.fetch(wishesOf(request, query), kind, urls);
}

export const importStatus: Interaction = async (context, request) => {
  const desk = deskOf(context);
  onlyParameters(request.query, [], 'The state of an import');
  const job = await desk.job(request.path['job'] ?? '');
  if (job.state === 'cancelled') throw fault('not-found', 'deleted', 'This import was cancelled.');
  if (job.state === 'failed') {
    throw new FhirError('unprocessable', fault('unprocessable', 'processing', job.failure ?? 'The import failed.').issues);
  }
  const url = urlOf(request, job);
  if (job.state === 'done' || job.state === 'undone') {
    const expires = new Date(Date.parse(job.finishedAt ?? job.createdAt) + context.config.import.keepDays * 86_400_000);
    const manifest = stringifyJson(await manifestOf(desk.parts, job, url), request.query.get('_pretty') === 'true');
    // The manifest is no resource.
    const stream = { type: 'application/json', bytes: Readable.from([Buffer.from(manifest)]) };
    return { status: 200, headers: { Expires: expires.toUTCString() }, stream };
  }
  const { counts, lines } = await desk.parts.store.progress(job.id);
  const settled = totalOf(counts, settledStatuses);
  const words = {
    receiving: `Receiving: ${lines} lines so far`,
    fetching: `Fetching: ${lines} lines so far`,
    undoing: 'Undoing',
    running: `${settled} of ${lines} lines, ${totalOf(counts, ['failed'])} not taken`,
  };
  return { status: 202, headers: { 'X-Progress': words[job.state], 'Retry-After': seconds } };
};

/** One that is under way is cancelled; the reports of one that is over are thrown away. */
export const cancelImport: Interaction = async (context, request) => {
  const desk = deskOf(context);
  onlyParameters(request.query, [], 'Cancelling an import');
  const job = await desk.job(request.path['job'] ?? '');
  if (job.state === 'cancelled') throw fault('not-found', 'deleted', 'This import was cancelled.');
  await desk.cancel(job);
  return { status: 202, headers: {} };
};

export const listImports: Interaction = async (context, request) => {
  const desk = deskOf(context);
  onlyParameters(request.query, [], 'The list of imports');
  const jobs = await desk.list();
  const parameter = jobs.map((job) => ({
    name: 'import',
    part: [
      { name: 'url', valueUrl: urlOf(request, job) },
      { name: 'source', valueString: job.source },
      { name: 'state', valueCode: job.state },
      { name: 'dryRun', valueBoolean: job.options.dryRun },
      { name: 'started', valueInstant: job.createdAt },
      ...(job.finishedAt === null ? [] : [{ name: 'finished', valueInstant: job.finishedAt }]),
    ],
  }));
  return { status: 200, headers: {}, body: { resourceType: 'Parameters', ...(parameter.length > 0 ? { parameter } : {}) } };
};

const reports: readonly ReportKind[] = ['outcome', 'lines', 'failed'];

export const importReport: Interaction = async (context, request) => {
  const desk = deskOf(context);
  onlyParameters(request.query, ['type'], 'A report of an import');
  const job = await desk.job(request.path['job'] ?? '');
  const kind = reports.find((known) => known === request.path['report']);
  if (!kind) throw fault('not-found', 'not-found', `An import has the reports ${reports.join(', ')}.`);
  const bytes = reportLines(desk.parts, job, kind, request.query.get('type') ?? undefined);
  return { status: 200, headers: {}, stream: { type: 'application/fhir+ndjson', bytes } };
};

export const undoImport: Interaction = async (context, request) => {
  const desk = deskOf(context);
  const job = await desk.job(request.path['job'] ?? '');
  await desk.undo(job);
  return accepted(request, job);
};

export const retryImport: Interaction = async (context, request) => {
  const desk = deskOf(context);
  const job = await desk.job(request.path['job'] ?? '');
  await desk.retry(job);
  return accepted(request, job);
};

function deskOf({ imports }: InteractionContext): ImportDesk {
  if (!imports) throw fault('not-implemented', 'not-supported', 'This gateway takes no imports.');
  return imports;
}

function accepted(request: InteractionRequest, job: Job): InteractionResponse {
  const applied = ['respond-async', 'dry-run'].filter((preference) => prefers(request, preference));
  return {
    status: 202,
    headers: {
      'Content-Location': urlOf(request, job),
      ...(applied.length > 0 ? { 'Preference-Applied': applied.join(', ') } : {}),
    },
  };
}

/** Preferences that are a word alone (RFC 7240, section 2). */
function prefers({ headers }: InteractionRequest, word: string): boolean {
  const said = (header(headers, 'prefer') ?? '').toLowerCase().split(/[,;]/);
  return said.some((preference) => preference.trim() === word);
}

function urlOf({ baseUrl }: InteractionRequest, job: Job): string {
  return `${baseUrl}/$import/${job.name}`;
}

function wishesOf(request: InteractionRequest, query: URLSearchParams) {
  const source = query.get('source');
  if (source === null) throw fault('malformed', 'required', 'Say whose data it is: source=NAME.', 'source');
  const merge = patientMerges.find((word) => word === query.get('merge'));
  if (query.has('merge') && !merge) throw fault('malformed', 'value', `merge is one of ${patientMerges.join(', ')}.`, 'merge');
  const isPreferred = prefers(request, 'dry-run');
  const dryRun = query.get('dryRun') ?? String(isPreferred);
  if (dryRun !== 'true' && dryRun !== 'false') throw fault('malformed', 'value', 'dryRun is true or false.', 'dryRun');
  if (isPreferred && dryRun === 'false')
    throw fault('malformed', 'value', 'dryRun is false, but Prefer asks for a dry run; say which.', 'dryRun');
  const base = query.get('base')?.replace(/\/+$/, '');
  if (base !== undefined && !/^https?:\/\/\S+$/.test(base))
    throw fault('malformed', 'value', 'base is an http or https URL.', 'base');
  return { source, dryRun: dryRun === 'true', ...(merge ? { merge } : {}), ...(base === undefined ? {} : { base }) };
}

/** The beginning of a JSON body, looked at: a small one may be Parameters. The stream is the whole body all the same. */
async function lookAt(
  stream: AsyncIterable<Buffer>,
): Promise<{ readonly parameters: JsonObject | null; readonly stream: AsyncIterable<Buffer> }> {
  const rest = stream[Symbol.asyncIterator]();
  const pieces: Buffer[] = [];
  let size = 0;
  let ended = false;
  while (size <= parametersBytesMax && !ended) {
    const next = await rest.next();
    ended = next.done === true;
    if (next.done) break;
    pieces.push(next.value);
    size += next.value.length;
  }
  const head = Buffer.concat(pieces);
  if (ended) return { parameters: parametersOf(head), stream: Readable.from([head]) };
  if (/^\s*\{\s*"resourceType"\s*:\s*"Parameters"/.test(head.toString('latin1', 0, 200)))
    throw fault('too-large', 'too-long', `Parameters have ${parametersBytesMax} bytes at most; make several imports of them.`);
  const whole = async function* () {
    try {
      yield head;
      for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
    } finally {
      await rest.return?.();
    }
  };
  return { parameters: null, stream: whole() };
}

async function* within(stream: AsyncIterable<Buffer>, bytesMax: number): AsyncGenerator<Buffer> {
  let size = 0;
  for await (const piece of stream) {
    size += piece.length;
    if (size > bytesMax)
      throw fault('too-large', 'too-long', `The file has over ${bytesMax} bytes, the most that an import may have.`);
    yield piece;
  }
}

const notGzip = () => fault('malformed', 'structure', 'The file begins like gzip, but is no whole gzip file.');

function parametersOf(bytes: Buffer): JsonObject | null {
  try {
    const json = parseJson(bytes);
    return isObject(json) && json['resourceType'] === 'Parameters' ? json : null;
  } catch {
    return null; // the splitter says what is wrong with it
  }
}
