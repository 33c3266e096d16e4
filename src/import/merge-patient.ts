/** What a source's line may change of a patient whom others know too. */
import { sameJson } from '../fhir/json.ts';
import { isObject, type JsonObject } from '../mapping/lift.ts';
import type { LineIssue, PatientMerge } from './job.ts';
import { identifiersOf } from './look-up.ts';

/** Of no person: who sent it and how it is shown. */
const notMerged: ReadonlySet<string> = new Set(['resourceType', 'id', 'meta', 'text', 'implicitRules', 'language', 'contained']);

/** The patient as it shall be, and every element that the line says otherwise. Null: nothing is to be written. */
export function mergePatient(
  current: JsonObject,
  line: JsonObject,
  how: PatientMerge,
): { readonly merged: JsonObject | null; readonly issues: readonly LineIssue[] } {
  const merged: JsonObject = { ...current };
  const issues: LineIssue[] = [];
  for (const [element, value] of Object.entries(line)) {
    if (notMerged.has(element) || element.startsWith('_')) continue;
    const present = current[element];
    if (present === undefined || how === 'overwrite')
      merged[element] = element === 'identifier' ? together(present, value) : value;
    else if (element === 'identifier') merged[element] = together(present, value);
    else if (!sameJson(present, value)) {
      const text = `Patient.${element} differs from what is known of the patient here, which was kept`;
      issues.push({ severity: 'warning', code: 'conflict', text, expression: `Patient.${element}` });
    }
  }
  const writes = how !== 'keep' && !sameJson(merged, current);
  return { merged: writes ? merged : null, issues };
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
