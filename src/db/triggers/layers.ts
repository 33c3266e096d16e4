/** Which resource a row of a table is, as SQL: a layer is a set of variants of which at most one holds for any row. */
import type { CompiledVariant } from '../../mapping/compile.ts';
import type { Registry } from '../../mapping/registry.ts';
import type { TableName } from '../../mapping/tables.ts';

export interface Layer {
  readonly variants: readonly CompiledVariant[];
  /** Type, variant and id prefix of the row behind `alias`; NULL where the row is none of these resources. */
  type(alias: string): string;
  variant(alias: string): string;
  idPrefix(alias: string): string;
  /** One expression a variant, chosen by the row. */
  choose(alias: string, expression: (variant: CompiledVariant) => string): string;
}

/** Medical_History is one layer of six variants; tables without a fixed `where` have one a variant. */
export function layersOf(registry: Registry, table: TableName): readonly Layer[] {
  const layers: CompiledVariant[][] = [];
  for (const mapping of registry.mappings) {
    for (const compiled of mapping.variants) {
      const { source } = compiled.variant;
      if (source.table !== table) continue;
      const layer = layers.find((one) => one.every((other) => areApart(other, compiled)));
      if (layer) layer.push(compiled);
      else layers.push([compiled]);
    }
  }
  return layers.map(layerOf);
}

function areApart(one: CompiledVariant, other: CompiledVariant): boolean {
  const [a, b] = [one.variant.source.where, other.variant.source.where];
  return a !== undefined && b !== undefined && a.column === b.column && a.value !== b.value;
}

function layerOf(variants: readonly CompiledVariant[]): Layer {
  const choose: Layer['choose'] = (alias, expression) => {
    const where = variants[0]?.variant.source.where;
    if (!where) return variants[0] ? expression(variants[0]) : 'NULL';
    const cases = variants.map((variant) => `WHEN '${variant.variant.source.where?.value}' THEN ${expression(variant)}`);
    return `CASE ${alias}.${where.column} ${cases.join(' ')} END`;
  };
  return {
    variants,
    choose,
    type: (alias) => choose(alias, ({ resourceType }) => `'${resourceType}'`),
    variant: (alias) => choose(alias, ({ name }) => `'${name}'`),
    idPrefix: (alias) => choose(alias, ({ variant }) => `'${variant.source.idPrefix}'`),
  };
}
