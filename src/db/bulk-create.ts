/** Creates many resources in one transaction, set-wise: what create.ts does for one, with a few statements for all. */
import type { CompiledVariant, Overlay } from '../mapping/compile.ts';
import type { JsonObject } from '../mapping/lift.ts';
import type { ColumnPlan } from '../mapping/plan.ts';
import type { Registry } from '../mapping/registry.ts';
import { complement } from '../mapping/render.ts';
import { tables } from '../mapping/tables.ts';
import type { Columns, ColumnValue, Env, Stored, StoredChild } from '../mapping/types.ts';
import { enterChanges, overlayText, type Writing } from './books.ts';
import { insertManyReturning } from './bulk-insert.ts';
import { findOrCreateParents } from './bulk-parents.ts';
import type { DatabaseParts } from './parts.ts';
import type { Bound, Session } from './pool.ts';
import { parentsOf } from './relatives.ts';
import { datetimeOf } from './select.ts';

/** A resource ready to be inserted. Keys of rows that are inserted with it are stand-ins: -1 for the first of the list, and so on. */
export interface BulkItem {
  readonly variant: CompiledVariant;
  readonly id: string;
  readonly lifted: JsonObject;
  readonly plan: ColumnPlan;
  /** FHIR id of the patient it belongs to; its own for a Patient. */
  readonly patientId: string | null;
}

export interface BulkCreated {
  readonly rid: number;
  readonly key: number;
}

/**
 * Whether resources of this variant can be created set-wise: their rows stand alone, or under a parent row that is shared.
 * Rows that change other resources when they appear go the way of single writes.
 */
export function canBulkCreate(registry: Registry, variant: CompiledVariant): boolean {
  const { source } = variant.variant;
  if (source.rowless || (source.parent && !source.parent.shared)) return false;
  if (source.child?.resourceType) return false;
  return parentsOf(registry, variant, everyKey(variant), null).length === 0;
}

function everyKey({ variant: { source } }: CompiledVariant): Columns {
  return Object.fromEntries(Object.keys(tables[source.table].columns).map((column) => [column, 1]));
}

/** Inserts the rows and keeps the books, in the caller's transaction; answers in the order of the items. */
export async function bulkCreate(
  parts: DatabaseParts,
  session: Session,
  items: readonly BulkItem[],
  writing: Writing,
  canReturn: boolean,
): Promise<readonly BulkCreated[]> {
  const timestamp = datetimeOf(writing.lastUpdated).slice(0, 19);
  const env = parts.env();
  const created: Entry[] = items.map((item) => ({
    item,
    stored: null,
    rid: 0,
    key: 0,
    overlay: null,
    refined: 0,
    patientKey: null,
  }));
  const groups = Map.groupBy(created, ({ item }) => item.variant);
  // Patients first, as the others stand on them; then rows that others may lie under.
  const rank = ({ variant: { source } }: CompiledVariant) =>
    source.patient === 'self'
      ? 0
      : parts.registry.ofTable(source.table).some((other) => other.variant.source.parent?.table === source.table)
        ? 1
        : 2;
  const ordered = [...groups].sort(([a], [b]) => rank(a) - rank(b));
  for (const [variant, entries] of ordered)
    await insertRows(session, variant, entries, created, writing, timestamp, env, canReturn);

  const rids = await insertManyReturning(
    session,
    'fhir_resource',
    'rid',
    [
      'type',
      'id',
      'variant',
      'source_key',
      'patient_key',
      'version',
      'last_updated',
      'state',
      'tx',
      'refined',
      'origin',
      'overlay',
    ],
    created.map(({ item: { variant, id }, key, patientKey, overlay, refined }): Bound[] => [
      variant.resourceType,
      id,
      variant.name,
      key,
      patientKey,
      1,
      datetimeOf(writing.lastUpdated),
      0,
      writing.tx,
      refined,
      writing.origin,
      overlayText(overlay),
    ]),
    canReturn,
  );
  created.forEach((entry, index) => {
    entry.rid = rids[index] ?? 0;
  });
  const indexed = created.flatMap(({ item, rid, overlay }) => (overlay ? [{ rid, variant: item.variant, overlay }] : []));
  if (indexed.length > 0) await parts.index.replace(session, indexed, true);
  await enterChanges(
    session,
    created.map(({ rid, patientKey }) => ({ rid, version: 1, patientKey })),
  );
  return created.map(({ rid, key }) => ({ rid, key }));
}

