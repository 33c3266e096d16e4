/** The rows of new resources of one variant, restored ones under their old keys; a row that is refused is told of its entry. */
import type { FhirError } from '../fhir/outcome.ts';
import type { CompiledVariant } from '../mapping/compile.ts';
import type { Columns } from '../mapping/types.ts';
import { hindranceOf, translate } from './errors.ts';
import { expressionOfColumn } from './expression-of-column.ts';
import type { HiddenRow } from './hidden-row.ts';
import { keyOfId } from './key-of-id.ts';
import type { Session } from './pool.ts';
import type { ResourceRecord } from './repository.ts';
import { insertRow } from './rows.ts';
import { EntriesRefused } from './transaction-bundle-entries.ts';
import { type Draft, refused } from './transaction-bundle-plan.ts';
import { insertRows, RowRefused } from './transaction-bundle-rows.ts';
import type { Work } from './transaction-bundle-work.ts';

export async function insertNewRows(
  { parts, session }: Work,
  { variant }: CompiledVariant,
  drafts: readonly Draft[],
  rows: readonly Columns[],
  hidden: ReadonlyMap<number, HiddenRow>,
): Promise<readonly number[]> {
  const { table, key } = variant.source;
  const keys = new Map([...hidden].map(([at, row]) => [at, row.key]));
  const numbered: number[] = [];
  try {
    for (const [at, draft] of drafts.entries()) {
      if (hidden.has(at)) continue;
      if (draft.identity.by !== 'past') numbered.push(at);
      else await lockDeleted(session, draft.entry.index, draft.identity.past);
    }
    for (const [at, draft] of drafts.entries()) {
      if (draft.identity.by !== 'past') continue;
      try {
        keys.set(at, await insertRow(session, table, rows[at] ?? {}, keyOfId(variant.source, draft.identity.past.id)));
      } catch (failure) {
        throw hindranceOf(failure) ? failure : new RowRefused(at, failure);
      }
    }
    const made = await insertRows(
      parts,
      session,
      table,
      key,
      numbered.map((at) => rows[at] ?? {}),
    ).catch((failure: unknown) => {
      throw failure instanceof RowRefused ? new RowRefused(numbered[failure.row] ?? 0, failure.cause) : failure;
    });
    for (const [at, one] of made.entries()) keys.set(numbered[at] as number, one);
  } catch (failure) {
    throw ofEntry(failure, drafts);
  }
  return drafts.map((_draft, at) => keys.get(at) as number);
}

/** What a table says about a row is said of the entry that brings it. */
export function ofEntry(failure: unknown, drafts: readonly Draft[]): unknown {
  if (!(failure instanceof RowRefused)) return failure;
  const draft = drafts[failure.row];
  const known = draft ? translate(failure.cause, expressionOfColumn(draft.variant)) : failure.cause;
  const isFault = known instanceof Error && 'kind' in known && 'issues' in known;
  return draft && isFault ? new EntriesRefused(new Map([[draft.entry.index, known as FhirError]])) : known;
}

/** The deleted resource under a lock; who restores it at the same time is waited for, and the whole is refused then. */
async function lockDeleted(session: Session, index: number, deleted: ResourceRecord): Promise<void> {
  const [row] = await session.rows('SELECT version, state FROM fhir_resource WHERE rid = ? FOR UPDATE', [deleted.rid]);
  if (!row || Number(row[0]) !== deleted.version || Number(row[1]) !== 1)
    throw refused(index, `${deleted.resourceType}/${deleted.id} is being written by others; try again`, deleted.resourceType);
}
