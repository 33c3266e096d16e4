/** The new resources of a transaction: their rows in waves, what others refer to first; then overlays, which need the final ids; then the books. */
import type { Writing } from './books.ts';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';
import type { ResourceRecord, WriteResult } from './repository.ts';
import { holdersOf, settleClaimants } from './transaction-bundle-findings.ts';
import { insertGroup } from './transaction-bundle-group.ts';
import { keepBooks } from './transaction-bundle-keep-books.ts';
import type { BundlePlan } from './transaction-bundle-plan.ts';
import { recordsOf } from './transaction-bundle-records.ts';
import { waves } from './transaction-bundle-waves.ts';
import { insertWithdrawn, isRowless, named } from './transaction-bundle-withdrawn.ts';
import type { Born, Work } from './transaction-bundle-work.ts';

/** Writes all drafts; what they became by the index of their entry. @throws EntriesRefused when a table refuses a row */
export async function insertDrafts(
  parts: DatabaseParts,
  session: Session,
  plan: BundlePlan,
  writing: Writing,
): Promise<ReadonlyMap<number, WriteResult>> {
  const holders = holdersOf(plan.drafts);
  const work: Work = {
    parts,
    session,
    plan,
    writing,
    keys: new Map(),
    born: new Map(),
    begun: [],
    madeParents: new Set(),
    holders,
    claimants: new Map(),
  };
  const [withdrawn, drafts] = [plan.drafts.filter(isRowless), plan.drafts.filter((draft) => !isRowless(draft))];
  const identities = withdrawn.map((draft) => named(work, draft));
  for (const wave of waves(drafts, holders))
    for (const [variant, drafts] of Map.groupBy(wave, (draft) => draft.variant)) await insertGroup(work, variant, drafts);
  const born = [...work.born.values()];
  if (born.length === 0) return insertWithdrawn(work, withdrawn, identities);
  const records = await recordsOf(work, born);
  await keepBooks(work, born, records);
  for (const begun of work.begun) await begun.finish(session, writing);
  await settleClaimants(parts, session, work.claimants.values());
  return new Map([
    ...records.map(({ record, rid }, at) => resultOf(born[at] as Born, { ...record, rid })),
    ...(await insertWithdrawn(work, withdrawn, identities)),
  ]);
}

function resultOf({ draft }: Born, record: ResourceRecord): readonly [number, WriteResult] {
  return [draft.entry.index, { outcome: 'created', record, issues: draft.plan.issues }];
}
