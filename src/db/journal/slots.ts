/** Which resource a row of MediMax's is, and which other resources show it. */
import type { CompiledVariant } from '../../mapping/compile.ts';
import type { Registry } from '../../mapping/registry.ts';
import { childColumnsOf, type TableName, tables } from '../../mapping/tables.ts';
import type { Columns, Source, Stored } from '../../mapping/types.ts';
import { parentColumns } from '../triggers/changed.ts';
import type { JournalEntry } from './entry.ts';
import type { World } from './world.ts';

/** A place where a resource of this type may be: a row of this table. */
export interface Slot {
  readonly resourceType: string;
  readonly table: TableName;
  readonly key: number;
}

export const nameOf = ({ resourceType, table, key }: Slot): string => `${resourceType}/${table}/${key}`;

/** FHIR id of the resource made of a row, as the books have it; null where there is none. */
export type FindId = (resourceType: string, variantName: string, key: number) => string | null;

/** The variant that the row of a slot is; undefined where there is no such row or it is another type's. */
export function variantAt(registry: Registry, world: World, { resourceType, table, key }: Slot): CompiledVariant | undefined {
  const row = world.row(table, key);
  if (!row) return undefined;
  const variant = registry.get(resourceType)?.variants.find((one) => isRowOf(one, table, row));
  return variant?.variant.source.child?.linked && world.ownerOf(table, key) !== undefined ? undefined : variant;
}

/** All slots whose resource may be another one once these entries, of one statement, are passed. The world is before them. */
export function slotsOf(registry: Registry, world: World, entries: readonly JournalEntry[]): readonly Slot[] {
  const slots = new Map<string, Slot>();
  const add = (slot: Slot) => slots.set(nameOf(slot), slot);
  for (const { table, key, above } of entries) {
    for (const {
      resourceType,
      variant: { source },
    } of registry.ofTable(table)) {
      if (source.table === table) add({ resourceType, table, key });
      // The entry's own `above` and that of the `moved` beside it name both rows that it belonged and belongs to.
      if (source.child?.linked)
        for (const tied of tiedTo(world, table, key)) add({ resourceType, table: source.table, key: tied });
      else if (source.child?.table === table && above !== null) add({ resourceType, table: source.table, key: above });
    }
    for (const compiled of registry.ofTable(table)) {
      const { source } = compiled.variant;
      if (source.parent?.table !== table || parentColumns(compiled).length === 0) continue;
      for (const row of world.below(source.table, key))
        add({ resourceType: compiled.resourceType, table: source.table, key: Number(row[source.key]) });
    }
  }
  return [...slots.values()];
}

/** The row that this one is tied to, and those that are tied to it. */
function tiedTo(world: World, table: TableName, key: number): readonly number[] {
  const owner = world.ownerOf(table, key);
  const keys = world.linked(table, key).map((row) => Number(row[tables[table].key]));
  return owner === undefined ? keys : [owner, ...keys];
}

/** What the tables hold of a resource at this point, as a read would find it. */
export function storedAt(world: World, { variant: { source } }: CompiledVariant, key: number, idOf: FindId): Stored {
  const row = world.row(source.table, key);
  if (!row) throw new Error(`${source.table} ${key}: no such row at this point`);
  const parentKey = source.parent ? row[source.parent.foreignKey] : null;
  const parent = source.parent && typeof parentKey === 'number' ? world.row(source.parent.table, parentKey) : null;
  const { child } = source;
  const children = child
    ? (child.linked ? linkedNow(world, source, row) : world.below(child.table, key)).map((found) => ({
        row: Object.fromEntries(childColumnsOf(child).map((column) => [column, found[column] ?? null])),
        id: child.resourceType ? idOf(child.resourceType, child.table, Number(found[child.key])) : null,
      }))
    : [];
  const patientKey = patientKeyIn(source.patient, row, parent);
  return {
    row,
    parent,
    children,
    patientId: patientKey === null ? null : idOf('Patient', 'Patient', patientKey),
    parentId:
      source.parent?.resourceType && parent
        ? idOf(source.parent.resourceType, source.parent.resourceType, Number(parent[source.parent.key]))
        : null,
  };
}

export function patientKeyIn(patient: 'self' | 'row' | 'parent', row: Columns, parent: Columns | null): number | null {
  const key = (patient === 'parent' ? parent : row)?.['patient_id'];
  return typeof key === 'number' ? key : null;
}

/** Tables whose rows show each other: a row with the rows below it (an appointment with its symptoms). */
export function familiesOf(registry: Registry): readonly { readonly above: TableName; readonly below: TableName }[] {
  const names = Object.keys(tables) as TableName[]; // marked place: the keys of an object of this type
  return names.flatMap((below) => {
    const above = tables[below].belongsTo?.table;
    const isShown = registry.ofTable(below).some(({ variant: { source } }) => {
      return (
        (source.table === above && source.child?.table === below) || (source.table === below && source.parent?.table === above)
      );
    });
    return above && isShown ? [{ above, below }] : [];
  });
}

/** Further rows count while they are of the owner's kind and patient. */
function linkedNow(world: World, { table, key, where }: Source, owner: Columns): readonly Columns[] {
  return world.linked(table, Number(owner[key])).filter((row) => isOf(where, row) && row['patient_id'] === owner['patient_id']);
}

export function isRowOf({ variant: { source } }: CompiledVariant, table: TableName, row: Columns): boolean {
  return source.table === table && isOf(source.where, row);
}

function isOf(where: { readonly column: string; readonly value: string } | undefined, row: Columns): boolean {
  return where === undefined || row[where.column] === where.value;
}

/** The id that the row of a slot gives its resource, unless a client has named it. */
export function idFor(registry: Registry, { resourceType, table, key }: Slot): string | undefined {
  const variant = registry.get(resourceType)?.variants.find((one) => one.variant.source.table === table);
  return variant && `${variant.variant.source.idPrefix}-${key}`;
}
