/** References: what a reference says, and every one a resource makes. https://hl7.org/fhir/R4/references.html */
import type { Reference } from 'fhir/r4.js';
import codes from './definitions/codes.json' with { type: 'json' };
import { shapeOf, type TypeShape } from './structure.ts';

export type ParsedReference =
  | { readonly kind: 'relative'; readonly type: string; readonly id: string; readonly version?: string }
  | {
      readonly kind: 'absolute';
      readonly url: string;
      readonly base?: string;
      readonly type?: string;
      readonly id?: string;
      readonly version?: string;
    }
  /** `urn:uuid:…` or `urn:oid:…` */
  | { readonly kind: 'urn'; readonly urn: string }
  /** `#id`, or `#` from a contained resource to the one that contains it (id ''). */
  | { readonly kind: 'contained'; readonly id: string }
  /** `Patient?identifier=…`, which transactions may hold. */
  | { readonly kind: 'conditional'; readonly type: string; readonly query: string };

/** The names of all R4 resource types, those the gateway does not hold included. */
export const allResourceTypes: ReadonlySet<string> = new Set(codes['all-types']['http://hl7.org/fhir/resource-types']);

const literal = /^(?:(https?:\/\/.+)\/)?([A-Z][A-Za-z]{2,40})\/([A-Za-z0-9\-.]{1,64})(?:\/_history\/([A-Za-z0-9\-.]{1,64}))?$/;
const conditional = /^([A-Z][A-Za-z]{2,40})\?(\S+)$/;

/** What the text of Reference.reference says; undefined when it is none of the forms R4 knows. */
export function parseReference(text: string): ParsedReference | undefined {
  if (text.startsWith('#')) return /^#[A-Za-z0-9\-.]{0,64}$/.test(text) ? { kind: 'contained', id: text.slice(1) } : undefined;
  if (/^urn:\S+$/i.test(text)) return { kind: 'urn', urn: text };
  const match = literal.exec(text);
  const [, base, type, id, version] = match ?? [];
  if (type !== undefined && id !== undefined && allResourceTypes.has(type)) {
    const versioned = version === undefined ? {} : { version };
    return base === undefined
      ? { kind: 'relative', type, id, ...versioned }
      : { kind: 'absolute', url: text, base, type, id, ...versioned };
  }
  if (/^[a-z][a-z0-9+.-]*:\S+$/i.test(text)) return { kind: 'absolute', url: text };
  const [, conditionalType, query] = conditional.exec(text) ?? [];
  if (conditionalType === undefined || query === undefined || !allResourceTypes.has(conditionalType)) return undefined;
  return { kind: 'conditional', type: conditionalType, query };
}

/** The resource type a reference names, by its text or else its `type`; undefined when it names none. */
export function referencedType(reference: Reference): string | undefined {
  const parsed = typeof reference.reference === 'string' ? parseReference(reference.reference) : undefined;
  return (parsed && 'type' in parsed ? parsed.type : undefined) ?? reference.type;
}

/**
 * Visits every Reference in a resource, those inside extensions and contained resources too, with its FHIRPath
 * (`Observation.subject`, `MedicationStatement.medication`, `Patient.contained[0].generalPractitioner[1]`). In resources of types the gateway
 * does not know, whatever has a `reference` string is one.
 */
export function forEachReference(resource: object, visit: (reference: Reference, expression: string) => void): void {
  const type = typeName(resource);
  walk(resource, shapeOf(type), { name: type }, visit);
}

function typeName(resource: object): string {
  return 'resourceType' in resource && typeof resource.resourceType === 'string' ? resource.resourceType : 'Resource';
}

/** Where an element stands; its text is only made of the few that are references. */
interface Path {
  readonly within?: Path;
  readonly name: string;
  readonly index?: number;
}

function textOf({ within, name, index }: Path): string {
  const own = index === undefined ? name : `${name}[${index}]`;
  return within ? `${textOf(within)}.${own}` : own;
}

function walk(
  node: object,
  shape: TypeShape | undefined,
  path: Path,
  visit: (reference: Reference, expression: string) => void,
): void {
  if (shape ? shape.name === 'Reference' : 'reference' in node && typeof node.reference === 'string') visit(node, textOf(path));
  for (const key of Object.keys(node)) {
    const value: unknown = node[key as keyof typeof node];
    if (typeof value !== 'object' || value === null || JSON.isRawJSON(value)) continue;
    const slot = shape?.slots.get(key.startsWith('_') ? key.slice(1) : key);
    const name = slot?.element ?? key.replace(/^_/, '');
    const childType = slot?.primitive
      ? 'Element'
      : (slot?.type ?? (key === 'extension' || key === 'modifierExtension' ? 'Extension' : undefined));
    if (Array.isArray(value)) {
      value.forEach((item: unknown, index) => {
        if (typeof item === 'object' && item !== null)
          walk(item, shapeFor(childType, item), { within: path, name, index }, visit);
      });
    } else walk(value, shapeFor(childType, value), { within: path, name }, visit);
  }
}

function shapeFor(type: string | undefined, node: object): TypeShape | undefined {
  if (type === 'Resource') return shapeOf(typeName(node));
  return type === undefined ? undefined : shapeOf(type);
}
