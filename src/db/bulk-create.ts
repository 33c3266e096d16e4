/** Creates many resources in one transaction, set-wise: what create.ts does for one, with a few statements for all. */
import type { CompiledVariant, Overlay } from '../mapping/compile.ts';
import type { JsonObject } from '../mapping/lift.ts';
import type { ColumnPlan } from '../mapping/plan.ts';
import type { Registry } from '../mapping/registry.ts';
import { complement } from '../mapping/render.ts';
import { tables } from '../mapping/tables.ts';
import type { Columns, Env, Stored, StoredChild } from '../mapping/types.ts';
import type { Writing } from './books.ts';
import { insertChildren } from './bulk-children.ts';
import { insertManyReturning } from './bulk-insert.ts';
import { findOrCreateParents } from './bulk-parents.ts';
import { claimsOn } from './claims.ts';
import { inList } from './in-list.ts';
import type { DatabaseParts } from './parts.ts';
import type { Bound, Session } from './pool.ts';
import { type BegunVersions, beginVersions } from './relative-versions.ts';
import { parentsOf } from './relatives.ts';
import { insertIndexed, type NewRecord } from './resource-rows.ts';
import { datetimeOf } from './select.ts';

/** A resource ready to be inserted. Keys of rows that are inserted with it are stand-ins: -1 for the first of the list, and so on. */
export interface BulkItem {
  readonly variant: CompiledVariant;
  readonly id: string;
  readonly lifted: JsonObject;
  readonly plan: ColumnPlan;
  /** Ids of other items whose rows lie under this one's: the results of a report. */
  readonly takes?: readonly string[];
  /** FHIR id of the patient it belongs to; its own for a Patient. */
  readonly patientId: string | null;
}

export interface BulkCreated {
  readonly rid: number;
  readonly key: number;
}

/**
 * Whether resources of this variant can be created set-wise: their rows stand alone, under a parent row that is shared, or with rows
 * that are created with them (`takes`).
 * Rows that change other resources when they appear go the way of single writes.
 */
export function canBulkCreate(registry: Registry, variant: CompiledVariant): boolean {
  const { source } = variant.variant;
  if (source.rowless || (source.parent && !source.parent.shared)) return false;
  if (source.child?.resourceType && !source.child.taken) return false;
  const changed = parentsOf(registry, variant, everyKey(variant), null);
  return changed.every((relative) => source.parent?.shared && relative.variant.variant.source.table === source.parent.table);
}

/** A report has named one of the new resources meanwhile: that one goes the way of single writes. */
export class ClaimedMeanwhile extends Error {}

function everyKey({ variant: { source } }: CompiledVariant): Columns {
  return Object.fromEntries(Object.keys(tables[source.table].columns).map((column) => [column, 1]));
}

