/** Inserts the drafts of one variant in one wave: their rows with parent and child rows, and what those who come later are to know of them. */
import type { CompiledVariant } from '../mapping/compile.ts';
import { lift } from '../mapping/lift.ts';
import { contentOf } from '../mapping/render.ts';
import type { Columns } from '../mapping/types.ts';
import { type HiddenRow, hiddenRow } from './hidden-row.ts';
import { beginVersions } from './relative-versions.ts';
import { parentsOf } from './relatives.ts';
import { insertChildren } from './transaction-bundle-children.ts';
import { insertNewRows } from './transaction-bundle-new-rows.ts';
import { parentRows } from './transaction-bundle-parents.ts';
import { type Draft, keyOf } from './transaction-bundle-plan.ts';
import { isNew, readdress, type Work, withKeys } from './transaction-bundle-work.ts';

export async function insertGroup(work: Work, variant: CompiledVariant, drafts: readonly Draft[]): Promise<void> {
  const { parts, session, begun } = work;
  const { source } = variant.variant;
  const parents = await parentRows(work, variant, drafts);
  const rows = drafts.map(({ plan }, at): Columns => {
    const row = withKeys(work, source.table, plan.row);
    return source.parent?.shared ? { ...row, [source.parent.foreignKey]: parents[at]?.[source.parent.key] ?? null } : row;
  });
  // Those whose resource is new as well make their first version of all that is in this transaction.
  const relatives = new Map(
    rows
      .flatMap((row) => parentsOf(parts.registry, variant, row, null))
      .filter(({ variant: { variant: above }, key }) => !isNew(work, above.source.table, key) && !isClaimant(work, key))
      .map((relative) => [`${relative.variant.resourceType} ${relative.variant.name} ${relative.key}`, relative]),
  );
  if (relatives.size > 0) begun.push(await beginVersions(parts, session, [...relatives.values()]));

  const hidden = await hiddenRows(work, variant, drafts, rows);
  for (const [at, { row }] of hidden) rows[at] = row;
  const keys = await insertNewRows(work, variant, drafts, rows, hidden);
  const children = await insertChildren(work, variant, drafts, rows, keys, hidden);
  drafts.forEach((draft, at) => {
    const key = keys[at] as number;
    const own = children[at] ?? [];
    const { identity, entry } = draft;
    const id = identity.by === 'client' ? identity.id : identity.by === 'past' ? identity.past.id : `${source.idPrefix}-${key}`;
    const row = { ...rows[at], [source.key]: key };
    const address = `${variant.resourceType}/${id}`;
    work.keys.set(draft.placeholderKey, key);
    work.plan.known.set(address, key);
    readdress(work.plan, entry.provisional, address);
    work.born.set(`${source.table} ${key}`, {
      draft,
      id,
      key,
      row,
      parent: parents[at] ?? null,
      children: [...own],
      inserted: source.child?.taken ? [] : own,
    });
    adopt(work, variant, row, id);
  });
}

/** Rows made for findings that were sent before their report, by the place of the report in the list. */
async function hiddenRows(
  { parts, session, plan }: Work,
  variant: CompiledVariant,
  drafts: readonly Draft[],
  rows: readonly Columns[],
): Promise<ReadonlyMap<number, HiddenRow>> {
  const hidden = new Map<number, HiddenRow>();
  if (!variant.variant.source.child?.taken) return hidden;
  for (const [at, { entry, identity }] of drafts.entries()) {
    if (identity.by === 'past') continue;
    const content = contentOf(variant, entry.content(plan.addressOf), plan.env);
    const found = await hiddenRow(parts, session, variant, lift(content, variant.slices, plan.env), rows[at] ?? {});
    if (found) hidden.set(at, found);
  }
  return hidden;
}

/** A row under one that is new as well is among its children. */
function adopt({ born, claimants }: Work, { variant: { source } }: CompiledVariant, row: Columns, id: string): void {
  if (!source.parent) return;
  const above = born.get(`${source.parent.table} ${row[source.parent.foreignKey]}`);
  if (above?.draft.variant.variant.source.child?.table === source.table) above.children.push({ row, id });
  for (const { record, come } of claimants.values())
    if (source.parent.shared && keyOf(record) === row[source.parent.foreignKey]) come.push({ row, id });
}

function isClaimant({ claimants }: Work, key: number): boolean {
  return [...claimants.values()].some(({ record }) => keyOf(record) === key);
}
