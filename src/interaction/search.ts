/** Search: of a type, of the whole system, of a patient's compartment; by GET and by POST. https://hl7.org/fhir/R4/http.html#search */
import type { ResourceRecord } from '../db/repository.ts';
import type { Hit } from '../db/search-store.ts';
import { FhirError, fault, type Issue, operationOutcome } from '../fhir/outcome.ts';
import type { JsonObject } from '../mapping/lift.ts';
import type { Cursor } from '../search/cursor.ts';
import { asWarnings, type ParsedSearch, parseSearch, type SearchRequest } from '../search/parse.ts';
import { madeHere } from '../search/parse-include.ts';
import type { Position } from '../search/sql.ts';
import { base } from './base.ts';
import { header } from './header.ts';
import type { Interaction, InteractionContext, InteractionRequest } from './interaction.ts';
import { parsePrefer } from './prefer.ts';
import { type Presentation, present } from './presentation.ts';
import { provenanceOf } from './provenance.ts';
import { includedRecords } from './search-includes.ts';

/** Above so many an estimated total says only "at least". */
const estimatedMax = 10_000;

/** A page whose resources change between finding and reading is looked for again this often. */
const readsMax = 3;

export const search: Interaction = async (context, request) => {
  const asked = askedFor(context, request);
  const parsed = parseSearch(asked.search, context.search.settings());
  const isLenient = parsePrefer(header(request.headers, 'prefer')).handling === 'lenient';
  const unbearable = parsed.issues.filter(({ code }) => !isLenient || code === 'too-costly');
  if (unbearable.length > 0) throw new FhirError('malformed', parsed.issues);
  return { status: 200, headers: {}, body: await answer(context, request, asked, parsed) };
};

/** The base URL with parameters is a search of the whole system. */
export const searchSystem: Interaction = (context, request) => {
  const isSearch = [...request.query.keys()].some((name) => name !== '_format' && name !== '_pretty');
  return isSearch || request.method === 'POST' ? search(context, request) : base(context, request);
};

interface Asked {
  readonly search: SearchRequest;
  readonly position: Position | null;
  readonly isCursor: boolean;
}

function askedFor({ search }: InteractionContext, { resourceType, path, query }: InteractionRequest): Asked {
  const compartment = path['compartment'];
  const text = query.get('_page');
  const typed = resourceType === undefined ? {} : { resourceType };
  if (text === null) {
    const inside = compartment === undefined ? {} : { compartment: { id: compartment } };
    return { search: { ...typed, ...inside, parameters: [...query] }, position: null, isCursor: false };
  }
  const others = [...query.keys()].filter((name) => !['_page', '_format', '_pretty'].includes(name));
  const cursor = others.length === 0 ? search.cursors.read(text) : undefined;
  if (!cursor || cursor.resourceType !== (resourceType ?? null) || cursor.compartment !== (compartment ?? null)) {
    const why =
      others.length > 0
        ? 'it carries the whole search: no other parameters stand beside it'
        : 'this is no page link of this server';
    throw fault('malformed', 'invalid', `The search parameter _page: ${why}.`, '_page');
  }
  const inside = cursor.compartment === null ? {} : { compartment: { id: cursor.compartment } };
  return { search: { ...typed, ...inside, parameters: cursor.parameters }, position: cursor.position, isCursor: true };
}

async function answer(
  context: InteractionContext,
  request: InteractionRequest,
  asked: Asked,
  parsed: ParsedSearch,
): Promise<JsonObject> {
  const { store } = context.search;
  const onlyCount = parsed.summary === 'count' || parsed.count === 0;
  const page = onlyCount ? noPage : await readPage(context, request, asked, parsed);
  const included = onlyCount ? [] : await includedRecords(context, parsed.includes, page.records);
  const total = onlyCount || parsed.total !== 'none' ? await countOf(store, parsed, request.deadline, onlyCount) : undefined;
  const how = presentationOf(parsed);
  const entry = (record: ResourceRecord, mode: string) => ({
    fullUrl: `${request.baseUrl}/${record.resourceType}/${record.id}`,
    resource: present(context.repository.render(record), how),
    search: { mode },
  });
  const entries = [
    ...outcomeEntry(asWarnings(parsed.issues)),
    ...page.records.map((record) => entry(record, 'match')),
    ...included.map((record) => entry(record, 'include')),
    ...provenances(context, request, parsed, [...page.records, ...included]),
  ];
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(total === undefined ? {} : { total }),
    link: linksOf(context, request, asked, parsed, page),
    ...(entries.length > 0 ? { entry: entries } : {}),
  };
}

