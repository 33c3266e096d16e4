/** Takes a job back: what nobody has touched since is as before, what somebody has is left alone and told. Versions show it. */
import { randomUUID } from 'node:crypto';
import { FhirError } from '../fhir/outcome.ts';
import type { JsonObject } from '../mapping/lift.ts';
import type { Job, LineOutcome, TurnResult, UndoConflict } from './job.ts';
import type { ImportParts } from './parts.ts';
import { originOf } from './source.ts';

const writes: ReadonlySet<LineOutcome['s']> = new Set(['created', 'updated', 'merged']);

const undoOrigin = (job: Job) => `import:${job.source}:${job.id}:undo`;

/** Does the whole of it; doing it again after an interruption goes on where it was, as what is undone is no longer the job's version. */
export async function runUndo(given: ImportParts, job: Job, leaseMs: number): Promise<TurnResult> {
  const { store } = given;
  const holder = randomUUID();
  if (!(await store.holdJob(job.id, holder, leaseMs))) return { kind: 'busy' };
  const conflicts: UndoConflict[] = [];
  let undone = 0;
  // Patients last: what stands on them goes first.
  for (const patients of [false, true]) {
    for (const no of (await store.chunkNumbers(job.id)).toReversed()) {
      const chunk = await store.readChunk(job.id, no);
      if (!(await store.holdJob(job.id, holder, leaseMs))) return { kind: 'busy' };
      for (const [index, outcome] of [...(chunk.ledger ?? []).entries()].toReversed()) {
        if (
          !writes.has(outcome.s) ||
          (outcome.t === 'Patient') !== patients ||
          outcome.t === undefined ||
          outcome.id === undefined
        )
          continue;
        const text = await undoOne(given, job, outcome.t, outcome.id, outcome);
        if (text === null) undone += 1;
        else
          conflicts.push({ file: chunk.fileName, line: chunk.lines[index]?.number ?? 0, type: outcome.t, id: outcome.id, text });
      }
    }
  }
  await store.endUndo(job.id, { undone, conflicts });
  return { kind: 'ended' };
}

/** Null: as before. Else why not. */
async function undoOne(given: ImportParts, job: Job, type: string, id: string, outcome: LineOutcome): Promise<string | null> {
  const { repository, store } = given;
  const options = { origin: undoOrigin(job), deadline: Date.now() + 60_000 };
  const current = await repository.read(type, id);
  if (!current || current.origin === undoOrigin(job)) return null;
  if (current.origin !== originOf(job.source, job.id) || (outcome.v !== undefined && current.version !== outcome.v))
    return `${type}/${id} was changed since by ${current.origin}; it is left as it is`;
  try {
    const ifMatch = current.version;
    const before = await lastVersionBefore(given, job, type, id, current.version);
    if (before === null) await repository.delete(type, id, { ...options, ifMatch, cascade: false });
    else await repository.update(type, id, { ...before, id }, { ...options, ifMatch });
    await store.forgetLine(current.rid, job.source, type, id);
    return null;
  } catch (thrown) {
    if (!(thrown instanceof FhirError) || thrown.kind === 'unavailable') throw thrown;
    return thrown.issues.map(({ text }) => text).join(' ');
  }
}

/** The content before the job's first version of this resource; null when the job created it (or brought it back). */
async function lastVersionBefore(
  { repository }: ImportParts,
  job: Job,
  type: string,
  id: string,
  version: number,
): Promise<JsonObject | null> {
  for (let at = version - 1; at > 0; at -= 1) {
    const record = await repository.readVersion(type, id, at);
    if (!record) return null;
    if (record.origin === originOf(job.source, job.id)) continue;
    return record.stored ? repository.render(record) : null;
  }
  return null;
}
