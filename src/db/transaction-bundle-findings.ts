/** Findings of a transaction and the reports that name them: which of the new ones lie under which, new or here before. */
import type { JsonObject } from '../mapping/lift.ts';
import type { ParentSource, Stored, StoredChild } from '../mapping/types.ts';
import { claimsOn, dropClaims, replaceClaims } from './claims.ts';
import { idsNamed, inOrder, lockHolder, takenChildren, withoutRow } from './findings.ts';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';
import type { ResourceRecord } from './repository.ts';
import { restate } from './restate.ts';
import { lockPatient } from './shared-parent.ts';
import { type Draft, refused } from './transaction-bundle-plan.ts';

/** The new report that names a new finding, by the finding's placeholder; the first in the Bundle where several do. */
export function holdersOf(drafts: readonly Draft[]): ReadonlyMap<number, Draft> {
  const byPlaceholder = new Map(drafts.map((draft) => [draft.placeholderKey, draft]));
  const holders = new Map<number, Draft>();
  for (const draft of drafts) {
    const { child } = draft.variant.variant.source;
    if (!child?.taken) continue;
    for (const columns of draft.plan.children ?? []) {
      const key = columns[child.key];
      if (typeof key !== 'number' || key >= 0 || holders.has(key)) continue;
      if (byPlaceholder.get(key)?.variant.variant.source.table === child.table) holders.set(key, draft);
    }
  }
  return holders;
}

/** @throws EntriesRefused where a finding and the report that names it are of different patients */
export function refuseOtherPatient({ entry }: Draft, finding: unknown, report: unknown): void {
  if (finding === report) return;
  throw refused(entry.index, 'A report of this Bundle names it that is another patient’s', `${entry.resourceType}.subject`);
}

/** A report that was here before and has named findings that come now. */
export interface Claimant {
  readonly record: ResourceRecord;
  readonly come: StoredChild[];
}

/** Claimants of these drafts by place in the list, locked; each once, whoever of the drafts it claims. */
export async function claimantsOf(
  parts: DatabaseParts,
  session: Session,
  parent: ParentSource,
  drafts: readonly { readonly draft: Draft; readonly patientKey: number }[],
  known: Map<number, Claimant>,
): Promise<ReadonlyMap<Draft, Claimant>> {
  const { resourceType, table } = parent;
  const wanted = drafts.flatMap(({ draft, patientKey }) => {
    const { identity } = draft;
    return identity.by === 'server' ? [] : [{ draft, patientKey, id: identity.by === 'client' ? identity.id : identity.past.id }];
  });
  const [first] = wanted;
  const found = new Map<Draft, Claimant>();
  if (!resourceType || !first) return found;
  const patients = [...new Set(wanted.map(({ patientKey }) => patientKey))].sort((a, b) => a - b);
  for (const patientKey of patients) await lockPatient(session, patientKey);
  const ids = wanted.map(({ id }) => id);
  const claims = await claimsOn(session, first.draft.entry.resourceType, ids, { resourceType, table });
  for (const { draft, patientKey, id } of wanted) {
    const claim = claims.get(id)?.find((one) => one.patientKey === patientKey);
    if (!claim) continue;
    const record = known.get(claim.rid)?.record ?? (await lockHolder(parts, session, resourceType, table, claim.sourceKey));
    if (!record) continue;
    const claimant = known.get(claim.rid) ?? { record, come: [] };
    known.set(claim.rid, claimant);
    found.set(draft, claimant);
  }
  return found;
}

/** Reports that were here before say the same as before, with rows where they had mere references. */
export async function settleClaimants(parts: DatabaseParts, session: Session, claimants: Iterable<Claimant>): Promise<void> {
  for (const { record, come } of claimants) {
    const taken = takenChildren(parts, record.variant);
    if (!taken || !record.stored) continue;
    const stored: Stored = { ...record.stored, children: inOrder(taken.child, [...record.stored.children, ...come]) };
    await restate(parts, session, record, stored);
    await dropClaims(
      session,
      taken.variant.resourceType,
      come.flatMap(({ id }) => id ?? []),
    );
  }
}

/** What a new report names that has no row even now. */
export async function claimOpen(
  parts: DatabaseParts,
  session: Session,
  record: ResourceRecord,
  lifted: JsonObject,
): Promise<void> {
  const taken = takenChildren(parts, record.variant);
  if (!taken) return;
  const { resourceType } = taken.variant;
  const ids = idsNamed(parts, record.variant, lifted);
  await replaceClaims(session, record.rid, resourceType, await withoutRow(session, resourceType, ids));
}
