/** What R4 says of every element of the served types, ready to look up by JSON key. https://hl7.org/fhir/R4/json.html */
import codesJson from './definitions/codes.json' with { type: 'json' };
import structureJson from './definitions/structure.json' with { type: 'json' };

/** One element as definitions/structure.json keeps it; the key of a choice ends in `[x]`. Key order is the element order of R4. */
export interface ElementRow {
  readonly types: readonly string[];
  readonly min?: number;
  readonly many?: boolean;
  readonly summary?: boolean;
  readonly modifier?: boolean;
  /** Key into codes.json: the value set of a required binding. */
  readonly codes?: string;
  /** Resource types a Reference may point to; absent where any may be. */
  readonly targets?: readonly string[];
}
export type Structure = Readonly<Record<string, Readonly<Record<string, ElementRow>>>>;
/** Value set → code system → codes. */
export type Codes = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** One JSON key of a type: `valueQuantity` is the slot of the element `value` with the type `Quantity`. */
export interface Slot {
  readonly key: string;
  /** The name FHIRPath uses: `value` for `valueQuantity`. */
  readonly element: string;
  readonly type: string;
  readonly primitive: boolean;
  /** Whether `_key` may stand beside it: not where XML has an attribute or markup. */
  readonly extensible: boolean;
  readonly many: boolean;
  readonly choice: boolean;
  readonly min: number;
  readonly summary: boolean;
  readonly modifier: boolean;
  /** Codes of a required binding by code system. */
  readonly codes?: ReadonlyMap<string, ReadonlySet<string>>;
  readonly targets?: readonly string[];
}

/** A type (`Patient`, `HumanName`) or backbone element (`Patient.contact`). */
export interface TypeShape {
  readonly name: string;
  readonly resource: boolean;
  /** In element order; without the `_` keys of primitives. */
  readonly slots: ReadonlyMap<string, Slot>;
  /** The JSON keys of each mandatory element: one of them must be there. */
  readonly mandatory: readonly (readonly Slot[])[];
}

const structure: Structure = structureJson;
const codes: Codes = codesJson;

const codeSets = new Map(
  Object.entries(codes).map(([name, systems]) => [
    name,
    new Map(Object.entries(systems).map(([system, list]) => [system, new Set(list)])),
  ]),
);

const shapes: ReadonlyMap<string, TypeShape> = new Map(
  Object.entries(structure).map(([name, rows]) => [name, shapeFrom(name, rows)]),
);

/** The shape of a type or backbone element; undefined for types the gateway does not know. */
export function shapeOf(type: string): TypeShape | undefined {
  return shapes.get(type);
}

/** The resource types that are validated in full, as the gateway serves them. */
export const resourceTypes: readonly string[] = [...shapes.values()].filter((shape) => shape.resource).map((shape) => shape.name);

/** The resource with its top-level elements in R4's order, each `_key` after its key; keys R4 does not know come last. */
export function inElementOrder<T extends { readonly resourceType: string }>(resource: T): T {
  const keys = [...(shapeOf(resource.resourceType)?.slots.keys() ?? [])].flatMap((key) => [key, `_${key}`]);
  const first = {
    resourceType: undefined,
    ...Object.fromEntries(keys.filter((key) => key in resource).map((key) => [key, undefined])),
  };
  return Object.assign(first, resource);
}

function shapeFrom(name: string, rows: Readonly<Record<string, ElementRow>>): TypeShape {
  const slots = Object.entries(rows).flatMap(([element, row]) => slotsFrom(name, element, row));
  const mandatory = Map.groupBy(
    slots.filter((slot) => slot.min > 0),
    (slot) => slot.element,
  );
  return {
    name,
    resource: 'implicitRules' in rows,
    slots: new Map(slots.map((slot) => [slot.key, slot])),
    mandatory: [...mandatory.values()],
  };
}

function slotsFrom(parent: string, name: string, row: ElementRow): Slot[] {
  const choice = name.endsWith('[x]');
  const element = choice ? name.slice(0, -3) : name;
  const set = row.codes === undefined ? undefined : codeSets.get(row.codes);
  return row.types.map((type) => ({
    key: choice ? `${element}${choiceSuffix(type)}` : element,
    element,
    type,
    primitive: /^[a-z]/.test(type),
    extensible: /^[a-z]/.test(type) && name !== 'id' && type !== 'xhtml' && !(parent === 'Extension' && name === 'url'),
    many: row.many ?? false,
    choice,
    min: row.min ?? 0,
    summary: row.summary ?? false,
    modifier: row.modifier ?? false,
    ...(set ? { codes: set } : {}),
    ...(row.targets ? { targets: row.targets } : {}),
  }));
}

function choiceSuffix(type: string): string {
  return type === 'SimpleQuantity' ? 'Quantity' : type.charAt(0).toUpperCase() + type.slice(1);
}
