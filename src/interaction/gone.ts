/** What is answered for a deleted resource: 410 with the version that the deletion made. https://hl7.org/fhir/R4/http.html#delete */
import type { ResourceRecord } from '../db/repository.ts';
import { error, FhirError } from '../fhir/outcome.ts';
import { versionHeaders } from './version-headers.ts';

export function gone(record: ResourceRecord): FhirError {
  const { resourceType, id, lastUpdated } = record;
  const text = `${resourceType}/${id} was deleted at ${lastUpdated}.`;
  return new FhirError('gone', [error('deleted', text)], { headers: versionHeaders(record) });
}
