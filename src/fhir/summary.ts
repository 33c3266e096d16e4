/** Parts of a resource: _summary and _elements. https://hl7.org/fhir/R4/search.html#summary */
import type { Coding, FhirResource } from 'fhir/r4.js';
import { isJsonObject, type JsonObject } from './json.ts';
import { type Slot, shapeOf, type TypeShape } from './structure.ts';

export type SummaryMode = 'true' | 'text' | 'data' | 'count' | 'false';

export const summaryModes: readonly SummaryMode[] = ['true', 'text', 'data', 'count', 'false'];

const subsetted: Coding = {
  system: 'http://terminology.hl7.org/CodeSystem/v3-ObservationValue',
  code: 'SUBSETTED',
  display: 'subsetted',
};

/** What stays in every subset of a resource. */
const always = new Set(['resourceType', 'id', 'meta', 'implicitRules']);

/**
 * The resource as `_summary` asks for it, marked SUBSETTED in meta.tag: `true` keeps the summary elements, `text` narrative and mandatory
 * elements, `data` all but the narrative. For `false` it is the resource itself, for `count` nothing but type and id, as no resource is wanted.
 */
export function summarise<T extends FhirResource>(resource: T, mode: SummaryMode): T {
  if (mode === 'false') return resource;
  if (mode === 'count') return pick(resource, (key) => key === 'resourceType' || key === 'id');
  if (mode === 'data') return marked(pick(resource, (key) => key !== 'text'));
  const shape = shapeOf(resource.resourceType);
  if (mode === 'text')
    return marked(pick(resource, (key) => always.has(key) || key === 'text' || isMandatory(slotOf(shape, key))));
  return marked(shape ? summaryOf(resource, shape) : resource);
}

/**
 * The resource with the elements of `_elements` (top-level names such as `value` for `value[x]`; a path `name.given` keeps all of `name`),
 * together with id, meta, mandatory and modifier elements, marked SUBSETTED in meta.tag.
 */
export function selectElements<T extends FhirResource>(resource: T, elements: readonly string[]): T {
  const wanted = new Set(elements.map((element) => element.split('.')[0]));
  const shape = shapeOf(resource.resourceType);
  return marked(
    pick(resource, (key) => {
      const slot = slotOf(shape, key);
      const name = key.startsWith('_') ? key.slice(1) : key;
      return always.has(key) || wanted.has(name) || wanted.has(slot?.element) || isMandatory(slot) || (slot?.modifier ?? false);
    }),
  );
}

/** Whether a type has such an element; for the refusal of unknown `_elements`. */
export function hasElement(type: string, element: string): boolean {
  const slots = [...(shapeOf(type)?.slots.values() ?? [])];
  return slots.some((slot) => slot.element === element || slot.key === element);
}

function slotOf(shape: TypeShape | undefined, key: string): Slot | undefined {
  return shape?.slots.get(key.startsWith('_') ? key.slice(1) : key);
}

function isMandatory(slot: Slot | undefined): boolean {
  return (slot?.min ?? 0) > 0;
}

function pick<T extends object>(node: T, keeps: (key: string) => boolean): T;
function pick(node: object, keeps: (key: string) => boolean): object {
  return Object.fromEntries(Object.entries(node).filter(([key]) => keeps(key)));
}

/** Summary elements all the way down: a backbone element keeps only those of its own that are. */
function summaryOf<T extends object>(node: T, shape: TypeShape): T;
function summaryOf(node: object, shape: TypeShape): object {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(node)) {
    const slot = slotOf(shape, key);
    if (always.has(key)) result[key] = value;
    else if (slot && (slot.summary || slot.modifier || isMandatory(slot))) {
      const inner = slot.type.includes('.') ? shapeOf(slot.type) : undefined;
      result[key] = inner ? summaryOfEach(value, inner) : value;
    }
  }
  return result;
}

function summaryOfEach(value: unknown, shape: TypeShape): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => summaryOfEach(item, shape));
  if (!isJsonObject(value)) return value;
  const kept: JsonObject = summaryOf(value, shape);
  return Object.keys(kept).length > 0 ? kept : value;
}

function marked<T extends FhirResource>(resource: T): T {
  const tags = resource.meta?.tag ?? [];
  if (tags.some((tag) => tag.system === subsetted.system && tag.code === subsetted.code)) return resource;
  return { ...resource, meta: { ...resource.meta, tag: [...tags, subsetted] } };
}
