/** The order of a transaction's new rows: what others refer to by a foreign key goes in before them. */
import { tables } from '../mapping/tables.ts';
import type { Draft } from './transaction-bundle-plan.ts';

/** Drafts in the order in which their rows can be inserted: a wave needs only keys of earlier ones. */
export function waves(drafts: readonly Draft[], holders: ReadonlyMap<number, Draft>): readonly (readonly Draft[])[] {
  const byKey = new Map(drafts.map((draft) => [draft.placeholderKey, draft]));
  const reports = Map.groupBy(drafts, ({ variant }) => variant.variant.source.table);
  const levels = new Map<Draft, number>();
  const level = (draft: Draft): number => {
    const known = levels.get(draft);
    if (known !== undefined) return known;
    levels.set(draft, 0); // foreign keys make no circles; should a mapping make one, the database refuses it
    const { parent } = draft.variant.variant.source;
    // A report that is new may be the one that fits.
    const above = parent?.shared ? (reports.get(parent.table) ?? []) : [];
    const needed = [...awaited(draft, holders).flatMap((key) => byKey.get(key) ?? []), ...above];
    const made = needed.reduce((highest, one) => Math.max(highest, level(one) + 1), 0);
    levels.set(draft, made);
    return made;
  };
  const groups = Map.groupBy(drafts, level);
  return [...groups.keys()].toSorted((a, b) => a - b).map((key) => groups.get(key) ?? []);
}

/** The foreign keys of a draft that are still to come. */
function awaited({ variant, plan, placeholderKey }: Draft, holders: ReadonlyMap<number, Draft>): readonly number[] {
  const { table, parent } = variant.variant.source;
  const own = plan.row[tables[table].belongsTo?.column ?? ''];
  const above = parent && plan.parent ? plan.parent[tables[parent.table].belongsTo?.column ?? ''] : null;
  return [own, above, holders.get(placeholderKey)?.placeholderKey].filter(
    (value): value is number => typeof value === 'number' && value < 0,
  );
}
