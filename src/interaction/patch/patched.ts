/** A patch as a function of the resource that is served: JSON Patch or FHIRPath Patch, with what no patch may change. https://hl7.org/fhir/R4/http.html#patch */
import { isJsonObject, type JsonObject, parseJson, sameJson } from '../../fhir/json.ts';
import { error, FhirError, fault, type Issue } from '../../fhir/outcome.ts';
import { parseFhirpathPatch } from '../../fhir/patch/fhirpath-patch.ts';
import { parseJsonPatch } from '../../fhir/patch/json-patch.ts';
import { warningsOf } from '../incoming.ts';

export const jsonPatchType = 'application/json-patch+json';

export type Patch = (served: JsonObject) => unknown;

/**
 * By the type of the body: a JSON Patch, a Parameters resource, or inside a Bundle a Binary with a JSON Patch.
 * @throws FhirError `malformed`, `unsupported-media-type`
 */
export function parsePatch(body: unknown, contentType: string | undefined): Patch {
  const type = contentType?.split(';')[0]?.trim().toLowerCase();
  if (type === jsonPatchType) return parseJsonPatch(body);
  if (isJsonObject(body) && body['resourceType'] === 'Parameters') return parseFhirpathPatch(body);
  if (isJsonObject(body) && body['resourceType'] === 'Binary') return parseJsonPatch(dataOf(body));
  const text = `A patch is a JSON Patch (${jsonPatchType}) or a Parameters resource (application/fhir+json).`;
  throw fault('malformed', 'structure', text);
}

function dataOf({ contentType, data }: JsonObject): unknown {
  if (contentType !== jsonPatchType || typeof data !== 'string')
    throw fault('malformed', 'value', `A patch in a Binary has contentType ${jsonPatchType} and data.`, 'Binary.contentType');
  return parseJson(Buffer.from(data, 'base64'));
}

/** The patched resource, valid and still the same one. @throws FhirError `unprocessable` with all issues */
export function applyPatch(patch: Patch, served: JsonObject, resourceType: string): JsonObject & { [key: string]: unknown } {
  const resource = patch(served);
  if (!isJsonObject(resource)) throw fault('unprocessable', 'structure', 'The patch leaves no resource.');
  const issues = fixed.flatMap((path) => (sameJson(at(served, path), at(resource, path)) ? [] : [protectedIssue(path)]));
  if (issues.length > 0) throw new FhirError('unprocessable', issues);
  warningsOf({ ...resource }, resourceType);
  return { ...resource };
}

const fixed: readonly (readonly string[])[] = [['resourceType'], ['id'], ['meta', 'versionId'], ['meta', 'lastUpdated']];

function protectedIssue(path: readonly string[]): Issue {
  return error('business-rule', `A patch cannot change ${path.join('.')}.`, path.join('.'));
}

function at(resource: JsonObject, path: readonly string[]): unknown {
  return path.reduce<unknown>((node, key) => (isJsonObject(node) ? node[key] : undefined), resource);
}