/** `_revinclude=Provenance:target`: who made the versions on this page. */
function provenances(
  { config }: InteractionContext,
  { baseUrl }: InteractionRequest,
  { includes }: ParsedSearch,
  records: readonly ResourceRecord[],
): readonly JsonObject[] {
  const rules = includes.filter(({ source }) => source === madeHere);
  const wanted = records.filter(({ resourceType }) => rules.some(({ target = resourceType }) => target === resourceType));
  return wanted.map((record) => {
    const provenance = provenanceOf(record, config.clinic.canonicalBase);
    return { fullUrl: `${baseUrl}/Provenance/${provenance['id']}`, resource: provenance, search: { mode: 'include' } };
  });
}

interface Page {
  readonly hits: readonly Hit[];
  readonly records: readonly ResourceRecord[];
  readonly hasNext: boolean;
  readonly hasPrevious: boolean;
}

const noPage: Page = { hits: [], records: [], hasNext: false, hasPrevious: false };

async function readPage(
  context: InteractionContext,
  { deadline }: InteractionRequest,
  { position }: Asked,
  { plan, count }: ParsedSearch,
): Promise<Page> {
  for (let read = 1; ; read += 1) {
    const found = plan.types.length === 0 ? [] : await context.search.store.page(plan, position, count + 1, deadline);
    const isBackwards = position?.backwards ?? false;
    const more = found.length > count;
    const hits = isBackwards ? found.slice(0, count).toReversed() : found.slice(0, count);
    const records = await readHits(context, hits);
    const changed = hits.some((hit, at) => records[at]?.version !== hit.version);
    if (changed && read < readsMax) continue;
    return {
      hits,
      records: records.filter((record) => record !== undefined),
      hasNext: isBackwards || more,
      hasPrevious: isBackwards ? more : position !== null,
    };
  }
}

/** The records of the hits in their order; undefined where one is gone meanwhile. */
async function readHits(context: InteractionContext, hits: readonly Hit[]): Promise<readonly (ResourceRecord | undefined)[]> {
  const byRid = new Map<number, ResourceRecord>();
  for (const [type, ofType] of Map.groupBy(hits, (hit) => hit.type)) {
    const rids = ofType.map(({ rid }) => rid);
    const variants = [...new Set(ofType.map(({ variant }) => variant))];
    for (const record of await context.repository.readMany(type, rids, variants))
      if (record.state === 'living') byRid.set(record.rid, record);
  }
  return hits.map(({ rid }) => byRid.get(rid));
}

async function countOf(
  store: InteractionContext['search']['store'],
  { plan, total }: ParsedSearch,
  deadline: number,
  onlyCount: boolean,
): Promise<number> {
  if (plan.types.length === 0) return 0;
  const isEstimate = total === 'estimate' && !onlyCount;
  return store.count(plan, deadline, isEstimate ? estimatedMax : undefined);
}

function presentationOf({ summary, elements }: ParsedSearch): Presentation {
  if (elements) return { elements };
  return summary === 'true' || summary === 'text' || summary === 'data' ? { summary } : {};
}

function outcomeEntry(issues: readonly Issue[]): readonly JsonObject[] {
  return issues.length === 0 ? [] : [{ resource: operationOutcome(issues), search: { mode: 'outcome' } }];
}

function linksOf(
  { search }: InteractionContext,
  request: InteractionRequest,
  { search: { compartment, resourceType }, isCursor }: Asked,
  { applied }: ParsedSearch,
  page: Page,
): readonly JsonObject[] {
  const { baseUrl, query } = request;
  const path = [...(compartment ? ['Patient', compartment.id] : []), ...(resourceType === undefined ? [] : [resourceType])];
  const address = [baseUrl, ...path].join('/');
  const kept = [...query].filter(([name]) => name === '_format' || name === '_pretty');
  const url = (parameters: readonly (readonly [string, string])[]) => {
    const text = new URLSearchParams(parameters.map(([name, value]): [string, string] => [name, value])).toString();
    return text === '' ? address : `${address}?${text}`;
  };
  const cursor = (position: Position | null): string => {
    const whole: Cursor = {
      resourceType: resourceType ?? null,
      compartment: compartment?.id ?? null,
      parameters: applied,
      position,
    };
    return url([['_page', search.cursors.write(whole)], ...kept]);
  };
  const at = (hit: Hit | undefined, backwards: boolean) =>
    hit ? cursor({ backwards, keys: hit.keys, rid: hit.rid }) : cursor(null);
  const self = isCursor ? url([['_page', query.get('_page') ?? ''], ...kept]) : url([...applied, ...kept]);
  return [
    { relation: 'self', url: self },
    ...(page === noPage ? [] : [{ relation: 'first', url: cursor(null) }]),
    ...(page.hasPrevious ? [{ relation: 'previous', url: at(page.hits[0], true) }] : []),
    ...(page.hasNext ? [{ relation: 'next', url: at(page.hits.at(-1), false) }] : []),
  ];
}
