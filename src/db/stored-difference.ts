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
  const children = differingInList(variant, before, now);
  return (
    bitsReading(variant, 'row', differing(before.row, now.row)) |
    bitsReading(variant, 'parent', differing(before.parent, now.parent)) |
    bitsReading(variant, 'child', children)
  );
}

/** Where rows came or went everything that the resource sees of them has changed; otherwise the columns that differ in any of them. */
function differingInList({ variant: { source } }: CompiledVariant, before: Stored, now: Stored): readonly string[] {
  const { child } = source;
  if (!child) return [];
  const columns = child.columns;
  const keys = ({ children }: Stored) => children.map(({ row }) => row[child.key]).join(' ');
  if (keys(before) !== keys(now)) return columns;
  return columns.filter((column) => before.children.some(({ row }, at) => row[column] !== now.children[at]?.row[column]));
}
