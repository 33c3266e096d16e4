/** Which changes of a row are changes of a resource, and the SQL condition for them. */
import type { CompiledPair, CompiledVariant } from '../../mapping/compile.ts';
import { type TableName, tables } from '../../mapping/tables.ts';

/** Compared byte for byte: the tables' collation takes `é` for `e` and ignores case and trailing spaces (S13). */
export function sameColumn(table: TableName, column: string): string {
  const type = tables[table].columns[column]?.type;
  return type === 'varchar' || type === 'text'
    ? `BINARY OLD.${column} <=> BINARY NEW.${column}`
    : `OLD.${column} <=> NEW.${column}`;
}

/** True when any of these columns differs; FALSE for none. */
export function anyChanged(table: TableName, columns: readonly string[]): string {
  return columns.length === 0 ? 'FALSE' : `NOT (${columns.map((column) => sameColumn(table, column)).join(' AND ')})`;
}

/** Columns whose change makes a version of these variants: all but the timestamps that none of their pairs shows. */
export function versionColumns(table: TableName, variants: readonly CompiledVariant[]): readonly string[] {
  const shown = new Set(variants.flatMap((variant) => variant.pairs.flatMap(({ reads }) => reads.row)));
  return Object.entries(tables[table].columns)
    .filter(([column, { type }]) => type !== 'timestamp' || shown.has(column))
    .map(([column]) => column);
}

/** Columns of the parent row that the variant shows. A narrative alone, which is said to describe everything, shows nothing. */
export function parentColumns(variant: CompiledVariant): readonly string[] {
  return [...new Set(variant.pairs.filter(decides).flatMap(({ reads }) => reads.parent))];
}

export function decides({ pair }: CompiledPair): boolean {
  return !pair.columns.includes('*');
}
