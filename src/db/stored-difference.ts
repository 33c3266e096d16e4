/** What of two states of a row and its relatives a resource shows, and which refinements the difference makes stale. */
import type { CompiledVariant } from '../mapping/compile.ts';
import type { Stored } from '../mapping/types.ts';
import { bitsReading } from './relatives.ts';
import { parentColumns, versionColumns } from './triggers/changed.ts';

/** Equal texts mean that a trigger would have made no version. */
export function projectionOf(variant: CompiledVariant, stored: Stored): string {
  const { source } = variant.variant;
  return JSON.stringify([
    versionColumns(source.table, [variant]).map((column) => stored.row[column] ?? null),
    parentColumns(variant).map((column) => stored.parent?.[column] ?? null),
    source.child
      ? stored.children.map(({ row }) => [
          row[source.child?.key ?? ''],
          ...(source.child?.columns ?? []).map((column) => row[column] ?? null),
        ])
      : [],
  ]);
}

export function staleBitsBetween(variant: CompiledVariant, before: Stored, now: Stored): number {
  const differing = (a: Stored['parent'], b: Stored['parent']) =>
    Object.keys({ ...a, ...b }).filter((column) => (a?.[column] ?? null) !== (b?.[column] ?? null));
  const children =
    JSON.stringify(before.children) === JSON.stringify(now.children) ? [] : (variant.variant.source.child?.columns ?? []);
  return (
    bitsReading(variant, 'row', differing(before.row, now.row)) |
    bitsReading(variant, 'parent', differing(before.parent, now.parent)) |
    bitsReading(variant, 'child', children)
  );
}
