/** The one list of what this gateway serves; routes, CapabilityStatement, triggers, documentation and law tests follow from it. */
import { type CompiledMapping, type CompiledVariant, compileMapping } from './compile.ts';
import type { JsonObject } from './lift.ts';
import type { TableName } from './tables.ts';
import type { Mapping } from './types.ts';
import type { AnyView } from './view.ts';

export interface Registry {
  readonly mappings: readonly CompiledMapping[];
  readonly resourceTypes: readonly string[];
  /** Types without rows of their own; they are none of `resourceTypes`. */
  readonly views: readonly AnyView[];
  get(resourceType: string): CompiledMapping | undefined;
  /** The variant whose rows a resource's `source` names. */
  variant(resourceType: string, name: string): CompiledVariant | undefined;
  /** The variant that keeps a new resource of this content. */
  variantFor(resourceType: string, resource: JsonObject): CompiledVariant;
  /** The variant that keeps a resource of this content which `current` keeps now: another one only when it is withdrawn, or no longer. */
  variantAfter(current: CompiledVariant, resource: JsonObject): CompiledVariant;
  /** All variants whose row, parent or child is in this table. */
  ofTable(table: TableName): readonly CompiledVariant[];
}

/** Mappings differ in their FHIR type and terms; within the kit all are JSON. */
// biome-ignore lint/suspicious/noExplicitAny: the one place where typed mappings enter the untyped kit
export type AnyMapping = Mapping<any, any>;

export function createRegistry(mappings: readonly AnyMapping[], views: readonly AnyView[] = []): Registry {
  const compiled = mappings.map(compileMapping);
  const byType = new Map(compiled.map((mapping) => [mapping.resourceType, mapping]));
  if (byType.size !== compiled.length) throw new Error('A resource type is registered twice');
  for (const { resourceType, of } of views) {
    if (byType.has(resourceType) || !byType.has(of)) throw new Error(`${resourceType} cannot be a view of ${of}`);
  }
  const variant = (resourceType: string, name: string) => byType.get(resourceType)?.all.find((one) => one.name === name);
  const keptFor = (resourceType: string, resource: JsonObject) => {
    const mapping = byType.get(resourceType);
    return mapping?.mapping.withdrawn?.is(resource) ? mapping.kept : null;
  };
  const variantFor = (resourceType: string, resource: JsonObject) => {
    const mapping = byType.get(resourceType);
    const name = mapping?.mapping.choose?.(resource) ?? mapping?.variants[0]?.name;
    const chosen = keptFor(resourceType, resource) ?? (name === undefined ? undefined : variant(resourceType, name));
    if (!chosen) throw new Error(`${resourceType}: no variant for this resource`);
    return chosen;
  };
  return {
    mappings: compiled,
    resourceTypes: compiled.map((mapping) => mapping.resourceType),
    views,
    get: (resourceType) => byType.get(resourceType),
    variant,
    variantFor,
    variantAfter(current, resource) {
      const kept = keptFor(current.resourceType, resource);
      return kept ?? (current.variant.source.rowless ? variantFor(current.resourceType, resource) : current);
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