/** Inserts the rows and keeps the books, in the caller's transaction; answers in the order of the items. */
export async function bulkCreate(
  parts: DatabaseParts,
  session: Session,
  items: readonly BulkItem[],
  writing: Writing,
): Promise<readonly BulkCreated[]> {
  const canReturn = parts.insertReturns;
  const timestamp = datetimeOf(writing.lastUpdated).slice(0, 19);
  const env = parts.env();
  const created: Entry[] = items.map((item) => ({
    item,
    stored: null,
    key: 0,
    overlay: null,
    refined: 0,
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
  const begun: BegunVersions[] = [];
  for (const [variant, entries] of ordered)
    begun.push(await insertRows(parts, session, variant, entries, created, writing, timestamp, env, canReturn));

  takeIn(created, env);

  const { lastUpdated, origin } = writing;
  const records = created.map(({ item: { variant, id }, stored, overlay, refined }): NewRecord => {
    const { resourceType } = variant;
    return { resourceType, id, variant, version: 1, lastUpdated, state: 'living', origin, refined, overlay, stored };
  });
  const rids = await insertIndexed(parts, session, records, writing.tx);
  for (const relatives of begun) await relatives.finish(session, writing);
  return created.map(({ key }, index) => ({ rid: rids[index] ?? 0, key }));
}

interface Entry {
  readonly item: BulkItem;
  stored: Stored | null;
  key: number;
  overlay: Overlay | null;
  refined: number;
}

async function insertRows(
  parts: DatabaseParts,
  session: Session,
  variant: CompiledVariant,
  entries: readonly Entry[],
  all: readonly Entry[],
  writing: Writing,
  timestamp: string,
  env: Env,
  canReturn: boolean,
): Promise<BegunVersions> {
  const { source } = variant.variant;
  const { parent, child } = source;
  const settled = (columns: Columns): Columns => withRealKeys(columns, all);
  const holders = holdersIn(all);
  const free = entries.filter(({ item }) => !holders.has(item.id));
  const { rows: shared, old } = parent
    ? await findOrCreateParents(
        session,
        parent,
        free.map(({ item }) => settled(item.plan.parent ?? {})),
        writing,
        timestamp,
        canReturn,
      )
    : { rows: [], old: [] };
  const sharedBy = new Map(free.map(({ item }, index) => [item.id, shared[index]]));
  const parents = entries.map(({ item }) => holders.get(item.id)?.stored?.row ?? sharedBy.get(item.id));
  const begun = await beginParents(parts, session, variant, entries, old);
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
  const children =
    child && !child.taken
      ? await insertChildren(
          session,
          { ...source, child },
          entries.map(({ item }) => item.plan.children ?? []),
          rows,
          keys,
          canReturn,
        )
      : [];
  entries.forEach((entry, index) => {
    const key = keys[index] ?? 0;
    const stored: Stored = {
      row: { ...rows[index], [source.key]: key },
      parent: parents[index] ?? null,
      children: children[index] ?? [],
      patientId: entry.item.patientId,
      parentId: null,
    };
    entry.key = key;
    entry.stored = stored;
    if (!child?.taken) Object.assign(entry, complement(variant, entry.item.lifted, stored, env));
  });
  return begun;
}

/** The report of each result that is created with it. */
function holdersIn(all: readonly Entry[]): ReadonlyMap<string, Entry> {
  return new Map(all.flatMap((entry) => (entry.item.takes ?? []).map((id): [string, Entry] => [id, entry])));
}

/** What reports say beyond their columns is known when the rows are there that lie under them. */
function takeIn(all: readonly Entry[], env: Env): void {
  const byId = new Map(all.map((entry) => [entry.item.id, entry]));
  for (const entry of all) {
    const { variant, lifted, takes = [] } = entry.item;
    const { child } = variant.variant.source;
    if (!child?.taken || !entry.stored) continue;
    const children = takes.flatMap((id): StoredChild[] => {
      const row = byId.get(id)?.stored?.row;
      return row ? [{ row, id }] : [];
    });
    entry.stored = {
      ...entry.stored,
      children: children.toSorted((a, b) => Number(a.row[child.key]) - Number(b.row[child.key])),
    };
    Object.assign(entry, complement(variant, lifted, entry.stored, env));
  }
}

/** Reports that get another result are new versions. @throws ClaimedMeanwhile */
async function beginParents(
  parts: DatabaseParts,
  session: Session,
  variant: CompiledVariant,
  entries: readonly Entry[],
  old: readonly number[],
): Promise<BegunVersions> {
  const { parent } = variant.variant.source;
  if (!parent?.resourceType) return beginVersions(parts, session, []);
  const { resourceType, table, foreignKey } = parent;
  const ids = entries.map(({ item }) => item.id);
  const claims = await claimsOn(session, variant.resourceType, ids, { resourceType, table });
  for (const { item } of entries) {
    if (claims.get(item.id)?.some(({ patientKey }) => patientKey === item.plan.parent?.['patient_id']))
      throw new ClaimedMeanwhile();
  }
  if (old.length === 0) return beginVersions(parts, session, []);
  const living = await session.once(
    'SELECT source_key FROM fhir_resource WHERE type = ? AND variant = ? AND state = 0 AND source_key IN (?) ORDER BY source_key',
    [resourceType, table, ...inList(old)],
  );
  const relatives = living.flatMap(([key]) => parentsOf(parts.registry, variant, { [foreignKey]: Number(key) }, null));
  return beginVersions(parts, session, relatives);
}

/** Stand-ins are negative, which no key of MediMax is. */
function withRealKeys(columns: Columns, all: readonly Entry[]): Columns {
  const standIn = columns['patient_id'];
  if (typeof standIn !== 'number' || standIn >= 0) return columns;
  const key = all[-standIn - 1]?.key;
  if (!key) throw new Error('A row was to be inserted before the one it belongs to');
  return { ...columns, patient_id: key };
}
