/** Does the work of one chunk: what is new goes in set-wise in one transaction with its ledger, the rest resource by resource. */

import { newTransactionMark } from '../db/books.ts';
import { bulkCreate, ClaimedMeanwhile } from '../db/bulk-create.ts';
import { insertMany } from '../db/bulk-insert.ts';
import { inList } from '../db/bulk-parents.ts';
import { isConnectionLost, isDuplicate, isRetryable } from '../db/errors.ts';
import type { Bound, Session } from '../db/pool.ts';
import type { WriteResult } from '../db/repository.ts';
import { sameJson } from '../fhir/json.ts';
import { FhirError } from '../fhir/outcome.ts';
import { contentOf, renderContent } from '../mapping/render.ts';
import { predictedSource } from './ask.ts';
import type { Chunk, Job, LineIssue, LineOutcome } from './job.ts';
import { Overtaken } from './job-store.ts';
import { findHere } from './look-up.ts';
import { mergePatient } from './merge-patient.ts';
import type { ImportParts } from './parts.ts';
import { prepareChunk } from './prepare.ts';
import { lineNoOf, type NewAlias, type NewResource, type Prepared, type SingleWrite, toLineIssue } from './prepared.ts';
import { originOf } from './source.ts';

/** Another writer may make the same resource at the same moment; then it is looked at again. */
const racesMax = 5;

/** Longest time that a chunk's transaction is tried again. */
const patienceMs = 60_000;

export interface ChunkSettings {
  /** False after something went wrong with the chunk as a whole: then each line is on its own. */
  readonly setWise: boolean;
  /** Called now and then during long work: keeps the chunk. */
  readonly alive: () => Promise<void>;
  /** Told of what must not happen; the line it happened to fails alone. */
  readonly onBug?: (failure: unknown) => void;
}

/** @throws Overtaken when another worker has the chunk; FhirError `unavailable` when the database is away. */
export async function workChunk(given: ImportParts, job: Job, taken: Chunk, settings: ChunkSettings): Promise<void> {
  let chunk = taken;
  for (let race = 0; ; ) {
    const prepared = await prepareChunk(given, job, chunk, settings.setWise);
    await settings.alive();
    try {
      const ledger = job.options.dryRun
        ? await predict(given, job, prepared)
        : await write(given, job, chunk, prepared, settings);
      await settleOpen(given, job, ledger);
      const again = ledger.some(({ s }) => s === 'pending') && prepared.created.length + prepared.singles.length > 0;
      const final = again
        ? ledger
        : ledger.map((outcome) => (outcome.s === 'pending' ? { ...outcome, s: 'waiting' as const } : outcome));
      await given.store.transaction((on) => given.store.save(on, chunk, final, !again));
      if (!again) return;
      chunk = { ...chunk, ledger: final };
    } catch (thrown) {
      race += 1;
      if (!(isDuplicate(thrown) || thrown instanceof ClaimedMeanwhile) || race > racesMax) throw thrown;
    }
  }
}

async function write(
  given: ImportParts,
  job: Job,
  chunk: Chunk,
  prepared: Prepared,
  settings: ChunkSettings,
): Promise<LineOutcome[]> {
  const ledger = await writeNew(given, job, chunk, prepared);
  let sinceAlive = 0;
  for (const single of prepared.singles) {
    ledger[single.parsed.index] = await writeSingle(given, job, chunk, single, settings);
    sinceAlive += 1;
    if (sinceAlive % 50 === 0) await settings.alive();
  }
  return ledger;
}

/** New resources, who they are, and the ledger that says so: all of it or nothing. */
async function writeNew(
  given: ImportParts,
  job: Job,
  chunk: Chunk,
  { ledger: before, created, aliases, stale }: Prepared,
): Promise<LineOutcome[]> {
  if (created.length + aliases.length === 0) return [...before];
  const { store, parts } = given;
  return store.transaction(async (on) => {
    await store.hold(on, chunk);
    const ledger = [...before];
    const writing = { lastUpdated: parts.clock.now(), origin: originOf(job.source, job.id), tx: newTransactionMark() };
    if (created.length > 0) {
      const made = await bulkCreate(
        parts,
        on,
        created.map(({ item }) => item),
        writing,
      );
      await insertMany(
        on,
        'fhir_import_line',
        ['rid', 'digest', 'job_id', 'line_no'],
        created.map(({ parsed }, index): Bound[] => [made[index]?.rid ?? 0, parsed.digest, job.id, lineNoOf(chunk, parsed)]),
      );
      await claimIdentifiers(on, created, made, stale);
      created.forEach((one, index) => {
        ledger[one.parsed.index] = {
          s: 'created',
          ...described(one),
          id: one.item.id,
          v: 1,
          table: one.item.variant.variant.source.table,
          key: made[index]?.key ?? 0,
        };
      });
    }
    await keepAliases(on, job.source, job.id, aliases);
    await store.save(on, chunk, ledger, false);
    return ledger;
  });
}

