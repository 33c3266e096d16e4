/** Parent rows that several new resources of a transaction share: a new report's, one that fits, or one made for them. */
import { lift } from '../mapping/lift.ts';
import { contentOf } from '../mapping/render.ts';
import { type TableName, tables } from '../mapping/tables.ts';
import type { Columns, ColumnValue, ParentSource } from '../mapping/types.ts';
import type { NewResource } from './books.ts';
import { idsNamed } from './findings.ts';
import { findOrCreateParent, identifying } from './shared-parent.ts';
import type { Draft } from './transaction-bundle-plan.ts';
import { insertResources, insertRows } from './transaction-bundle-rows.ts';
import { type Work, withKeys } from './transaction-bundle-work.ts';

/** Parents that several resources share: of a patient who is new, all at once; of others, found or made one by one. */
export async function sharedParents(work: Work, parent: ParentSource, drafts: readonly Draft[]): Promise<readonly Columns[]> {
  const { parts, session, writing, plan } = work;
  const wanted = drafts.map((draft) => withKeys(work, parent.table, draft.plan.parent ?? {}));
  const texts = wanted.map((columns) => JSON.stringify(Object.entries(columns).toSorted(([a], [b]) => (a < b ? -1 : 1))));
  const distinct = new Map(texts.map((text, at) => [text, wanted[at] as Columns]));
  const made = new Map<string, Columns>();
  for (const [text, columns] of distinct) {
    const report = newReportLike(work, parent, columns);
    if (report) made.set(text, report);
  }
  const fresh = [...distinct].filter(([text, columns]) => !made.has(text) && work.born.has(`Patient ${columns['patient_id']}`));
  const rows = fresh.map(([, columns]) => wholeRow(parent.table, columns, plan.timestamp));
  const keys = await insertRows(parts, session, parent.table, parent.key, rows);
  for (const [at, [text]] of fresh.entries()) made.set(text, { ...rows[at], [parent.key]: keys[at] as number });
  for (const key of keys) work.madeParents.add(`${parent.table} ${key}`);
  const { resourceType, idPrefix } = parent;
  if (resourceType && idPrefix) {
    const kept = keys.map(
      (key, at): NewResource => ({
        resourceType,
        id: `${idPrefix}-${key}`,
        variantName: parent.table,
        sourceKey: key,
        patientKey: Number(rows[at]?.['patient_id']),
        refined: 0,
        overlay: null,
        state: 2,
      }),
    );
    await insertResources(parts, session, kept, writing);
  }
  for (const [text, columns] of distinct)
    if (!made.has(text)) made.set(text, await findOrCreateParent(session, parent, columns, writing, plan.timestamp));
  return texts.map((text) => made.get(text) as Columns);
}

/** The row of a new report that says the same and lists nothing itself. */
function newReportLike({ born, parts, plan }: Work, parent: ParentSource, columns: Columns): Columns | undefined {
  for (const { draft, row } of born.values()) {
    const { variant, entry } = draft;
    if (variant.variant.source.table !== parent.table) continue;
    if (identifying(parent).some((column) => (row[column] ?? null) !== (columns[column] ?? null))) continue;
    const content = contentOf(variant, entry.content(plan.addressOf), plan.env);
    if (idsNamed(parts, variant, lift(content, variant.slices, plan.env)).length === 0) return row;
  }
  return undefined;
}

/** Every column is named on insert, as a default is a statement nobody made. */
function wholeRow(table: TableName, written: Columns, timestamp: string): Columns {
  const row: Record<string, ColumnValue> = {};
  for (const [name, column] of Object.entries(tables[table].columns)) {
    if (name !== tables[table].key) row[name] = written[name] ?? (column.type === 'timestamp' ? timestamp : null);
  }
  return row;
}
