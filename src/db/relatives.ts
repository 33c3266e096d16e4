/** Which other resources change when a row does: the parent's resource when a child changes, the children's when the parent does. */
import type { CompiledVariant } from '../mapping/compile.ts';
import type { Registry } from '../mapping/registry.ts';
import type { Columns } from '../mapping/types.ts';

/** Resources of `variant` whose `keyColumn` (of their table) has this key, and the pairs of theirs that read what changes. */
export interface Relatives {
  readonly variant: CompiledVariant;
  /** Column of the variant's own table. */
  readonly keyColumn: string;
  readonly key: number;
  /** Bits of the pairs that read the changed columns: what clients said about them is stale. */
  readonly staleBits: number;
}

/** Resources made of the parent row of a row that is inserted, changed or deleted. `changed` null: the whole row. */
export function parentsOf(registry: Registry, of: CompiledVariant, row: Columns, changed: Columns | null): readonly Relatives[] {
  const { source } = of.variant;
  return registry.ofTable(source.table).flatMap((variant): Relatives[] => {
    const { child, key } = variant.variant.source;
    // Further rows of a resource are written with it alone.
    if (child?.table !== source.table || child.linked) return [];
    const columns = changed ? Object.keys(changed).filter((column) => child.columns.includes(column)) : child.columns;
    const parentKey = row[child.foreignKey];
    if ((changed !== null && columns.length === 0) || typeof parentKey !== 'number') return [];
    return [{ variant, keyColumn: key, key: parentKey, staleBits: bitsReading(variant, 'child', columns) }];
  });
}

/** Resources made of the child rows of a row whose columns change: those that show them as their parent's. */
export function childrenOf(registry: Registry, of: CompiledVariant, key: number, changed: Columns): readonly Relatives[] {
  const { source } = of.variant;
  return registry.ofTable(source.table).flatMap((variant): Relatives[] => {
    const { parent } = variant.variant.source;
    if (parent?.table !== source.table) return [];
    // A narrative, which stands for everything, does not by itself make a change of the parent one of the child.
    const shown = variant.pairs.some(
      ({ pair, reads }) => !pair.columns.includes('*') && reads.parent.some((column) => column in changed),
    );
    if (!shown) return [];
    return [{ variant, keyColumn: parent.foreignKey, key, staleBits: bitsReading(variant, 'parent', Object.keys(changed)) }];
  });
}

/** The variant whose resources are the child rows themselves (Observation for Appointment_Symptom). */
export function variantOfChildRows(registry: Registry, of: CompiledVariant): CompiledVariant | undefined {
  const { child } = of.variant.source;
  if (!child?.resourceType) return undefined;
  return registry.get(child.resourceType)?.variants.find(({ variant }) => variant.source.table === child.table);
}

/** A list's pair is never stale as a whole, so no change of columns clears what it keeps. */
export function bitsReading(variant: CompiledVariant, place: 'row' | 'parent' | 'child', columns: readonly string[]): number {
  return variant.pairs.reduce(
    (bits, { pair, bit, reads }) => (!pair.list && reads[place].some((column) => columns.includes(column)) ? bits | bit : bits),
    0,
  );
}
