/** The resource that a write brings: that it is one of this type, then that it is a valid one. https://hl7.org/fhir/R4/validation.html */
import { error, FhirError, fault, type Issue } from '../fhir/outcome.ts';
import { validate } from '../fhir/validate.ts';
import { isObject, type JsonObject } from '../mapping/lift.ts';

/** @throws FhirError `malformed` when the body is no resource of this type */
export function resourceIn(body: unknown, resourceType: string): JsonObject {
  if (!isObject(body)) {
    throw fault(
      'malformed',
      'structure',
      `The body is not a resource: a JSON object with resourceType "${resourceType}" was expected.`,
    );
  }
  const said = body['resourceType'];
  if (said === resourceType) return body;
  const text =
    typeof said === 'string'
      ? `The body is a resource of another type than the URL, which says ${resourceType}.`
      : `resourceType is missing or not a string; "${resourceType}" was expected.`;
  throw fault('malformed', 'structure', text, 'resourceType');
}

/**
 * All warnings of the validation.
 * @throws FhirError `unprocessable` with all issues when one of them is an error
 */
export function warningsOf(resource: JsonObject, resourceType: string): readonly Issue[] {
  const issues = validate(resource, resourceType);
  if (issues.some(({ severity }) => severity === 'error' || severity === 'fatal')) throw new FhirError('unprocessable', issues);
  return issues;
}

/** @throws FhirError `malformed` unless the body carries the id of the URL */
export function requireSameId(resource: JsonObject, id: string): void {
  const said = resource['id'];
  if (said === id) return;
  if (said === undefined) throw fault('malformed', 'required', `The resource must carry the id of the URL: "id": "${id}".`, 'id');
  throw new FhirError('malformed', [error('value', `The id in the body is not that of the URL, which is ${id}.`, 'id')]);
}
