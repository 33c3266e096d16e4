/** URLs that name a resource type or an operation which is not served. */
import { type FhirError, fault } from '../fhir/outcome.ts';
import type { Registry } from '../mapping/registry.ts';

/** @throws FhirError `not-found` that says what is served instead */
export function refuseUnknownType(registry: Registry, type: string, id: string | undefined): void {
  if (registry.get(type) === undefined) throw isWordOfFhir(type) ? notOffered(type) : unknownType(registry, type);
  if (id !== undefined && isWordOfFhir(id)) throw notOffered(id);
}

/** `_search`, `_history`, `$everything`: no id begins so. */
const isWordOfFhir = (word: string): boolean => /^[_$]/.test(word);

function notOffered(word: string): FhirError {
  return fault(
    'not-found',
    'not-supported',
    `${line(word)} is not offered here; the CapabilityStatement at metadata lists what is.`,
  );
}

function unknownType(registry: Registry, type: string): FhirError {
  const similar = registry.resourceTypes.find((known) => known.toLowerCase() === type.toLowerCase());
  const hint = similar === undefined ? '' : ` Did you mean ${similar}?`;
  const served = registry.resourceTypes.join(', ');
  return fault('not-found', 'not-supported', `${line(type)} is not served here; served are ${served}.${hint}`);
}

/** What a client sent, short and in one line. */
function line(word: string): string {
  return JSON.stringify(word.replace(/[\p{C}\s]+/gu, ' ').slice(0, 64));
}
