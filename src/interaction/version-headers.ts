/** The headers that say which version a response is about. https://hl7.org/fhir/R4/http.html#versioning */
import type { ResourceRecord } from '../db/repository.ts';
import { etagOf } from './etag.ts';

export function versionHeaders(record: ResourceRecord): Record<string, string> {
  return { ETag: etagOf(record.version), 'Last-Modified': new Date(record.lastUpdated).toUTCString() };
}

export function versionUrl(baseUrl: string, { resourceType, id, version }: ResourceRecord): string {
  return `${baseUrl}/${resourceType}/${id}/_history/${version}`;
}
