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
  readonly codes?: Slot['codes'] | undefined;
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
  const terms = expression.split(' | ').map((text) => compileTerm(parseTerm(text.trim()), resourceType));
  return (resource) => {
    const found: Leaf[] = [];
    for (const collect of terms) collect(resource, found);
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

/** One element on the way of a term, with what follows from R4 alone: its type, and where the way goes on from there. */
interface Branch {
  readonly key: string;
  readonly type: string;
  readonly codes: Slot['codes'];
  /** An element of the resource itself: its repetitions are places. */
  readonly places: boolean;
  /** Null: this is what the term leads to. */
  readonly next: readonly Branch[] | null;
}

function compileTerm({ steps, as, filter, further }: Term, resourceType: string): (resource: JsonObject, found: Leaf[]) => void {
  const branches = branchesOf(resourceType, steps, as);
  if (!filter && further === undefined) return (resource, found) => follow(branches, resource, 0, found);
  const furtherBranches = new Map(
    further === undefined ? [] : endsOf(branches).map(({ type }) => [type, branchesOf(type, [further], undefined)]),
  );
  return (resource, found) => {
    const all: Leaf[] = [];
    follow(branches, resource, 0, all);
    for (const leaf of all) {
      if (filter && !filter(leaf, resource)) continue;
      if (further === undefined) found.push(leaf);
      else if (isJsonObject(leaf.value)) follow(furtherBranches.get(leaf.type) ?? [], leaf.value, apart, found);
    }
  };
}

function branchesOf(type: string, [step, ...steps]: readonly string[], as: string | undefined): readonly Branch[] {
  const shape = shapeOf(type);
  const isEnd = steps.length === 0;
  return [...(shape?.slots.values() ?? [])]
    .filter((slot) => slot.element === step && (!isEnd || as === undefined || isOfType(slot.type, as)))
    .map((slot) => ({
      key: slot.key,
      type: slot.type,
      codes: slot.codes,
      places: shape?.resource ?? false,
      next: isEnd ? null : branchesOf(slot.type, steps, as),
    }));
}

function endsOf(branches: readonly Branch[]): readonly Branch[] {
  return branches.flatMap((branch) => (branch.next === null ? [branch] : endsOf(branch.next)));
}

function follow(branches: readonly Branch[], object: JsonObject, place: number, found: Leaf[]): void {
  for (const branch of branches) {
    const here = object[branch.key];
    // Most terms find nothing in most resources: their first element is not there.
    if (here === undefined || here === null) continue;
    if (!Array.isArray(here)) {
      enter(branch, here, place, found);
      continue;
    }
    for (let index = 0; index < here.length; index += 1)
      enter(branch, here[index], branch.places && place === 0 ? index + 1 : place, found);
  }
}

function enter({ type, codes, next }: Branch, value: unknown, place: number, found: Leaf[]): void {
  if (value === null) return;
  if (next === null) found.push({ value, type, codes, place });
  else if (isJsonObject(value)) follow(next, value, place, found);
}

function isOfType(type: string, wanted: string): boolean {
  return type === wanted || (wanted === 'Quantity' && type === 'SimpleQuantity');
}
