/** The child rows of new resources of one variant: findings that a report takes in, or rows of its own. */
import type { CompiledVariant } from '../mapping/compile.ts';
import { liftedContentOf } from '../mapping/render.ts';
import { tables } from '../mapping/tables.ts';
import type { Columns, ColumnValue, StoredChild } from '../mapping/types.ts';
import { childrenUnder, idsNamed, takeIn } from './findings.ts';
import type { HiddenRow } from './hidden-row.ts';
import { link, linkedRow } from './linked-rows.ts';
import { variantOfChildRows } from './relatives.ts';
import { ofEntry } from './transaction-bundle-new-rows.ts';
import type { Draft } from './transaction-bundle-plan.ts';
import { insertRows, RowRefused } from './transaction-bundle-rows.ts';
import type { Work } from './transaction-bundle-work.ts';

export async function insertChildren(
  { parts, session, plan, writing }: Work,
  variant: CompiledVariant,
  drafts: readonly Draft[],
  rows: readonly Columns[],
  keys: readonly number[],
  hidden: ReadonlyMap<number, HiddenRow>,
): Promise<readonly (readonly StoredChild[])[]> {
  const { child, key } = variant.variant.source;
  if (!child) return drafts.map(() => []);
  if (child.taken) {
    const taken: (readonly StoredChild[])[] = [];
    for (const [at, { entry }] of drafts.entries()) {
      const content = entry.content(plan.addressOf);
      const ids = idsNamed(parts, variant, liftedContentOf(variant, content, plan.env));
      const holder = { variant, key: keys[at] as number, row: { ...rows[at], [key]: keys[at] as number } };
      taken.push(
        hidden.has(at)
          ? await childrenUnder(parts, session, holder)
          : (await takeIn(parts, session, holder, ids, writing)).children,
      );
    }
    return taken;
  }
  const owners: number[] = [];
  const made = drafts.flatMap(({ plan }, at) =>
    (plan.children ?? []).map((columns): Columns => {
      owners.push(at);
      if (child.linked) return linkedRow(variant.variant.source, rows[at] ?? {}, columns);
      const row: Record<string, ColumnValue> = {};
      for (const name of Object.keys(tables[child.table].columns)) if (name !== child.key) row[name] = columns[name] ?? null;
      return { ...row, [child.foreignKey]: keys[at] as number };
    }),
  );
  const childKeys = await insertRows(parts, session, child.table, child.key, made).catch((failure: unknown) => {
    throw failure instanceof RowRefused ? ofEntry(new RowRefused(owners[failure.row] ?? 0, failure.cause), drafts) : failure;
  });
  if (child.linked)
    await link(
      session,
      child,
      childKeys.map((key, at) => ({ key, owner: keys[owners[at] as number] as number })),
    );
  const prefix = variantOfChildRows(parts.registry, variant)?.variant.source.idPrefix;
  const children: StoredChild[][] = drafts.map(() => []);
  childKeys.forEach((key, at) => {
    const id = prefix === undefined ? null : `${prefix}-${key}`;
    children[owners[at] as number]?.push({ row: { ...made[at], [child.key]: key }, id });
  });
  return children;
}
