/** The checks of single values: primitives, required bindings, references; each issue names its element and what would be accepted. */

import type { InvariantScope } from './invariants/index.ts';
import { isJsonObject, type JsonObject } from './json.ts';
import { error, type Issue, type IssueCode } from './outcome.ts';
import { primitiveFault, quoted } from './primitives.ts';
import { parseReference } from './references.ts';
import type { Slot } from './structure.ts';
import { listed, nearest } from './wording.ts';

/** More than these are of no use to anybody, and a hostile body must not make a large answer. */
export const issuesMax = 100;

export interface Check extends InvariantScope {
  readonly issues: Issue[];
}

export function report(check: Check, code: IssueCode, path: string, text: string): void {
  if (check.issues.length < issuesMax) check.issues.push(error(code, `${path} ${text}.`, path));
}

export function checkValue(check: Check, value: unknown, slot: Slot, path: string): void {
  const fault = primitiveFault(slot.type, value);
  if (fault) {
    report(check, fault.code, path, fault.text);
    return;
  }
  if (!slot.codes || slot.type !== 'code' || typeof value !== 'string') return;
  for (const codes of slot.codes.values()) if (codes.has(value)) return;
  const allowed = [...slot.codes.values()].flatMap((codes) => [...codes]);
  report(
    check,
    'code-invalid',
    path,
    `is ${quoted(value)}; allowed ${allowed.length > 40 ? `are the codes of R4, ${nearest(value, allowed) ?? allowed[0]} for one` : `is ${listed(allowed)}`}`,
  );
}

export function checkConcept(check: Check, concept: JsonObject, codes: NonNullable<Slot['codes']>, path: string): void {
  const codings: readonly unknown[] = Array.isArray(concept['coding']) ? concept['coding'] : [];
  for (const coding of codings) {
    if (isJsonObject(coding) && codes.get(String(coding['system']))?.has(String(coding['code']))) return;
  }
  const allowed = [...codes].map(([system, list]) => `${listed([...list])} of ${system}`).join('; ');
  report(check, 'code-invalid', path, `needs a coding that is ${allowed}`);
}

export function checkReference(check: Check, reference: JsonObject, slot: Slot, path: string): void {
  const text = reference['reference'];
  if (typeof text !== 'string' || text === '') return;
  const parsed = parseReference(text);
  if (!parsed) {
    report(check, 'value', `${path}.reference`, `is ${quoted(text)}, but must be Type/id, an absolute URL, urn:uuid:… or #id`);
    return;
  }
  if (!slot.targets || !('type' in parsed) || parsed.type === undefined || slot.targets.includes(parsed.type)) return;
  report(check, 'structure', `${path}.reference`, `refers to ${parsed.type}; allowed is ${listed(slot.targets)}`);
}
