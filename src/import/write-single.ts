/** Writes one line's resource by the repository: an update, a merge into a known patient, or what cannot go in with others. */
import { hindranceOf } from '../db/errors.ts';
import type { RowsInTransaction, WriteOptions, WriteResult } from '../db/repository.ts';
import { FhirError } from '../fhir/outcome.ts';
import { Overtaken } from './chunk-lease.ts';
import { described } from './described.ts';
import { keepEarlier } from './earlier-lines.ts';
import type { Chunk, Job, LineOutcome } from './job.ts';
import { mergePatient } from './merge-patient.ts';
import type { ImportParts } from './parts.ts';
import { lineNoOf, overtaken, type SingleWrite, toLineIssue } from './prepared.ts';
import { originOf } from './source.ts';

/** Longest time that a chunk's transaction is tried again. */
const patienceMs = 60_000;

/** So often somebody else may write a patient while a line is merged into it. */
const racesMax = 10;

/** One resource by the repository, whose update creates what is not there: doing it twice is doing it once. */
export async function writeSingle(
  given: ImportParts,
  job: Job,
  chunk: Chunk,
  single: SingleWrite,
  { onBug }: { readonly onBug?: (failure: unknown) => void },
): Promise<LineOutcome> {
  const { parsed, known, issues } = single;
  const { repository, store } = given;
  const { type } = parsed;
  const id = known?.id ?? single.id;
  try {
    const options = {
      origin: originOf(job.source, job.id),
      deadline: Date.now() + patienceMs,
      // A worker that stood still may have lost the chunk, and the resource may have been written anew since.
      fence: async (on: RowsInTransaction) => {
        await store.hold(on, chunk);
        if (known) await remember(on, job, chunk, single, known.rid, id);
      },
    };
    const { merged, result } = await update(given, job, single, id, options);
    const record = result?.record ?? (await repository.read(type, id));
    if (!record) throw new Error(`${type}/${id} has vanished`);
    if (!known || !result) {
      await store.transaction(async (on) => {
        await store.hold(on, chunk);
        await remember(on, job, chunk, single, record.rid, id);
      });
    }
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
    if (thrown instanceof LaterLine) return overtaken(type, id, 'a later line');
    if (thrown instanceof Overtaken || hindranceOf(thrown)) throw thrown;
    if (!(thrown instanceof FhirError)) {
      onBug?.(thrown);
      const text = 'The gateway failed on this line; this is a fault of its own';
      return { s: 'failed', t: type, i: [...issues, { severity: 'error', code: 'exception', text }] };
    }
    return { s: 'failed', t: type, i: [...issues, ...thrown.issues.map(toLineIssue)] };
  }
}

class LaterLine extends Error {}

/** What the source said last of a resource, and where; `rid` null: of one that it has under an alias. */
async function lastLine(on: RowsInTransaction, job: Job, { id, type }: SingleWrite['parsed'], rid: number | null) {
  const columns = 'SELECT job_id, line_no, digest FROM';
  const [row] =
    rid === null
      ? await on.rows(`${columns} fhir_import_alias WHERE source = ? AND id = ? AND type = ? FOR UPDATE`, [job.source, id, type])
      : await on.rows(`${columns} fhir_import_line WHERE rid = ? FOR UPDATE`, [rid]);
  return row && { jobId: Number(row[0]), lineNo: Number(row[1]), digest: String(row[2] ?? '') };
}

/** A worker that died after the write finds it unchanged: it was this job's all the same. */
function statusOf(result: WriteResult | null, job: Job): LineOutcome['s'] {
  if (!result) return 'unchanged';
  if (result.outcome === 'created') return 'created';
  if (result.outcome === 'updated') return 'updated';
  if (result.record.origin !== originOf(job.source, job.id)) return 'unchanged';
  return result.record.version === 1 ? 'created' : 'updated';
}

/** A merge stands on the version that it was made of: whoever writes in between is merged with anew. */
async function update({ repository }: ImportParts, job: Job, { parsed, merge }: SingleWrite, id: string, options: WriteOptions) {
  const { type, resource } = parsed;
  if (!merge) return { merged: null, result: await repository.update(type, id, { ...resource, id }, options) };
  for (let race = 0; ; race += 1) {
    const current = await repository.read(type, id);
    if (!current?.stored) throw new Error(`${type}/${id} has vanished`);
    const merged = mergePatient(repository.render(current), resource, job.options.merge);
    if (merged.merged === null) return { merged, result: null };
    try {
      const ifMatch = current.version;
      return { merged, result: await repository.update(type, id, { ...merged.merged, id }, { ...options, ifMatch }) };
    } catch (thrown) {
      if (!(thrown instanceof FhirError && thrown.kind === 'precondition-failed') || race === racesMax) throw thrown;
    }
  }
}

/**
 * Keeps what the source said last, and where its own id for it leads. Lines about one resource may be in work at once, in several chunks: the last
 * of them counts, whichever is written first. @throws LaterLine
 */
async function remember(
  on: RowsInTransaction,
  job: Job,
  chunk: Chunk,
  { parsed, known, aliased, identifiers }: SingleWrite,
  rid: number,
  id: string,
): Promise<void> {
  const place = lineNoOf(chunk, parsed);
  const isAlias = aliased || known?.alias === true;
  const last = await lastLine(on, job, parsed, isAlias ? null : rid);
  if (last?.jobId === job.id) {
    if (last.lineNo > place) throw new LaterLine();
    if (last.digest !== parsed.digest) await keepEarlier(on, [[rid, last.digest]]);
  }
  if (isAlias) {
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
  for (const digest of identifiers)
    await on.modify('INSERT IGNORE INTO fhir_import_identifier (digest, rid) VALUES (?, ?)', [digest, rid]);
}
