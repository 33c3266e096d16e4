/** Takes a job back: what nobody has touched since is as before, what somebody has is left alone and told. Versions show it. */
import { randomUUID } from 'node:crypto';
import { hindranceOf } from '../db/errors.ts';
import { FhirError } from '../fhir/outcome.ts';
import type { Log } from '../log.ts';
import type { Job, TurnResult, UndoConflict } from './job.ts';
import type { ImportParts } from './parts.ts';
import { undoOrigin, whatItWas } from './undo-past.ts';
import { placesOf } from './undo-places.ts';

/** More are in the reports of the lines, where all of them are. */
const conflictsMax = 50;

interface UndoSettings {
  readonly leaseMs: number;
  readonly log: Log;
}

/** Does the whole of it; doing it again after an interruption finds what is left to do in the versions. */
export async function runUndo(given: ImportParts, job: Job, { leaseMs, log }: UndoSettings): Promise<TurnResult> {
  const { store } = given;
  // A worker may still be at a chunk when the job is cancelled: what it writes belongs to what is taken back.
  if (await store.isHeld(job.id)) return { kind: 'busy' };
  const holder = randomUUID();
  let heldAt = 0;
  const hold = async () => {
    if (Date.now() - heldAt < leaseMs / 4) return true;
    heldAt = Date.now();
    return store.holdJob(job.id, holder, leaseMs);
  };
  if (!(await hold())) return { kind: 'busy' };
  await store.fence(job.id);
  const conflicts: UndoConflict[] = [];
  let undone = 0;
  let more = 0;
  // Patients last: what stands on them goes first.
  for (const patients of [false, true]) {
    for (const no of (await store.chunkNumbers(job.id)).toReversed()) {
      const chunk = await store.readChunk(job.id, no);
      const told = new Map<number, string>();
      for (const { index, type, id } of await placesOf(given, job, chunk, patients)) {
        if (!(await hold())) return { kind: 'busy' };
        const result = await undoOne(given, job, type, id, log);
        if (result === 'undone') undone += 1;
        if (typeof result === 'string') continue;
        told.set(index, result.conflict);
        const conflict = { file: chunk.fileName, line: chunk.lines[index]?.number ?? 0, type, id, text: result.conflict };
        if (conflicts.length < conflictsMax) conflicts.push(conflict);
        else more += 1;
      }
      if (told.size > 0) await store.tellConflicts(chunk, told);
    }
  }
  await store.endUndo(job.id, { undone, conflicts, ...(more > 0 ? { furtherConflicts: more } : {}) });
  return { kind: 'ended' };
}

/** `nothing`: the job has written no version of it. */
async function undoOne(
  given: ImportParts,
  job: Job,
  type: string,
  id: string,
  log: Log,
): Promise<'undone' | 'nothing' | { readonly conflict: string }> {
  const { repository, store } = given;
  const options = { origin: undoOrigin(job), deadline: Date.now() + 60_000 };
  try {
    const current = await repository.read(type, id);
    const past = current && (await whatItWas(given, job, type, id, current));
    if (!past) return 'nothing';
    if ('changedBy' in past) return { conflict: `${type}/${id} was changed since by ${past.changedBy}; it is left as it is` };
    const ifMatch = current.version;
    if (past.content) await repository.update(type, id, { ...past.content, id }, { ...options, ifMatch });
    else if (current.state !== 'deleted') await repository.delete(type, id, { ...options, ifMatch, cascade: false });
    await store.forgetLine(current.rid, job.source, type, id);
    return 'undone';
  } catch (thrown) {
    if (hindranceOf(thrown)) throw thrown;
    if (thrown instanceof FhirError) return { conflict: thrown.issues.map(({ text }) => text).join(' ') };
    log.error('import-undo', { job: job.id, ...(thrown instanceof Error ? { error: thrown } : {}) });
    return { conflict: `The gateway failed to take ${type}/${id} back; this is a fault of its own` };
  }
}
