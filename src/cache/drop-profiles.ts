/** Drops MediMax's own cached patient profiles (`patient_profile:<patient_id>`) after changes, whoever made them. */
import type { FeedEntry } from '../db/change-feed.ts';

export interface ChangeSource {
  /** The last number given so far. */
  last(): Promise<number>;
  after(seq: number): Promise<readonly FeedEntry[]>;
}

/** Follows the feed from now on; profiles that were stale before it began are MediMax's own affair (they live an hour). */
export function dropProfiles(
  changes: ChangeSource,
  remove: (key: string) => Promise<void>,
  settings: { readonly everyMs: number; readonly onFailure: (failure: unknown) => void },
): { readonly stop: () => Promise<void> } {
  let timer: NodeJS.Timeout | undefined;
  let isStopped = false;
  let seen: number | undefined;
  const look = async () => {
    seen ??= await changes.last();
    for (;;) {
      const entries = await changes.after(seen);
      const patients = new Set(entries.flatMap(({ patientKey }) => (patientKey === null ? [] : [patientKey])));
      for (const patient of patients) await remove(`patient_profile:${patient}`);
      const last = entries.at(-1);
      if (!last || isStopped) return;
      seen = last.seq;
    }
  };
  const round = (): Promise<void> =>
    look()
      .catch(settings.onFailure)
      .then(() => {
        if (!isStopped) timer = setTimeout(() => (running = round()), settings.everyMs);
      });
  let running = round();
  return {
    stop: async () => {
      isStopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}
