/** History of one resource, of a type, of everything: newest first, deletions included. https://hl7.org/fhir/R4/http.html#history */
import type { HistoryEntry, HistoryPage, HistoryQuery } from '../db/history.ts';
import { rangeOf } from '../fhir/date.ts';
import { error, FhirError, type Issue } from '../fhir/outcome.ts';
import type { JsonObject } from '../mapping/lift.ts';
import { etagOf } from './etag.ts';
import { isId } from './id.ts';
import type { Interaction, InteractionContext, InteractionRequest } from './interaction.ts';
import { instantOfMicros } from './micros.ts';
import { pageParameter, readPlace, writePlace } from './page-place.ts';
import { onlyParameters } from './parameters.ts';
import { notFound } from './target.ts';

export const history: Interaction = async (context, request) => {
  onlyParameters(request.query, ['_count', '_since', '_at', pageParameter], 'A history');
  const { resourceType, id } = request;
  if (resourceType !== undefined && id !== undefined && !isId(id)) throw notFound({ resourceType, id });
  const query = parseQuery(context, request);
  const page = await context.history.read(query);
  if (page === null) throw notFound({ resourceType: resourceType ?? '', id: id ?? '' });
  return { status: 200, headers: {}, body: bundle(context, request, query, page) };
};

function parseQuery(context: InteractionContext, request: InteractionRequest): HistoryQuery {
  const { config, cursorSecret } = context;
  const issues: Issue[] = [];
  const count = countOf(request.query.get('_count'), config.limits, issues);
  const since = rangeIn('_since', request.query.get('_since'), config.clinic.timeZone, issues);
  const at = rangeIn('_at', request.query.get('_at'), config.clinic.timeZone, issues);
  if (issues.length > 0) throw new FhirError('malformed', issues);
  const page = request.query.get(pageParameter);
  return {
    ...(request.resourceType === undefined ? {} : { resourceType: request.resourceType }),
    ...(request.id === undefined ? {} : { id: request.id }),
    ...(since ? { since: since.from } : {}),
    ...(at ? { at } : {}),
    count,
    ...(page === null ? {} : { before: Number(readPlace(cursorSecret, aboutOf(request), page)) }),
  };
}

/** `_count=0` asks how many there are. A greater one than the limit gets the limit, as the specification allows. */
export function countOf(
  text: string | null,
  { pageDefault, pageMax }: { readonly pageDefault: number; readonly pageMax: number },
  issues: Issue[],
): number {
  if (text === null) return pageDefault;
  if (!/^[0-9]{1,9}$/.test(text)) issues.push(error('value', '_count is not a whole number.', '_count'));
  return Math.min(Number(text), pageMax);
}

/** The time a parameter stands for; in a URL a `+` that was not escaped arrives as a space. */
export function rangeIn(
  name: string,
  text: string | null,
  zone: string,
  issues: Issue[],
): { readonly from: string; readonly to: string } | undefined {
  if (text === null) return undefined;
  const range = rangeOf(text.replace(' ', '+'), zone);
  if (range) return { from: instantOfMicros(range.start), to: instantOfMicros(range.end) };
  issues.push(error('value', `${name} is no instant or date, such as 2026-11-23T10:00:00Z or 2026-11-23.`, name));
  return undefined;
}

/** Everything but the place: what a page link must not be carried away from. */
function aboutOf({ resourceType = '', id = '', query }: InteractionRequest): string {
  return JSON.stringify(['history', resourceType, id, query.get('_since'), query.get('_at')]);
}

function bundle(context: InteractionContext, request: InteractionRequest, query: HistoryQuery, page: HistoryPage): JsonObject {
  const self = linkOf(request, request.query.get(pageParameter));
  const next = page.next === null ? null : writePlace(context.cursorSecret, aboutOf(request), String(page.next));
  const entries = query.count === 0 ? [] : page.entries;
  return {
    resourceType: 'Bundle',
    meta: { lastUpdated: page.until },
    type: 'history',
    ...(page.total === null ? {} : { total: page.total }),
    link: [
      { relation: 'self', url: self },
      ...(next === null || query.count === 0 ? [] : [{ relation: 'next', url: linkOf(request, next) }]),
    ],
    ...(entries.length > 0 ? { entry: entries.map((entry) => entryOf(context, request.baseUrl, entry)) } : {}),
  };
}

function linkOf({ baseUrl, resourceType, id, query }: InteractionRequest, page: string | null): string {
  const path = [baseUrl, ...(resourceType === undefined ? [] : [resourceType]), ...(id === undefined ? [] : [id]), '_history'];
  const parameters = new URLSearchParams();
  for (const name of ['_since', '_at', '_count']) {
    const value = query.get(name);
    if (value !== null) parameters.set(name, value);
  }
  if (page !== null) parameters.set(pageParameter, page);
  return `${path.join('/')}${parameters.size > 0 ? `?${parameters}` : ''}`;
}

/** What was done, as the request that would have done it. */
function entryOf({ repository }: InteractionContext, baseUrl: string, { record, isCreation }: HistoryEntry): JsonObject {
  const { resourceType, id, version, lastUpdated, state, stored } = record;
  const isDeleted = state === 'deleted';
  const { idPrefix } = record.variant.variant.source;
  const isPost = isCreation && version === 1 && id.startsWith(`${idPrefix}-`);
  const method = isDeleted ? 'DELETE' : isPost ? 'POST' : 'PUT';
  const status = isDeleted ? '204' : isCreation ? '201' : '200';
  return {
    fullUrl: `${baseUrl}/${resourceType}/${id}`,
    ...(isDeleted || !stored ? {} : { resource: repository.render(record) }),
    request: { method, url: isPost ? resourceType : `${resourceType}/${id}` },
    response: { status, etag: etagOf(version), lastModified: lastUpdated },
  };
}
