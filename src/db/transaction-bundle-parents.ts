/** The parent rows of new rows of a transaction: those that are here or new as well, those of the reports that name them, and shared ones. */
import type { CompiledVariant } from '../mapping/compile.ts';
import { type TableName, tables } from '../mapping/tables.ts';
import type { Columns, ParentSource } from '../mapping/types.ts';
import { claimantsOf, refuseOtherPatient } from './transaction-bundle-findings.ts';
import { type Draft, refused } from './transaction-bundle-plan.ts';
import { sharedParents } from './transaction-bundle-shared-parents.ts';
import { type Work, withKeys } from './transaction-bundle-work.ts';

/** The parent row of each draft, as it is or as it was made for it. */
export async function parentRows(
  work: Work,
  { variant }: CompiledVariant,
  drafts: readonly Draft[],
): Promise<readonly (Columns | null)[]> {
  const { parent, table } = variant.source;
  if (!parent) return drafts.map(() => null);
  if (parent.shared) return namedOrSharedParents(work, parent, drafts);
  const keys = drafts.map(({ plan }) => Number(withKeys(work, table, plan.row)[parent.foreignKey]));
  const rows = await existingRows(work, parent.table, keys);
  return drafts.map(({ entry, plan }, at) => {
    const row = rows.get(keys[at] as number);
    if (!row) throw refused(entry.index, 'A record this one belongs to has just been deleted', entry.resourceType);
    const column = tables[parent.table].belongsTo?.column ?? '';
    const claimed = plan.parent && withKeys(work, parent.table, plan.parent)[column];
    if (claimed !== undefined && claimed !== null && claimed !== row[column]) {
      const text = `The ${parent.resourceType ?? 'record'} it belongs to is another patient's`;
      throw refused(entry.index, text, `${entry.resourceType}.subject`);
    }
    return row;
  });
}

async function existingRows({ session, born }: Work, table: TableName, keys: readonly number[]): Promise<Map<number, Columns>> {
  const rows = new Map<number, Columns>();
  for (const key of keys) {
    const made = born.get(`${table} ${key}`);
    if (made) rows.set(key, made.row);
  }
  const others = [...new Set(keys)].filter((key) => !rows.has(key)).toSorted((a, b) => a - b);
  if (others.length === 0) return rows;
  const columns = Object.keys(tables[table].columns);
  const found = await session.rows(
    `SELECT ${columns.join(', ')} FROM ${table} WHERE ${tables[table].key} IN (${others.map(() => '?').join(', ')}) LOCK IN SHARE MODE`,
    others,
  );
  for (const values of found) {
    const row = Object.fromEntries(columns.map((column, at) => [column, values[at] ?? null]));
    rows.set(Number(row[tables[table].key]), row);
  }
  return rows;
}

/** The row of the report that names it, new or here before; else one that fits. */
async function namedOrSharedParents(work: Work, parent: ParentSource, drafts: readonly Draft[]): Promise<readonly Columns[]> {
  const { parts, session, holders, born, keys, claimants } = work;
  const rows = new Map<Draft, Columns>();
  for (const draft of drafts) {
    const holder = holders.get(draft.placeholderKey);
    const report = holder && born.get(`${parent.table} ${keys.get(holder.placeholderKey)}`);
    if (!report) continue;
    refuseOtherPatient(draft, withKeys(work, parent.table, draft.plan.parent ?? {})['patient_id'], report.row['patient_id']);
    rows.set(draft, report.row);
  }
  const others = drafts
    .filter((draft) => !rows.has(draft))
    .map((draft) => ({
      draft,
      patientKey: Number(withKeys(work, parent.table, draft.plan.parent ?? {})['patient_id']),
    }));
  for (const [draft, { record }] of await claimantsOf(parts, session, parent, others, claimants))
    if (record.stored) rows.set(draft, record.stored.row);
  const rest = drafts.filter((draft) => !rows.has(draft));
  const shared = await sharedParents(work, parent, rest);
  for (const [at, draft] of rest.entries()) rows.set(draft, shared[at] as Columns);
  return drafts.map((draft) => rows.get(draft) as Columns);
}
