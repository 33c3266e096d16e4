/** What a resource was before a job, read from its versions. */
import type { ResourceRecord } from '../db/repository.ts';
import type { JsonObject } from '../mapping/lift.ts';
import type { Job } from './job.ts';
import type { ImportParts } from './parts.ts';
import { originOf } from './source.ts';

const undoSuffix = ':undo';

export const undoOrigin = (job: Job): string => `${originOf(job.source, job.id)}${undoSuffix}`;

/** Longest walk through the versions that others have made since. */
const versionsMax = 1000;

export type Past =
  /** Null: it was not there. */
  { readonly content: JsonObject | null } | { readonly changedBy: string };

/**
 * The content before the job's own versions; or who has changed it since. Null: the job has made no version of it.
 * Versions of imports that were taken back do not count, nor do those that the job's own undo has made of it so far: a symptom or a result
 * that is taken back changes the appointment or report it belongs to.
 */
export async function whatItWas(
  { repository }: ImportParts,
  job: Job,
  type: string,
  id: string,
  current: ResourceRecord,
): Promise<Past | null> {
  const own = originOf(job.source, job.id);
  const takenBack = new Set<string>();
  let found = false;
  let changedBy: string | null = null;
  for (let at = current.version; at > Math.max(0, current.version - versionsMax); at -= 1) {
    const record = at === current.version ? current : await repository.readVersion(type, id, at);
    if (!record) break;
    const { origin } = record;
    if (origin === own) {
      if (changedBy !== null) return { changedBy };
      found = true;
    } else if (origin.endsWith(undoSuffix)) takenBack.add(origin.slice(0, -undoSuffix.length));
    else if (!takenBack.has(origin)) {
      if (found) return { content: record.stored ? repository.render(record) : null };
      changedBy ??= origin;
    }
  }
  return found ? { content: null } : null;
}
