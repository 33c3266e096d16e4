/** Read of one of the definitions that come with the gateway. https://hl7.org/fhir/R4/http.html#read */
import { hash } from 'node:crypto';
import { stringifyJson } from '../../fhir/json.ts';
import type { TerminologyType } from '../../terminology/about.ts';
import { parseEntityTags } from '../etag.ts';
import { header } from '../header.ts';
import type { Interaction } from '../interaction.ts';
import { onlyParameters } from '../parameters.ts';
import { notFound } from '../target.ts';

/** They have no versions of their own making: the ETag is a hash of what is served. */
export function readDefinition(resourceType: TerminologyType): Interaction {
  return ({ terminology }, { id = '', query, headers }) => {
    onlyParameters(query, [], 'The read of a definition');
    const found = terminology.read(resourceType, id);
    if (found === undefined) throw notFound({ resourceType, id });
    const tag = hash('sha1', stringifyJson(found), 'hex').slice(0, 12);
    const answer = { ETag: `W/"${tag}"` };
    const asked = header(headers, 'if-none-match');
    const held = asked === undefined ? [] : parseEntityTags('If-None-Match', asked);
    if (held === '*' || held.includes(tag)) return { status: 304, headers: answer };
    return { status: 200, headers: answer, body: { ...found } };
  };
}
