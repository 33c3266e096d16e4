/** Takes a resource's row away with what hangs on it: its children's resources go, its relatives' move on. */
import { tables } from '../mapping/tables.ts';
import type { Writing } from './books.ts';
import { markDeleted } from './mark-deleted.ts';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';
import { beginVersions } from './relative-versions.ts';
import { childrenOf, parentsOf, variantOfChildRows } from './relatives.ts';
import type { ResourceRecord } from './repository.ts';
import { deleteRow } from './rows.ts';
import { removeIfEmpty } from './shared-parent.ts';

/** Removes the row of a locked record with what hangs on it; the record's own books are the caller's. */
export async function removeRows(
  parts: DatabaseParts,
  session: Session,
  current: ResourceRecord,
  writing: Writing,
): Promise<void> {
  const { variant, stored } = current;
  const { source } = variant.variant;
  if (source.rowless || !stored) return;
  const key = Number(stored.row[source.key]);
  const childVariant = variantOfChildRows(parts.registry, variant);
  const childRows =
    childVariant && source.child ? [{ variant: childVariant, keyColumn: source.child.foreignKey, key, staleBits: 0 }] : [];
  const relatives = await beginVersions(parts, session, parentsOf(parts.registry, variant, stored.row, null));
  const hanging = await beginVersions(parts, session, [...childRows, ...childrenRowsOf(parts, current, key)]);
  await deleteRow(session, source.table, key);
  await markDeleted(parts, session, hanging.records, writing);
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
