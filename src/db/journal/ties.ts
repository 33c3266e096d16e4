/** What becomes of a resource of several rows when MediMax changes one of them: a further row may leave it, or take the first one's place. */
import type { CompiledVariant } from '../../mapping/compile.ts';
import type { Registry } from '../../mapping/registry.ts';
import type { TableName } from '../../mapping/tables.ts';
import type { Columns } from '../../mapping/types.ts';
import type { JournalEntry } from './entry.ts';
import { isRowOf, type Slot } from './slots.ts';
import type { World } from './world.ts';

/** The first row of a resource is gone; the row `to` stands for it from now on. */
export interface Promotion {
  readonly slot: Slot;
  readonly to: number;
}

/** Passes the entries of one statement, and unties what is no further row any more. */
export function passStatement(registry: Registry, world: World, entries: readonly JournalEntry[]): readonly Promotion[] {
  for (const entry of entries) world.pass(entry);
  const touched = entries.flatMap(({ table, key }) => {
    const variant = linkedVariant(registry, table);
    return variant ? [{ variant, table, key }] : [];
  });
  for (const { variant, table, key } of touched) leaveOwner(world, variant, table, key);
  return touched.flatMap(({ variant, table, key }) => keepOrReplace(world, variant, table, key));
}

/** The variant whose resources may have further rows in this table. */
function linkedVariant(registry: Registry, table: TableName): CompiledVariant | undefined {
  return registry.ofTable(table).find(({ variant: { source } }) => source.table === table && source.child?.linked);
}

function leaveOwner(world: World, variant: CompiledVariant, table: TableName, key: number): void {
  const ownerKey = world.ownerOf(table, key);
  if (ownerKey === undefined) return;
  const row = world.row(table, key);
  const owner = world.row(table, ownerKey);
  if (!row || !isRowOf(variant, table, row)) world.tie(table, key, null);
  else if (owner && isRowOf(variant, table, owner) && !isSamePatient(row, owner)) world.tie(table, key, null);
}

function keepOrReplace(world: World, variant: CompiledVariant, table: TableName, key: number): readonly Promotion[] {
  const { source } = variant.variant;
  const further = world.linked(table, key).filter((row) => isRowOf(variant, table, row));
  const [next, ...others] = further;
  if (!next) return [];
  const keyOf = (row: Columns) => Number(row[source.key]);
  const row = world.row(table, key);
  if (row && isRowOf(variant, table, row)) {
    for (const one of further) if (!isSamePatient(one, row)) world.tie(table, keyOf(one), null);
    return [];
  }
  world.tie(table, keyOf(next), null);
  for (const other of others) world.tie(table, keyOf(other), isSamePatient(other, next) ? keyOf(next) : null);
  return [{ slot: { resourceType: variant.resourceType, table, key }, to: keyOf(next) }];
}

function isSamePatient(a: Columns, b: Columns): boolean {
  return a['patient_id'] === b['patient_id'];
}
