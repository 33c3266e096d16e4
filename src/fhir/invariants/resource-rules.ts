/** The invariants that every resource with contained resources shares. https://hl7.org/fhir/R4/domainresource.html */

import { isJsonObject, type JsonObject } from '../json.ts';
import type { Invariant, InvariantScope } from './invariant.ts';
import { has, list, text } from './reading.ts';

function contained(resource: JsonObject): readonly JsonObject[] {
  return list(resource, 'contained').filter(isJsonObject);
}

/** dom-3: every contained resource is referred to from the resource (or another contained one), or refers to it by `#`. */
function allReferredTo(resource: JsonObject, scope: InvariantScope): boolean {
  const inner = contained(resource);
  if (inner.length === 0) return true;
  const fragments = new Set<string>();
  gather(scope.root, fragments);
  return inner.every((one) => {
    const id = text(one, 'id');
    if (id !== undefined && fragments.has(`#${id}`)) return true;
    const own = new Set<string>();
    gather(one, own);
    return own.has('#');
  });
}

/** All local references, `#id` or `#`, as Reference.reference, canonical, uri or url. */
function gather(node: unknown, fragments: Set<string>): void {
  if (typeof node === 'string') {
    if (node.startsWith('#')) fragments.add(node);
  } else if (typeof node === 'object' && node !== null) for (const value of Object.values(node)) gather(value, fragments);
}

function domainRule(key: string, severity: Invariant['severity'], element: string, says: string, test: Invariant['test']) {
  return (type: string): Invariant => ({ key, type, severity, element, text: says, test });
}

const rules = [
  domainRule(
    'dom-2',
    'error',
    'contained',
    'contained resources must not contain others',
    (resource) => !contained(resource).some((one) => has(one, 'contained')),
  ),
  domainRule(
    'dom-3',
    'error',
    'contained',
    'every contained resource must be referred to from within the resource',
    allReferredTo,
  ),
  domainRule('dom-4', 'error', 'contained', 'contained resources have no meta.versionId and no meta.lastUpdated', (resource) =>
    contained(resource).every(({ meta }) => !isJsonObject(meta) || !(has(meta, 'versionId') || has(meta, 'lastUpdated'))),
  ),
  domainRule('dom-5', 'error', 'contained', 'contained resources have no security labels', (resource) =>
    contained(resource).every(({ meta }) => !isJsonObject(meta) || !has(meta, 'security')),
  ),
  domainRule(
    'dom-6',
    'warning',
    'text',
    'a resource should have a narrative for people',
    (resource) => isJsonObject(resource['text']) && has(resource['text'], 'div'),
  ),
];

export function domainResourceInvariants(type: string): readonly Invariant[] {
  return rules.map((of) => of(type));
}
