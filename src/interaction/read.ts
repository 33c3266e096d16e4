/** Read: the current version of one resource. https://hl7.org/fhir/R4/http.html#read */
import type { ResourceRecord } from '../db/repository.ts';
import { matches, parseEntityTags } from './etag.ts';
import { gone } from './gone.ts';
import { header } from './header.ts';
import { isId } from './id.ts';
import type { Interaction, RequestHeaders } from './interaction.ts';
import { parsePresentation, present } from './presentation.ts';
import { notFound, targetOf } from './target.ts';
import { versionHeaders } from './version-headers.ts';

export const read: Interaction = async ({ repository }, request) => {
  const target = targetOf(request);
  const presentation = parsePresentation(request.query, target.resourceType, 'A read');
  const record = isId(target.id) ? await repository.read(target.resourceType, target.id) : null;
  if (record === null) throw notFound(target);
  if (record.state === 'deleted') throw gone(record);
  const headers = versionHeaders(record);
  if (isUnmodified(request.headers, record)) return { status: 304, headers };
  return { status: 200, headers, body: present(repository.render(record), presentation) };
};

/** If-None-Match is exact, so it wins over If-Modified-Since, which knows whole seconds only (RFC 9110, section 13.2.2). */
function isUnmodified(headers: RequestHeaders, record: ResourceRecord): boolean {
  const tags = header(headers, 'if-none-match');
  if (tags !== undefined) return matches(parseEntityTags('If-None-Match', tags), record.version);
  const modifiedSince = header(headers, 'if-modified-since');
  if (modifiedSince === undefined) return false;
  const since = Date.parse(modifiedSince);
  return Math.floor(Date.parse(record.lastUpdated) / 1000) * 1000 <= since;
}
