/** Preconditions of writes: If-Match is kept, those that are not understood are refused. https://hl7.org/fhir/R4/http.html#concurrency */
import { error, FhirError, fault } from '../fhir/outcome.ts';
import { matches, parseEntityTags } from './etag.ts';
import { header } from './header.ts';
import type { InteractionContext, InteractionRequest } from './interaction.ts';
import { type Target, targetOf } from './target.ts';

/** Headers that would change what a write means; acting as if they were not there could overwrite or double a record. */
const notOffered: Readonly<Record<string, string>> = {
  'if-none-exist': 'If-None-Exist',
  'if-none-match': 'If-None-Match',
  'if-unmodified-since': 'If-Unmodified-Since',
  'if-range': 'If-Range',
};

/** @throws FhirError `not-implemented` that names every conditional header of this write that is not among `kept` (lower case). */
export function refuseOtherConditions({ headers, method }: InteractionRequest, kept: readonly string[]): void {
  const issues = Object.entries({ ...notOffered, 'if-match': 'If-Match' })
    .filter(([key]) => headers[key] !== undefined && !kept.includes(key))
    .map(([, name]) => error('not-supported', `${name} is not supported on ${method}; nothing was changed.`, `http.${name}`));
  if (issues.length > 0) throw new FhirError('not-implemented', issues);
}

/**
 * The version that a write must find, for the repository to check under its lock; undefined when any will do.
 * @throws FhirError `malformed` (not an entity tag, or none where the gateway requires one), `precondition-failed`
 */
export async function requiredVersion(context: InteractionContext, request: InteractionRequest): Promise<number | undefined> {
  const value = header(request.headers, 'if-match');
  const target = targetOf(request);
  if (value === undefined) {
    if (context.config.http.requireIfMatch && (await currentVersion(context, target)) !== null) throw ifMatchRequired(target);
    return undefined;
  }
  const tags = parseEntityTags('If-Match', value);
  if (tags !== '*' && tags.length === 1 && /^[1-9][0-9]{0,14}$/.test(tags[0] ?? '')) return Number(tags[0]);
  const version = await currentVersion(context, target);
  if (version === null || !matches(tags, version)) throw otherVersion(target, version);
  return version;
}

async function currentVersion({ repository }: InteractionContext, { resourceType, id }: Target): Promise<number | null> {
  const record = await repository.read(resourceType, id);
  return record === null || record.state === 'deleted' ? null : record.version;
}

/** R4: servers can require If-Match "by returning 400 Client Error status codes when no If-Match header is found". */
function ifMatchRequired({ resourceType, id }: Target): FhirError {
  const text = `This gateway changes ${resourceType}/${id} only with If-Match: send the ETag of the version you have read.`;
  return fault('malformed', 'required', text, 'http.If-Match');
}

function otherVersion({ resourceType, id }: Target, version: number | null): FhirError {
  const now = version === null ? 'it does not exist' : `it is at version ${version}`;
  return fault(
    'precondition-failed',
    'conflict',
    `If-Match names another version of ${resourceType}/${id}: ${now}.`,
    'http.If-Match',
  );
}
