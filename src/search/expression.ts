/** Evaluates the FHIRPath that HL7's search parameters use on a resource as it is served. https://hl7.org/fhir/R4/fhirpath.html */
import { isJsonObject, type JsonObject } from '../fhir/json.ts';
import { parseReference } from '../fhir/references.ts';
import { type Slot, shapeOf } from '../fhir/structure.ts';
import { apart } from './index-rows.ts';

/** A value found, with its FHIR type, as the search parameter types need it. */
export interface Leaf {
  readonly value: unknown;
  readonly type: string;
  /** The codes of a required binding by code system: the implicit system of a `code`. */
  readonly codes?: Slot['codes'];
  /** Which repetition of the first repeating element it came from, from 1; 0 where none repeats: ties the parts of a composite together. */
  readonly place: number;
}

export type Evaluate = (resource: JsonObject) => readonly Leaf[];

type Filter = (leaf: Leaf, resource: JsonObject) => boolean;

interface Term {
  readonly steps: readonly string[];
  /** Type wanted of the last step; undefined: any. */
  readonly as?: string;
  readonly filter?: Filter;
  /** A further step behind `(… as T)`. */
  readonly further?: string;
}

/** For resources of this type. @throws Error for an expression that is none of the forms which the parameters of the served types use: found at start, not in a search. */
export function compileExpression(expression: string, resourceType: string): Evaluate {
  const special = specials[expression];
  if (special) return special;
  const terms = expression.split(' | ').map((text) => {
    const term = parseTerm(text.trim());
    return { term, keys: slotsNamed(resourceType, term.steps[0] ?? '').map(({ key }) => key) };
  });
  return (resource) => {
    let found = none;
    for (const { term, keys } of terms) {
      // Most parameters find nothing in most resources: their first element is not there.
      if (!keys.some((key) => resource[key] !== undefined)) continue;
      const ofTerm = evaluate(term, resource, resourceType);
      found = found === none ? ofTerm : [...found, ...ofTerm];
    }
    return found;
  };
}

/** The types of the elements an expression leads to, for documentation and for `:of-type`. */
const specials: Readonly<Record<string, Evaluate>> = {
  'Patient.deceased.exists() and Patient.deceased != false': ({ deceasedBoolean, deceasedDateTime }) => [
    { value: deceasedBoolean === true || typeof deceasedDateTime === 'string', type: 'boolean', place: 0 },
  ],
};

function parseTerm(text: string): Term {
  const bracketed = /^\((\S+) as (\w+)\)(?:\.(\w+))?$/.exec(text);
  if (bracketed?.[1] && bracketed[2]) {
    const further = bracketed[3] === undefined ? {} : { further: bracketed[3] };
    return { steps: stepsOf(bracketed[1]), as: bracketed[2], ...further };
  }
  const cast = /^([\w.]+)\.as\((\w+)\)$/.exec(text);
  if (cast?.[1] && cast[2]) return { steps: stepsOf(cast[1]), as: cast[2] };
  const typed = /^([\w.]+)\.where\(resolve\(\) is (\w+)\)$/.exec(text);
  if (typed?.[1] && typed[2]) return { steps: stepsOf(typed[1]), filter: refersTo(typed[2]) };
  const system = /^([\w.]+)\.where\(system='(\w+)'\)$/.exec(text);
  if (system?.[1]) {
    return { steps: stepsOf(system[1]), filter: ({ value }) => isJsonObject(value) && value['system'] === system[2] };
  }
  if (!/^[\w.]+$/.test(text)) throw new Error(`Search expression ${text} is not of a known form`);
  return { steps: stepsOf(text) };
}

function stepsOf(path: string): readonly string[] {
  return path.split('.').slice(1);
}

/** What a reference resolves to is told by its text, or by what is contained: the gateway holds no unresolved reference of its own types. */
function refersTo(type: string): Filter {
  return ({ value }, resource) => isJsonObject(value) && resolvedType(value, resource) === type;
}

export function resolvedType(reference: JsonObject, resource: JsonObject): string | undefined {
  const text = reference['reference'];
  const parsed = typeof text === 'string' ? parseReference(text) : undefined;
  if (parsed?.kind === 'contained') {
    const contained = Array.isArray(resource['contained']) ? resource['contained'] : [];
    const target: unknown = contained.find((one) => isJsonObject(one) && one['id'] === parsed.id);
    return isJsonObject(target) ? String(target['resourceType']) : undefined;
  }
  return parsed && 'type' in parsed ? parsed.type : undefined;
}

const none: readonly Leaf[] = [];

function evaluate({ steps, as, filter, further }: Term, resource: JsonObject, type: string): readonly Leaf[] {
  let found: Leaf[] = [{ value: resource, type, place: 0 }];
  steps.forEach((step, at) => {
    const wanted = at === steps.length - 1 ? as : undefined;
    found = found.flatMap((leaf) => children(leaf, step, wanted));
  });
  if (filter) found = found.filter((leaf) => filter(leaf, resource));
  if (further === undefined) return found;
  return found.flatMap((leaf) => children(leaf, further, undefined)).map((leaf) => ({ ...leaf, place: apart }));
}

function children({ value, type, place }: Leaf, element: string, as: string | undefined): Leaf[] {
  if (!isJsonObject(value)) return [];
  const shape = shapeOf(type);
  const found: Leaf[] = [];
  for (const slot of slotsNamed(type, element)) {
    if (as !== undefined && !isOfType(slot.type, as)) continue;
    const here = value[slot.key];
    if (here === undefined || here === null) continue;
    const codes = slot.codes ? { codes: slot.codes } : {};
    const items: readonly unknown[] = Array.isArray(here) ? here : [here];
    items.forEach((item, index) => {
      if (item === null) return;
      const repeats = place === 0 && Array.isArray(here) && shape?.resource;
      found.push({ value: item, type: slot.type, ...codes, place: repeats ? index + 1 : place });
    });
  }
  return found;
}

const slotCache = new Map<string, readonly Slot[]>();

function slotsNamed(type: string, element: string): readonly Slot[] {
  const key = `${type}.${element}`;
  const known = slotCache.get(key);
  if (known) return known;
  const slots = [...(shapeOf(type)?.slots.values() ?? [])].filter((slot) => slot.element === element);
  slotCache.set(key, slots);
  return slots;
}

function isOfType(type: string, wanted: string): boolean {
  return type === wanted || (wanted === 'Quantity' && type === 'SimpleQuantity');
}
