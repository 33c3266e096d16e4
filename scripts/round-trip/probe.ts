/** What becomes of one element: measured by writing a sample of it into columns and reading the columns back. */

import type { CodeMap } from '../../mappings/terminology/declared.ts';
import { type ElementOrigin, explain } from '../../src/explain/explain.ts';
import { sameJson } from '../../src/fhir/json.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import { type Slot, shapeOf } from '../../src/fhir/structure.ts';
import { validate } from '../../src/fhir/validate.ts';
import type { CompiledVariant } from '../../src/mapping/compile.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import type { Registry } from '../../src/mapping/registry.ts';
import { renderContent } from '../../src/mapping/render.ts';
import type { Env, Stored } from '../../src/mapping/types.ts';
import { writeResource } from '../../test/support/lens.ts';
import { asMany, codingsOf, sampleOf } from './samples.ts';

/** `columns`: they alone give it back. `both`: they hold part of it. `mapping`: it is always read so.
 * `overlay`: they hold nothing of it. `rowless`: the whole resource has no row. */
export type Fate = 'columns' | 'both' | 'mapping' | 'overlay' | 'rowless' | 'refused' | 'unmeasured';

export interface Probe {
  readonly fate: Fate;
  /** Of the columns that hold it: `sex`, `Lab_Report.lab_date`. */
  readonly columns: readonly string[];
  /** Why it was refused, or why no sample could be made. */
  readonly why?: string;
  /** The code that was tried. */
  readonly code?: string;
}

export interface ProbedElement {
  readonly slot: Slot;
  readonly probes: readonly Probe[];
}

/** Said by the server, or by the kit for every type alike. */
const notProbed: readonly string[] = [
  'id',
  'meta',
  'implicitRules',
  'language',
  'text',
  'contained',
  'extension',
  'modifierExtension',
];

export interface Bench {
  readonly registry: Registry;
  readonly codeMaps: readonly CodeMap[];
  readonly env: Env;
}

export function probeVariant(bench: Bench, variant: CompiledVariant, minimal: JsonObject): readonly ProbedElement[] {
  const slots = [...(shapeOf(variant.resourceType)?.slots.values() ?? [])].filter(({ key }) => !notProbed.includes(key));
  return slots.map((slot) => ({
    slot,
    probes: samplesFor(bench, variant.resourceType, slot).map(({ label, item }): Probe => {
      const probe = probeOne(bench, variant, minimal, slot, item);
      return label === undefined ? probe : { ...probe, code: label };
    }),
  }));
}

/** Every code of a required binding; the codes a code table writes, and one it does not know; else one sample. */
function samplesFor(
  { codeMaps }: Bench,
  resourceType: string,
  slot: Slot,
): readonly { readonly label?: string; readonly item: unknown }[] {
  const required = codingsOf(slot);
  const known = codeMaps
    .filter(({ direction, elements }) => direction === 'written' && elements.includes(`${resourceType}.${slot.element}`))
    .flatMap(({ fromSystem, rows }) =>
      fromSystem.includes(':') ? rows.map(({ from }) => ({ system: fromSystem, code: from.code })) : [],
    );
  const of = (codings: ReturnType<typeof codingsOf>) =>
    codings.map((coding) => ({ label: coding.code, item: sampleOf(slot, coding) }));
  if (required.length > 0) return of(required);
  if (known.length > 0 && slot.type === 'CodeableConcept') return [...of(known), { label: 'any other', item: sampleOf(slot) }];
  return [{ item: sampleOf(slot) }];
}

