/** What a source's line may change of a patient whom others know too. */
import { sameJson, stringifyJson } from '../fhir/json.ts';
import { isObject, type JsonObject } from '../mapping/lift.ts';
import type { LineIssue, PatientMerge } from './job.ts';
import { identifiersOf } from './look-up.ts';

/** Of no person: who sent it and how it is shown. Contained resources come with what refers to them. */
const notMerged: ReadonlySet<string> = new Set(['resourceType', 'id', 'meta', 'text', 'implicitRules', 'language', 'contained']);

/** Elements of several types, of which a patient has one. */
const choices: Readonly<Record<string, string>> = {
  deceasedBoolean: 'deceased',
  deceasedDateTime: 'deceased',
  multipleBirthBoolean: 'multipleBirth',
  multipleBirthInteger: 'multipleBirth',
};

/** The patient as it shall be, and every element that the line says otherwise. Null: nothing is to be written. */
export function mergePatient(
  current: JsonObject,
  line: JsonObject,
  how: PatientMerge,
): { readonly merged: JsonObject | null; readonly issues: readonly LineIssue[] } {
  let merged: JsonObject = current;
  const issues: LineIssue[] = [];
  const tell = (element: string, text: string) =>
    issues.push({
      severity: 'warning',
      code: 'conflict',
      text: `Patient.${element} ${text}`,
      expression: `Patient.${element}`,
    });
  for (const [element, said] of byElement(line)) {
    const present = byElement(current).get(element) ?? {};
    const wanted = element === 'identifier' ? { ...said, identifier: together(present[element], said[element]) } : said;
    if (sameJson(wanted, present)) continue;
    const isMore = Object.entries(present).every(([key, value]) => element === 'identifier' || sameJson(value, wanted[key]));
    if (how === 'keep')
      tell(element, `${isMore ? 'is more than' : 'differs from'} what is known of the patient here, which was kept`);
    else if (!isMore && how === 'add') tell(element, 'differs from what is known of the patient here, which was kept');
    else {
      const rest = Object.entries(merged).filter(([key]) => !Object.hasOwn(present, key));
      const contained = containedWith(merged, line, wanted);
      if (contained) merged = { ...Object.fromEntries(rest), ...wanted, ...(contained.length > 0 ? { contained } : {}) };
      else tell(element, 'refers to a contained resource whose id another one has here, and was not taken over');
    }
  }
  return { merged: sameJson(merged, current) ? null : withoutOrphans(merged, current), issues };
}

/** Members by the element they belong to: a primitive with its extensions, and all of a choice. */
function byElement(patient: JsonObject): ReadonlyMap<string, JsonObject> {
  const found = new Map<string, JsonObject>();
  for (const [key, value] of Object.entries(patient)) {
    const name = key.replace(/^_/, '');
    if (notMerged.has(name)) continue;
    const element = choices[name] ?? name;
    found.set(element, { ...found.get(element), [key]: value });
  }
  return found;
}

/** All identifiers of both, each once. */
function together(present: unknown, said: unknown): unknown {
  if (!Array.isArray(present)) return said;
  if (!Array.isArray(said)) return present;
  const known = new Set(identifiersOf({ identifier: present }).map(({ system, value }) => `${system}|${value}`));
  const added = said.filter(
    (one) => !(isObject(one) && known.has(`${one['system']}|${one['value']}`)) && !present.some((other) => sameJson(one, other)),
  );
  return [...present, ...added];
}

/** The contained resources when these members are there too; null where an id would mean two of them. */
function containedWith(merged: JsonObject, line: JsonObject, members: JsonObject): readonly JsonObject[] | null {
  const all = [...containedIn(merged)];
  const theirs = containedIn(line);
  const look = (node: JsonObject): boolean =>
    theirs.every((one) => {
      if (!refersTo(node, one['id'])) return true;
      const known = all.find(({ id }) => id === one['id']);
      if (known) return sameJson(known, one);
      all.push(one);
      return look(one);
    });
  return look(members) ? all : null;
}

/** Without the contained resources that what was replaced referred to. */
function withoutOrphans(merged: JsonObject, current: JsonObject): JsonObject {
  const { contained: _, ...rest } = merged;
  const kept = containedIn(merged).filter(({ id }) => refersTo(merged, id) || !refersTo(current, id));
  return kept.length > 0 ? { ...rest, contained: kept } : rest;
}

function containedIn(patient: JsonObject): readonly JsonObject[] {
  const { contained } = patient;
  return Array.isArray(contained) ? contained.filter(isObject) : [];
}

function refersTo(node: JsonObject, id: unknown): boolean {
  return stringifyJson(node).includes(`"reference":"#${String(id)}"`);
}
