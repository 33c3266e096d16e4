/** Takes a resource's row away with what hangs on it: its children's resources go, its relatives' move on. */
import { tables } from '../mapping/tables.ts';
import type { Writing } from './books.ts';
import { replaceClaims } from './claims.ts';
import { letGo, recordsUnder } from './findings.ts';
import { unlink, unlinkAllOf } from './linked-rows.ts';
import { markDeleted } from './mark-deleted.ts';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';
import { beginVersions } from './relative-versions.ts';
import { childrenOf, parentsOf, variantOfChildRows } from './relatives.ts';
import type { ResourceRecord } from './repository.ts';
import { keepWithoutRow } from './restate.ts';
import { deleteRow } from './rows.ts';
import { removeIfEmpty } from './shared-parent.ts';

export interface RemoveOptions {
  /** What becomes of rows that are there on their own: another row holds them, or their resources stay without one. */
  readonly taken: 'let go' | 'without row';
  /** Relatives that the caller looks after. */
  readonly except?: readonly number[];
}

/** Removes the row of a locked record with what hangs on it; the record's own books are the caller's. */
export async function removeRows(
  parts: DatabaseParts,
  session: Session,
  current: ResourceRecord,
  writing: Writing,
  { taken, except = [] }: RemoveOptions,
): Promise<void> {
  const { variant, stored } = current;
  const { source } = variant.variant;
  if (source.rowless || !stored) return;
  const key = Number(stored.row[source.key]);
  const childVariant = variantOfChildRows(parts.registry, variant);
  const childRows =
    childVariant && source.child && !source.child.taken
      ? [{ variant: childVariant, keyColumn: source.child.foreignKey, key, staleBits: 0 }]
      : [];
  if (source.patient === 'self') await unlinkAllOf(session, parts.registry, key);
  if (source.child?.linked) {
    const keys = stored.children.map(({ row }) => Number(row[source.key]));
    for (const further of keys) await deleteRow(session, source.table, further);
    await unlink(session, source.child, keys);
  }
  if (source.child?.taken) {
    const holder = { variant, key, row: stored.row };
    const records = await recordsUnder(parts, session, holder);
    if (taken === 'let go') await letGo(parts, session, holder, records, writing);
    else for (const record of records) await keepWithoutRow(parts, session, record);
    await replaceClaims(session, current.rid, source.child.resourceType ?? '', []);
  }
  const relatives = await beginVersions(parts, session, parentsOf(parts.registry, variant, stored.row, null), except);
  const hanging = await beginVersions(parts, session, [...childRows, ...childrenRowsOf(parts, current, key)]);
  await deleteRow(session, source.table, key);
  await markDeleted(session, hanging.records, writing);
  await relatives.finish(session, writing);
  if (source.parent?.shared) await removeIfEmpty(session, variant, Number(stored.row[source.parent.foreignKey]));
}

/** Resources of rows that the foreign key deletes with this one, where they are not this variant's own children. */
function childrenRowsOf(parts: DatabaseParts, { variant }: ResourceRecord, key: number) {
  const { source } = variant.variant;
  if (source.child || source.patient === 'self') return [];
  return childrenOf(
    parts.registry,
    variant,
    key,
    Object.fromEntries(Object.keys(tables[source.table].columns).map((column) => [column, null])),
  );
}