function probeOne({ registry, env }: Bench, variant: CompiledVariant, minimal: JsonObject, slot: Slot, item: unknown): Probe {
  if (item === undefined) return { fate: 'unmeasured', columns: [], why: `no sample of a ${slot.type}` };
  const resource = withElement(variant.resourceType, minimal, slot, item);
  const fault = validate(resource, variant.resourceType).find(({ severity }) => severity === 'error');
  if (fault) return { fate: 'unmeasured', columns: [], why: fault.text };
  const chosen = registry.variantFor(variant.resourceType, resource);
  if (chosen !== variant && 'rowless' in chosen.variant.source) return { fate: 'rowless', columns: [] };
  if (chosen.name !== variant.name) return { fate: 'unmeasured', columns: [], why: `it makes it ${chosen.name}` };
  let written: ReturnType<typeof writeResource>;
  try {
    written = writeResource(variant, resource, env);
  } catch (refused) {
    if (!(refused instanceof FhirError)) throw refused;
    return { fate: 'refused', columns: [], why: refused.issues.find(({ severity }) => severity === 'error')?.text ?? '' };
  }
  const { stored, overlay, refined } = written;
  const fromColumns = renderContent(variant, stored, null, 0, env)[slot.key];
  const { elements } = explain({ variant, stored, overlay, refined }, env, []);
  const columns = columnsBelow(variant, elements, slot);
  const isSame = sameJson(fromColumns, resource[slot.key]);
  if (isSame) return columns.length > 0 ? { fate: 'columns', columns } : { fate: 'mapping', columns: [] };
  const moved = changedColumns(variant, resource, written, slot, env);
  const held = [...new Set([...columns, ...moved])].toSorted();
  return { fate: held.length > 0 ? 'both' : 'overlay', columns: held };
}

/** Of a choice only one may be there; what is measured stands last among several. */
function withElement(resourceType: string, minimal: JsonObject, slot: Slot, item: unknown): JsonObject {
  const others = [...(shapeOf(resourceType)?.slots.values() ?? [])].filter(
    (one) => one.element === slot.element && one.key !== slot.key,
  );
  const resource = Object.fromEntries(Object.entries(minimal).filter(([key]) => !others.some((one) => one.key === key)));
  const there = minimal[slot.key];
  const isNeeded = slot.element === 'participant';
  return { ...resource, [slot.key]: Array.isArray(there) && isNeeded ? [...there, item] : asMany(slot, item) };
}

/** Columns that the served element comes from. */
function columnsBelow(
  { resourceType, variant: { source } }: CompiledVariant,
  elements: readonly ElementOrigin[],
  slot: Slot,
): readonly string[] {
  const path = `${resourceType}.${slot.key}`;
  const isBelow = (other: string) => other === path || other.startsWith(`${path}.`) || other.startsWith(`${path}[`);
  const found = elements
    .filter(({ path: other, from }) => from === 'columns' && isBelow(other))
    .flatMap(({ columns }) => columns);
  return [...new Set(found.map(({ table, column }) => (table === source.table ? column : `${table}.${column}`)))].toSorted();
}

/** Columns that are others than without the element; where it cannot be left out, those that the pair which owns it has filled. */
function changedColumns(
  variant: CompiledVariant,
  resource: JsonObject,
  { stored }: ReturnType<typeof writeResource>,
  slot: Slot,
  env: Env,
): readonly string[] {
  const { [slot.key]: measured, ...without } = resource;
  const { source } = variant.variant;
  let before: Stored;
  try {
    before = writeResource(variant, without, env).stored;
  } catch {
    const owner = variant.pairs.find(
      ({ pair, paths }) => pair.toRow && Object.keys(paths.pick({ [slot.key]: measured })).length > 0,
    );
    const filled = (place: 'row' | 'parent') =>
      (owner?.reads[place] ?? []).filter((column) => (stored[place]?.[column] ?? null) !== null);
    return [...filled('row'), ...filled('parent').map((column) => `${source.parent?.table}.${column}`)];
  }
  const row = Object.keys(stored.row).filter((column) => stored.row[column] !== before.row[column]);
  const parent = Object.keys(stored.parent ?? {}).filter((column) => stored.parent?.[column] !== before.parent?.[column]);
  const children = sameJson(stored.children, before.children) ? [] : (source.child?.columns ?? []);
  return [
    ...row,
    ...parent.map((column) => `${source.parent?.table}.${column}`),
    ...children.map((column) => `${source.child?.table}.${column}`),
  ];
}
