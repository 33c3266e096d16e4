/** The one version an If-Match names, where the resource is only found inside the transaction. https://hl7.org/fhir/R4/http.html#concurrency */
import { fault } from '../../fhir/outcome.ts';
import { parseEntityTags } from '../etag.ts';

/** 0, which no resource has, where the tag is none of ours. @throws FhirError `malformed` for `*` and lists */
export function singleVersion(ifMatch: string | undefined): number | undefined {
  if (ifMatch === undefined) return undefined;
  const tags = parseEntityTags('If-Match', ifMatch);
  if (tags === '*' || tags.length !== 1)
    throw fault('malformed', 'value', 'If-Match must name one version here, such as W/"3".', 'http.If-Match');
  return /^[1-9][0-9]{0,14}$/.test(tags[0] ?? '') ? Number(tags[0]) : 0;
}
