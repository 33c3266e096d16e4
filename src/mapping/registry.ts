/** The one list of what this gateway serves; routes, CapabilityStatement, triggers, documentation and law tests follow from it. */
import { type CompiledMapping, type CompiledVariant, compileMapping } from './compile.ts';
import type { JsonObject } from './lift.ts';
import type { TableName } from './tables.ts';
import type { Mapping } from './types.ts';

export interface Registry {
  readonly mappings: readonly CompiledMapping[];
  readonly resourceTypes: readonly string[];
  get(resourceType: string): CompiledMapping | undefined;
  /** The variant whose rows a resource's `source` names. */
  variant(resourceType: string, name: string): CompiledVariant | undefined;
  /** The variant that keeps a new resource of this content. */
  variantFor(resourceType: string, resource: JsonObject): CompiledVariant;
  /** All variants whose row, parent or child is in this table. */
  ofTable(table: TableName): readonly CompiledVariant[];
}

/** Mappings differ in their FHIR type and terms; within the kit all are JSON. */
// biome-ignore lint/suspicious/noExplicitAny: the one place where typed mappings enter the untyped kit
export type AnyMapping = Mapping<any, any>;

export function createRegistry(mappings: readonly AnyMapping[]): Registry {
  const compiled = mappings.map(compileMapping);
  const byType = new Map(compiled.map((mapping) => [mapping.resourceType, mapping]));
  if (byType.size !== compiled.length) throw new Error('A resource type is registered twice');
  const variant = (resourceType: string, name: string) => byType.get(resourceType)?.variants.find((one) => one.name === name);
  return {
    mappings: compiled,
    resourceTypes: compiled.map((mapping) => mapping.resourceType),
    get: (resourceType) => byType.get(resourceType),
    variant,
    variantFor(resourceType, resource) {
      const mapping = byType.get(resourceType);
      const name = mapping?.mapping.choose?.(resource) ?? mapping?.variants[0]?.name;
      const chosen = name === undefined ? undefined : variant(resourceType, name);
      if (!chosen) throw new Error(`${resourceType}: no variant for this resource`);
      return chosen;
    },
    ofTable: (table) =>
      compiled
        .flatMap((mapping) => mapping.variants)
        .filter(({ variant: { source } }) => [source.table, source.parent?.table, source.child?.table].includes(table)),
  };
}

/** Keeps a mapping's FHIR types while it is written. */
export function defineMapping<L, Terms>(mapping: Mapping<L, Terms>): Mapping<L, Terms> {
  return mapping;
}
