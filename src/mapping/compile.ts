/** A mapping made ready to run: what can be worked out once per variant is worked out here, not per request. */
import { hash } from 'node:crypto';
import { information } from '../fhir/outcome.ts';
import { type JsonObject, type SlicesByArray, slicesByArray } from './lift.ts';
import { patientReference } from './pairs.ts';
import { type PathSet, pathSet, type Split, splitter } from './paths.ts';
import { tables } from './tables.ts';
import type { ColumnValue, Mapping, Pair, Stored, Variant } from './types.ts';

/** `el` is what the client said where the columns say it differently; it holds while the columns hash to `fp`. */
export interface Refinement {
  readonly fp: string;
  readonly el: JsonObject;
}

/** What a resource says beyond its columns. */
export interface Overlay {
  readonly refined: Readonly<Record<string, Refinement>>;
  /** Elements that no pair owns, lifted. */
  readonly rest: JsonObject;
}

export interface CompiledPair {
  readonly pair: Pair<JsonObject>;
  readonly name: string;
  /** This pair's bit in the `refined` mask of its resources. */
  readonly bit: number;
  readonly paths: PathSet;
  /** Columns it reads by where they are. */
  readonly reads: { readonly row: readonly string[]; readonly parent: readonly string[]; readonly child: readonly string[] };
  fingerprint(stored: Stored): string;
}

export interface CompiledVariant {
  readonly resourceType: string;
  readonly name: string;
  readonly variant: Variant<JsonObject>;
  readonly slices: SlicesByArray;
  readonly pairs: readonly CompiledPair[];
  /** What each pair owns, in their order, and what none does. */
  split(lifted: JsonObject): Split;
  /** Those whose elements only the server says. */
  readonly serverOwned: readonly CompiledPair[];
}

export interface CompiledMapping {
  readonly resourceType: string;
  readonly mapping: Mapping<JsonObject>;
  /** Those made of rows. */
  readonly variants: readonly CompiledVariant[];
  /** Keeps what was withdrawn, without a row; null where the type has rows for everything. See docs/decisions/0008. */
  readonly kept: CompiledVariant | null;
  /** `variants` and `kept`. */
  readonly all: readonly CompiledVariant[];
}

/** Name of the variant without rows. */
export const keptName = 'kept';

/** Bits of the mask are those of a 32-bit integer, sign left alone. */
const pairsMax = 31;

export function compileMapping(mapping: Mapping<JsonObject>): CompiledMapping {
  const { resourceType } = mapping;
  const variants = mapping.variants.map((variant) => compileVariant(resourceType, variant));
  const kept = keptVariant(mapping);
  return { resourceType, mapping, variants, kept, all: kept ? [...variants, kept] : variants };
}

/** Nothing is a column but the patient it belongs to. */
function keptVariant({ resourceType, variants: [first], withdrawn }: Mapping<JsonObject>): CompiledVariant | null {
  if (!withdrawn || !first) return null;
  const { table, idPrefix } = first.source;
  return compileVariant(resourceType, {
    name: keptName,
    source: { table, key: 'rid', idPrefix, patient: 'row', rowless: true },
    pairs: [patientReference<JsonObject>(resourceType, withdrawn.patient)],
    check: (_resource, context) =>
      context.tell(
        information(
          'informational',
          `${resourceType} is withdrawn: it is kept here, and MediMax shows nothing of it`,
          resourceType,
        ),
      ),
  });
}

function compileVariant(resourceType: string, variant: Variant<JsonObject>): CompiledVariant {
  const all = [...variant.pairs, narrative];
  if (all.length > pairsMax) throw new Error(`${resourceType} ${variant.name}: more than ${pairsMax} pairs`);
  checkColumnsWrittenOnce(resourceType, variant);
  const pairs = all.map((pair, index) => compilePair(pair, index, variant));
  return {
    resourceType,
    name: variant.name,
    variant,
    slices: slicesByArray(variant.slices ?? []),
    pairs,
    split: splitter(pairs.map(({ paths }) => paths)),
    serverOwned: pairs.filter(({ pair }) => pair.serverOwned),
  };
}

/** A narrative a client sent describes the whole row, so any change of the row makes it stale. */
const narrative: Pair<JsonObject> = { name: 'text', elements: ['text'], columns: ['*'], toFhir: () => ({}) };

function compilePair(pair: Pair<JsonObject>, index: number, variant: Variant<JsonObject>): CompiledPair {
  const reads = pair.columns.includes('*') ? everyColumn(variant) : byPlace(pair.columns);
  return {
    pair,
    name: pair.name,
    bit: 1 << index,
    paths: pathSet(pair.elements),
    reads,
    fingerprint(stored) {
      if (pair.list) return pair.list.mark(stored);
      const values: (ColumnValue | undefined)[] = reads.row.map((column) => stored.row[column]);
      for (const column of reads.parent) values.push(stored.parent?.[column]);
      for (const child of stored.children) for (const column of reads.child) values.push(child.row[column]);
      return hash('sha1', JSON.stringify(values), 'base64url').slice(0, 16);
    },
  };
}

function byPlace(columns: readonly string[]): CompiledPair['reads'] {
  const under = (prefix: string) =>
    columns.filter((column) => column.startsWith(prefix)).map((column) => column.slice(prefix.length));
  return { row: columns.filter((column) => !column.includes('.')), parent: under('parent.'), child: under('child.') };
}

function everyColumn({ source }: Variant<JsonObject>): CompiledPair['reads'] {
  const of = (table: keyof typeof tables | undefined) =>
    table ? Object.keys(tables[table].columns).filter((column) => tables[table].columns[column]?.type !== 'timestamp') : [];
  return {
    row: of(source.table).filter((column) => column !== source.key),
    parent: of(source.parent?.table).filter((column) => column !== source.parent?.key),
    child: source.child ? source.child.columns : [],
  };
}

/** Two writers of one column would undo each other; found when the registry is made, not in production. */
function checkColumnsWrittenOnce(resourceType: string, variant: Variant<JsonObject>): void {
  const owners = new Map<string, string>();
  for (const pair of variant.pairs) {
    if (!pair.toRow) continue;
    for (const column of pair.columns) {
      const other = owners.get(column);
      if (other) throw new Error(`${resourceType} ${variant.name}: ${column} is written by both ${other} and ${pair.name}`);
      owners.set(column, pair.name);
    }
  }
}
