/** Validation of a resource: structure, required bindings, FHIR JSON rules and invariants, all issues at once. https://hl7.org/fhir/R4/validation.html */
import { isJsonObject, plain } from './json.ts';
import { error, type Issue } from './outcome.ts';
import { nameOf, quoted } from './primitives.ts';
import { loadValidators } from './schema-validators.ts';
import { shapeOf } from './structure.ts';
import { checkObject } from './structure-check.ts';
import { issuesMax } from './value-checks.ts';

const validators = await loadValidators();

/**
 * Everything that is wrong with a resource of this type, errors and warnings, at most 100 of them; empty when nothing is.
 * Numbers may be raw (see json.ts). Resources inside Bundle entries and Parameters are not looked into; contained ones are.
 */
export function validate(resource: unknown, type: string): readonly Issue[] {
  const shape = shapeOf(type);
  if (!shape?.resource) throw new Error(`${type} cannot be validated`);
  if (!isJsonObject(resource)) return [error('structure', `A ${type} must be a JSON object, not ${nameOf(resource)}.`, type)];
  if (resource['resourceType'] !== type) {
    const written = resource['resourceType'];
    const found =
      typeof written === 'string' ? `is ${quoted(written)}` : written === undefined ? 'is missing' : `is ${nameOf(written)}`;
    return [error('structure', `The resourceType ${found}; here it must be "${type}".`, `${type}.resourceType`)];
  }
  const issues: Issue[] = [];
  checkObject({ issues, root: resource, containedIds: containedIds(resource) }, resource, shape, type);
  if (!issues.some((issue) => issue.severity === 'error')) issues.push(...schemaIssues(resource, type));
  if (issues.length >= issuesMax)
    issues.push({ severity: 'information', code: 'too-costly', text: `Only the first ${issuesMax} issues are listed.` });
  return issues;
}

function containedIds(resource: Readonly<Record<string, unknown>>): ReadonlySet<string> {
  const list: readonly unknown[] = Array.isArray(resource['contained']) ? resource['contained'] : [];
  return new Set(list.flatMap((one) => (isJsonObject(one) && typeof one['id'] === 'string' ? [one['id']] : [])));
}

/** HL7's own schema has the last word; what it finds has usually been said better by then. */
function schemaIssues(resource: object, type: string): readonly Issue[] {
  const validator = validators.get(type);
  if (!validator) throw new Error(`no validator for ${type}`);
  if (validator(plain(resource))) return [];
  return (validator.errors ?? []).map(({ instancePath, message = 'is not as R4 defines it' }) => {
    const path = type + instancePath.replace(/\/(\d+)(?=\/|$)/g, '[$1]').replaceAll('/', '.');
    return error('structure', `${path} ${message}.`, path);
  });
}