async function claimIdentifiers(
  on: Session,
  created: readonly NewResource[],
  made: readonly { readonly rid: number }[],
  stale: ReadonlySet<string>,
): Promise<void> {
  const claims = created.flatMap(({ identifiers }, index) =>
    identifiers.map((digest): [string, number] => [digest, made[index]?.rid ?? 0]),
  );
  if (claims.length === 0) return;
  const old = claims.map(([digest]) => digest).filter((digest) => stale.has(digest));
  if (old.length > 0) await on.once('DELETE FROM fhir_import_identifier WHERE digest IN (?)', inList(old));
  await insertMany(
    on,
    'fhir_import_identifier',
    ['digest', 'rid'],
    claims.toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}

async function keepAliases(on: Session, source: string, jobId: number, aliases: readonly NewAlias[]): Promise<void> {
  const rows = aliases.map(({ id, type, localType, localId }): Bound[] => [source, id, type, localType, localId, null, jobId, 0]);
  for (let start = 0; start < rows.length; start += 1000) {
    await on.once(
      'INSERT IGNORE INTO fhir_import_alias (source, id, type, local_type, local_id, digest, job_id, line_no) VALUES ?',
      [rows.slice(start, start + 1000)] as unknown as Bound[],
    );
  }
}

/** One resource by the repository, whose update creates what is not there: doing it twice is doing it once. */
async function writeSingle(
  given: ImportParts,
  job: Job,
  chunk: Chunk,
  single: SingleWrite,
  { onBug }: ChunkSettings,
): Promise<LineOutcome> {
  const { parsed, known, issues } = single;
  const { repository, store } = given;
  const { type } = parsed;
  const id = known?.id ?? single.id;
  try {
    await store.check(chunk); // nothing is written for a chunk that another worker has
    const merged = single.merge ? await merge(given, job, type, id, parsed.resource) : null;
    const resource = merged ? merged.merged : parsed.resource;
    const options = { origin: originOf(job.source, job.id), deadline: Date.now() + patienceMs };
    const result = resource === null ? null : await repository.update(type, id, { ...resource, id }, options);
    const record = result?.record ?? (await repository.read(type, id));
    if (!record) throw new Error(`${type}/${id} has vanished`);
    await remember(given, job, chunk, single, record.rid, id);
    const { source } = record.variant.variant;
    const key = record.stored?.row[source.key];
    return {
      s: merged ? 'merged' : statusOf(result, job),
      ...described(single, [...issues, ...(merged?.issues ?? []), ...(result?.issues.map(toLineIssue) ?? [])]),
      id,
      v: record.version,
      table: source.table,
      ...(typeof key === 'number' ? { key } : {}),
    };
  } catch (thrown) {
    if (thrown instanceof Overtaken || isRetryable(thrown) || isConnectionLost(thrown)) throw thrown;
    if (!(thrown instanceof FhirError)) {
      onBug?.(thrown);
      const text = 'The gateway failed on this line; this is a fault of its own';
      return { s: 'failed', t: type, i: [...issues, { severity: 'error', code: 'exception', text }] };
    }
    if (thrown.kind === 'unavailable') throw thrown;
    return { s: 'failed', t: type, i: [...issues, ...thrown.issues.map(toLineIssue)] };
  }
}

/** A worker that died after the write finds it unchanged: it was this job's all the same. */
function statusOf(result: WriteResult | null, job: Job): LineOutcome['s'] {
  if (!result) return 'unchanged';
  if (result.outcome === 'created') return 'created';
  if (result.outcome === 'updated') return 'updated';
  if (result.record.origin !== originOf(job.source, job.id)) return 'unchanged';
  return result.record.version === 1 ? 'created' : 'updated';
}

async function merge({ repository }: ImportParts, job: Job, type: string, id: string, line: SingleWrite['parsed']['resource']) {
  const current = await repository.read(type, id);
  if (!current?.stored) throw new Error(`${type}/${id} has vanished`);
  return mergePatient(repository.render(current), line, job.options.merge);
}

/** Keeps what the source said last, and where its own id for it leads. */
async function remember(
  { store }: ImportParts,
  job: Job,
  chunk: Chunk,
  { parsed, known, aliased, identifiers }: SingleWrite,
  rid: number,
  id: string,
) {
  await store.transaction(async (on) => {
    await store.hold(on, chunk);
    const place = lineNoOf(chunk, parsed);
    if (aliased || known?.alias) {
      await on.modify(
        'INSERT INTO fhir_import_alias (source, id, type, local_type, local_id, digest, job_id, line_no) VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE local_id = VALUES(local_id), digest = VALUES(digest), job_id = VALUES(job_id), line_no = VALUES(line_no)',
        [job.source, parsed.id, parsed.type, parsed.type, id, parsed.digest, job.id, place],
      );
    } else {
      await on.modify(
        'INSERT INTO fhir_import_line (rid, digest, job_id, line_no) VALUES (?, ?, ?, ?) ON DUPLICATE KEY UPDATE digest = VALUES(digest), job_id = VALUES(job_id), line_no = VALUES(line_no)',
        [rid, parsed.digest, job.id, place],
      );
    }
    for (const digest of identifiers) {
      await on.modify('INSERT IGNORE INTO fhir_import_identifier (digest, rid) VALUES (?, ?)', [digest, rid]);
    }
  });
}

/** A dry run: what would be written, and what later chunks may then refer to. */
async function predict(
  given: ImportParts,
  job: Job,
  { ledger: before, created, singles, aliases }: Prepared,
): Promise<LineOutcome[]> {
  const { store, repository, parts, registry } = given;
  const ledger = [...before];
  for (const one of created)
    ledger[one.parsed.index] = { s: 'created', ...described(one), id: one.item.id, table: one.item.variant.variant.source.table };
  for (const one of singles) {
    const { type, resource } = one.parsed;
    const id = one.known?.id ?? one.id;
    const record = await repository.read(type, id);
    const base = { ...described(one), id, table: (record?.variant ?? registry.variantFor(type, resource)).variant.source.table };
    if (!record?.stored) {
      ledger[one.parsed.index] = { s: 'created', ...base };
      continue;
    }
    const env = parts.env();
    const merged = one.merge ? mergePatient(repository.render(record), resource, job.options.merge) : null;
    const now = renderContent(record.variant, record.stored, record.overlay, record.refined, env);
    const same = merged
      ? merged.merged === null
      : sameJson(contentOf(record.variant, resource, env), contentOf(record.variant, { ...now }, env));
    ledger[one.parsed.index] = {
      s: merged ? 'merged' : same ? 'unchanged' : 'updated',
      ...base,
      ...described(one, [...one.issues, ...(merged?.issues ?? [])]),
      v: record.version + (same ? 0 : 1),
    };
  }
  const predicted: NewAlias[] = [...created, ...singles].flatMap(({ parsed }) => {
    const { id } = ledger[parsed.index] ?? {};
    if (id === undefined) return [];
    return [parsed.type, 'urn'].map((type) => ({ id: parsed.id, type, localType: parsed.type, localId: id }));
  });
  await store.transaction((on) => keepAliases(on, predictedSource(job), job.id, [...aliases, ...predicted]));
  return ledger;
}

/** References to what may still come: those that have come are no matter any more; in the last pass the others are told. */
async function settleOpen({ store }: ImportParts, job: Job, ledger: LineOutcome[]): Promise<void> {
  const addresses = ledger.flatMap(({ open }) => open ?? []).map(([type, id]) => ({ type, id }));
  if (addresses.length === 0) return;
  const here = await findHere(store.session, addresses);
  ledger.forEach((outcome, index) => {
    if (!outcome.open) return;
    const { open, ...rest } = outcome;
    const left = open.filter(([type, id]) => here.get(`${type}/${id}`)?.state !== 0);
    if (left.length === 0) ledger[index] = rest;
    else if (!job.lastPass) ledger[index] = { ...rest, open: left };
    else {
      const warnings = left.map(([type, id]): LineIssue => {
        const text = `It refers to ${type}/${id}, which has not come; the reference holds as soon as it comes`;
        return { severity: 'warning', code: 'not-found', text };
      });
      ledger[index] = { ...rest, i: [...(rest.i ?? []), ...warnings] };
    }
  });
}

function described(
  { parsed, issues, open }: NewResource | SingleWrite,
  all: readonly LineIssue[] = issues,
): Pick<LineOutcome, 't' | 'i' | 'open'> {
  return { t: parsed.type, ...(all.length > 0 ? { i: all } : {}), ...(open && open.length > 0 ? { open } : {}) };
}
