/** What became of a job: the manifest, and an OperationOutcome for each line that needs one. https://hl7.org/fhir/uv/bulkdata/ */
import { stringifyJson } from '../fhir/json.ts';
import type { JsonObject } from '../mapping/lift.ts';
import {
  type Chunk,
  type Counts,
  isTold,
  type Job,
  type Line,
  type LineIssue,
  type LineOutcome,
  type LineStatus,
} from './job.ts';
import type { ImportParts } from './parts.ts';

export function totalOf(counts: Counts, statuses: readonly LineStatus[]): number {
  return Object.values(counts).reduce(
    (sum, byStatus) => sum + statuses.reduce((part, status) => part + (byStatus[status] ?? 0), 0),
    0,
  );
}

export const settledStatuses: readonly LineStatus[] = [
  'created',
  'updated',
  'unchanged',
  'merged',
  'overtaken',
  'no-table',
  'failed',
];

/** The manifest of a job that is over. `url` is the job's own. */
export async function manifestOf({ store }: ImportParts, job: Job, url: string): Promise<JsonObject> {
  const { counts, told, lines } = await store.progress(job.id);
  const undo = await store.undoResult(job.id);
  const files = await store.files(job.id);
  const output = Object.entries(counts)
    .filter(([type]) => type !== '-')
    .map(([type, byStatus]) => ({
      type,
      url: `${url}/lines?type=${type}`,
      count: totalOf({ [type]: byStatus }, settledStatuses),
    }));
  const withoutTable = Object.entries(counts).flatMap(([type, byStatus]) => {
    const count = byStatus['no-table'] ?? 0;
    return count > 0 ? [{ type, count }] : [];
  });
  return {
    transactionTime: job.createdAt,
    request: url,
    requiresAccessToken: false,
    output,
    outcome: [{ type: 'OperationOutcome', url: `${url}/outcome`, count: told }],
    error: [],
    extension: {
      state: job.state,
      source: job.source,
      dryRun: job.options.dryRun,
      lines,
      counts,
      withoutTable,
      files: files.map(({ name, lines: count, bytes }) => ({ name, lines: count, bytes })),
      failedLines: `${url}/failed`,
      everyLine: `${url}/lines`,
      ...(job.options.dryRun ? { wouldWrite: await rowsOf(store, job) } : {}),
      ...(undo ? { undo } : {}),
      ...(job.failure === null ? {} : { failure: job.failure }),
    },
  };
}

/** Rows by table that a dry run would insert or change. */
async function rowsOf(store: ImportParts['store'], job: Job): Promise<JsonObject> {
  const rows: Record<string, Record<string, number>> = {};
  for (const no of await store.chunkNumbers(job.id)) {
    for (const { rows: ofLine = {} } of (await store.readChunk(job.id, no)).ledger ?? []) {
      for (const [table, [inserted, updated]] of Object.entries(ofLine)) {
        rows[table] ??= {};
        const ofTable = rows[table];
        if (inserted > 0) ofTable['insert'] = (ofTable['insert'] ?? 0) + inserted;
        if (updated > 0) ofTable['update'] = (ofTable['update'] ?? 0) + updated;
      }
    }
  }
  return rows;
}

export type ReportKind = 'outcome' | 'lines' | 'failed';

/** A report as NDJSON, chunk by chunk; `failed` gives the failed lines as they were sent. */
export async function* reportLines(
  { store, config }: ImportParts,
  job: Job,
  kind: ReportKind,
  type?: string,
): AsyncGenerator<Buffer> {
  for (const no of await store.chunkNumbers(job.id)) {
    const chunk = await store.readChunk(job.id, no);
    const parts: Buffer[] = [];
    chunk.lines.forEach((line, index) => {
      const outcome = chunk.ledger?.[index] ?? { s: 'pending' };
      if (outcome.s === 'blank' || (type !== undefined && outcome.t !== type)) return;
      if (kind === 'failed') {
        if (outcome.s === 'failed' && line.bytes.length > 0) parts.push(line.bytes, Buffer.from('\n'));
      } else if (kind === 'lines' || isTold(outcome)) {
        const said = lineOutcome(chunk, line, withPlace(outcome, chunk), config.clinic.canonicalBase, config.http.baseUrl);
        parts.push(Buffer.from(`${stringifyJson(said)}\n`));
      }
    });
    if (parts.length > 0) yield Buffer.concat(parts);
  }
}

/** Of several lines of a chunk for one resource, one says where it is. */
function withPlace(outcome: LineOutcome, { ledger }: Chunk): LineOutcome {
  if (outcome.id === undefined || outcome.table !== undefined || outcome.s === 'failed') return outcome;
  const other = ledger?.find(({ t, id, table }) => id === outcome.id && t === outcome.t && table !== undefined);
  const { v, table, key } = other ?? {};
  return {
    ...outcome,
    ...(v === undefined || outcome.v !== undefined ? {} : { v }),
    ...(table === undefined ? {} : { table }),
    ...(key === undefined ? {} : { key }),
  };
}

const words: Readonly<Record<LineStatus, string>> = {
  pending: 'It has not been looked at yet',
  waiting: 'It waits for what it refers to',
  blank: 'Blank',
  created: 'Created',
  updated: 'Updated',
  unchanged: 'Nothing new: it stays as it is',
  merged: 'It is of a patient known already',
  overtaken: 'A later line counts',
  'no-table': 'MediMax has no table for this type; it was not kept',
  failed: 'Not taken',
};

function lineOutcome(chunk: Chunk, line: Line, outcome: LineOutcome, canonicalBase: string, baseUrl: string): JsonObject {
  const { s, t, id, v, table, key, i = [] } = outcome;
  const extension = (name: string, value: JsonObject) => ({
    url: `${canonicalBase}/StructureDefinition/medimax-import-${name}`,
    ...value,
  });
  const first: LineIssue = {
    severity: 'information',
    code: 'informational',
    text: `${words[s]}${t === undefined ? '' : ` (${t})`}`,
  };
  const issues = i.length > 0 ? i.toSorted((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error')) : [first];
  return {
    resourceType: 'OperationOutcome',
    extension: [
      extension('file', { valueString: chunk.fileName }),
      extension('line', { valuePositiveInt: line.number }),
      extension('offset', { valueDecimal: line.offset }),
      extension('status', { valueCode: s }),
      ...(id === undefined || t === undefined || s === 'failed'
        ? []
        : [
            extension('resource', {
              valueUrl: v === undefined ? `${baseUrl}/${t}/${id}` : `${baseUrl}/${t}/${id}/_history/${v}`,
            }),
          ]),
      ...(table === undefined ? [] : [extension('table', { valueString: table })]),
      ...(key === undefined ? [] : [extension('key', { valueInteger: key })]),
    ],
    issue: issues.map(({ severity, code, text, expression }) => ({
      severity,
      code,
      details: { text },
      diagnostics: text,
      ...(expression === undefined ? {} : { expression: [expression] }),
    })),
  };
}
