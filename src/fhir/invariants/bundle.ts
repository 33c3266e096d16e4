/** The invariants of Bundle. https://hl7.org/fhir/R4/bundle.html#invs */

import { isJsonObject, type JsonObject } from '../json.ts';
import type { Invariant } from './invariant.ts';
import { has, implies, list, text } from './reading.ts';

function rule(key: string, element: string, says: string, test: (bundle: JsonObject, type: string) => boolean): Invariant {
  return {
    key,
    type: 'Bundle',
    severity: 'error',
    element,
    text: says,
    test: (bundle) => test(bundle, text(bundle, 'type') ?? ''),
  };
}

function entries(bundle: JsonObject): readonly JsonObject[] {
  return list(bundle, 'entry').filter(isJsonObject);
}

/** bdl-7: one resource, or one version of it, once. */
function distinctUrls(bundle: JsonObject): boolean {
  const seen = new Set<string>();
  for (const { fullUrl, resource } of entries(bundle)) {
    if (typeof fullUrl !== 'string') continue;
    const version = isJsonObject(resource) ? text(resource['meta'], 'versionId') : undefined;
    const name = `${fullUrl} ${version ?? ''}`;
    if (seen.has(name)) return false;
    seen.add(name);
  }
  return true;
}

const requested = ['batch', 'transaction', 'history'];
const answered = ['batch-response', 'transaction-response', 'history'];

function startsWith(bundle: JsonObject, resourceType: string): boolean {
  return text(entries(bundle)[0]?.['resource'], 'resourceType') === resourceType;
}

export const bundleInvariants: readonly Invariant[] = [
  rule(
    'bdl-1',
    'total',
    'only a searchset or history has a total',
    (bundle, type) => !has(bundle, 'total') || type === 'searchset' || type === 'history',
  ),
  rule(
    'bdl-2',
    'entry',
    'only in a searchset have entries a search',
    (bundle, type) => type === 'searchset' || !entries(bundle).some((one) => has(one, 'search')),
  ),
  rule('bdl-3', 'entry', 'in a batch, transaction or history every entry has a request, elsewhere none', (bundle, type) =>
    entries(bundle).every((one) => has(one, 'request') === requested.includes(type)),
  ),
  rule(
    'bdl-4',
    'entry',
    'in a batch-response, transaction-response or history every entry has a response, elsewhere none',
    (bundle, type) => entries(bundle).every((one) => has(one, 'response') === answered.includes(type)),
  ),
  rule(
    'bdl-7',
    'entry',
    'a fullUrl stands once in a Bundle, or once with each version',
    (bundle, type) => type === 'history' || distinctUrls(bundle),
  ),
  rule('bdl-9', 'identifier', 'a document has an identifier with system and value', (bundle, type) =>
    implies(
      type === 'document',
      text(bundle['identifier'], 'system') !== undefined && text(bundle['identifier'], 'value') !== undefined,
    ),
  ),
  rule('bdl-10', 'timestamp', 'a document has a timestamp', (bundle, type) =>
    implies(type === 'document', bundle['timestamp'] !== undefined),
  ),
  rule('bdl-11', 'entry', 'a document begins with a Composition', (bundle, type) =>
    implies(type === 'document', startsWith(bundle, 'Composition')),
  ),
  rule('bdl-12', 'entry', 'a message begins with a MessageHeader', (bundle, type) =>
    implies(type === 'message', startsWith(bundle, 'MessageHeader')),
  ),
  {
    key: 'bdl-5',
    type: 'Bundle.entry',
    severity: 'error',
    text: 'an entry needs a resource, a request or a response',
    test: (entry) => has(entry, 'resource') || has(entry, 'request') || has(entry, 'response'),
  },
  {
    key: 'bdl-8',
    type: 'Bundle.entry',
    severity: 'error',
    element: 'fullUrl',
    text: 'a fullUrl names no version',
    test: (entry) => !(text(entry, 'fullUrl') ?? '').includes('/_history/'),
  },
];
