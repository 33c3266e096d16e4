/** New resources of a transaction that have no row: their ids come before all rows, which may refer to them, and their content after. */
import { randomUUID } from 'node:crypto';
import { type Identity, insertRecord, prepare } from './create.ts';
import type { WriteResult } from './repository.ts';
import type { Draft } from './transaction-bundle-plan.ts';
import { readdress, type Work } from './transaction-bundle-work.ts';

export function isRowless({ variant }: Draft): boolean {
  return variant.variant.source.rowless === true;
}

/** What has no row gets its id before all others, who may refer to it. */
export function named({ plan }: Work, { identity, entry, variant }: Draft): Identity {
  const id = identity.by === 'server' ? randomUUID() : identity.by === 'client' ? identity.id : identity.past.id;
  readdress(plan, entry.provisional, `${variant.resourceType}/${id}`);
  return identity.by === 'past' ? identity : { by: 'client', id };
}

export async function insertWithdrawn(
  { parts, session, plan, writing }: Work,
  drafts: readonly Draft[],
  identities: readonly Identity[],
): Promise<ReadonlyMap<number, WriteResult>> {
  const results = new Map<number, WriteResult>();
  for (const [at, { entry, variant, plan: planned }] of drafts.entries()) {
    const prepared = await prepare(parts, session, variant, entry.content(plan.addressOf), plan.known);
    const record = await insertRecord(parts, session, prepared, writing, identities[at] as Identity);
    results.set(entry.index, { outcome: 'created', record, issues: planned.issues });
  }
  return results;
}
