/** The books of a transaction of many writes, made at its end in a few statements: each resource gets one version, however often it was written. */
import { enterChanges, supersede } from './books.ts';
import type { GatheredBooks, Session } from './pool.ts';

/** Returns the version of each resource that was written more than once: the first that this transaction made of it. */
export async function enterGathered(
  session: Session,
  { superseded, changes }: GatheredBooks = { superseded: [], changes: [] },
): Promise<ReadonlyMap<number, number>> {
  const made = Map.groupBy(changes, ({ rid }) => rid);
  const versionOf = new Map([...made].map(([rid, all]) => [rid, Math.min(...all.map(({ version }) => version))]));
  await supersede(
    session,
    superseded.filter(({ rid, version }) => version < (versionOf.get(rid) ?? Number.POSITIVE_INFINITY)),
  );
  await enterChanges(
    session,
    changes.filter(({ rid, version }) => version === versionOf.get(rid)),
  );
  const several = new Map([...versionOf].filter(([rid]) => (made.get(rid)?.length ?? 0) > 1));
  for (const [rid, version] of several)
    await session.modify('UPDATE fhir_resource SET version = ? WHERE rid = ?', [version, rid]);
  return several;
}