interface Entry {
  readonly item: BulkItem;
  stored: Stored | null;
  rid: number;
  key: number;
  overlay: Overlay | null;
  refined: number;
  patientKey: number | null;
}

async function insertRows(
  session: Session,
  variant: CompiledVariant,
  entries: readonly Entry[],
  all: readonly Entry[],
  writing: Writing,
  timestamp: string,
  env: Env,
  canReturn: boolean,
): Promise<void> {
  const { source } = variant.variant;
  const { parent, child } = source;
  const settled = (columns: Columns): Columns => withRealKeys(columns, all);
  const parents = parent
    ? await findOrCreateParents(
        session,
        parent,
        entries.map(({ item }) => settled(item.plan.parent ?? {})),
        writing,
        timestamp,
        canReturn,
      )
    : [];
  const rows = entries.map(({ item }, index): Columns => {
    const above = parents[index];
    return settled(parent && above ? { ...item.plan.row, [parent.foreignKey]: above[parent.key] ?? null } : item.plan.row);
  });
  const columns = Object.keys(rows[0] ?? {});
  const keys = await insertManyReturning(
    session,
    source.table,
    source.key,
    columns,
    rows.map((row) => columns.map((column): Bound => row[column] ?? null)),
    canReturn,
  );
  const children = child ? await insertChildren(session, child, entries, keys, canReturn) : [];
  entries.forEach((entry, index) => {
    const key = keys[index] ?? 0;
    const stored: Stored = {
      row: { ...rows[index], [source.key]: key },
      parent: parents[index] ?? null,
      children: children[index] ?? [],
      patientId: entry.item.patientId,
      parentId: null,
    };
    const holder = source.patient === 'parent' ? stored.parent : stored.row;
    const patientKey = holder?.['patient_id'];
    entry.key = key;
    entry.stored = stored;
    entry.patientKey = typeof patientKey === 'number' ? patientKey : null;
    Object.assign(entry, complement(variant, entry.item.lifted, stored, env));
  });
}

async function insertChildren(
  session: Session,
  child: NonNullable<CompiledVariant['variant']['source']['child']>,
  entries: readonly Entry[],
  keys: readonly number[],
  canReturn: boolean,
): Promise<readonly (readonly StoredChild[])[]> {
  const columns = Object.keys(tables[child.table].columns).filter((column) => column !== child.key);
  const rows = entries.flatMap(({ item }, index) =>
    (item.plan.children ?? []).map((written): Columns => {
      const row: Record<string, ColumnValue> = {};
      for (const column of columns) row[column] = written[column] ?? null;
      row[child.foreignKey] = keys[index] ?? null;
      return row;
    }),
  );
  const childKeys = await insertManyReturning(
    session,
    child.table,
    child.key,
    columns,
    rows.map((row) => columns.map((column): Bound => row[column] ?? null)),
    canReturn,
  );
  let next = 0;
  return entries.map(({ item }) =>
    (item.plan.children ?? []).map((): StoredChild => {
      const at = next;
      next += 1;
      return { row: { ...rows[at], [child.key]: childKeys[at] ?? null }, id: null };
    }),
  );
}

/** Stand-ins are negative, which no key of MediMax is. */
function withRealKeys(columns: Columns, all: readonly Entry[]): Columns {
  const standIn = columns['patient_id'];
  if (typeof standIn !== 'number' || standIn >= 0) return columns;
  const key = all[-standIn - 1]?.key;
  if (!key) throw new Error('A row was to be inserted before the one it belongs to');
  return { ...columns, patient_id: key };
}
