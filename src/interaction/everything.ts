/** $everything: a patient's whole chart. https://hl7.org/fhir/R4/patient-operation-everything.html */
import { createHash } from 'node:crypto';
import { placeOf } from '../db/chart.ts';
import type { ResourceRecord } from '../db/repository.ts';
import type { TimeRange } from '../fhir/date.ts';
import { rangeOf } from '../fhir/date.ts';
import { stringifyJson } from '../fhir/json.ts';
import { error, FhirError, fault, type Issue } from '../fhir/outcome.ts';
import type { JsonObject } from '../mapping/lift.ts';
import type { AnyView } from '../mapping/view.ts';
import { careDates } from './care-dates.ts';
import { gone } from './gone.ts';
import { countOf, rangeIn } from './history.ts';
import { isId } from './id.ts';
import type { Interaction, InteractionContext, InteractionRequest } from './interaction.ts';
import { pageParameter, readPlace, writePlace } from './page-place.ts';
import { onlyParameters } from './parameters.ts';
import { provenanceOf } from './provenance.ts';
import { notFound } from './target.ts';

const parameters = ['start', 'end', '_since', '_type', '_count'] as const;

/** One hour, as MediMax keeps its own profiles; the key holds the chart's stamp, so that no answer is ever older than the chart. */
const cacheSeconds = 3600;

interface EverythingQuery {
  readonly care: TimeRange | undefined;
  readonly since: string | undefined;
  /** Types of the registry that are looked for. */
  readonly types: readonly string[];
  /** Only where they are asked for. */
  readonly views: readonly AnyView[];
  /** Those of `types` that are there for a view only. */
  readonly hidden: readonly string[];
  readonly withProvenance: boolean;
  readonly count: number;
  readonly after: number | undefined;
}

export const everything: Interaction = async (context, request) => {
  if (request.resourceType !== 'Patient')
    throw fault('not-found', 'not-supported', `$everything is offered for Patient, not for ${request.resourceType}.`);
  onlyParameters(request.query, [...parameters, pageParameter], '$everything');
  const target = { resourceType: 'Patient', id: request.id ?? '' };
  const query = parseQuery(context, request);
  const patient = isId(target.id) ? await context.repository.read('Patient', target.id) : null;
  if (patient === null) throw notFound(target);
  if (patient.state === 'deleted') throw gone(patient);
  const patientKey = Number(patient.stored?.row['patient_id']);
  const key = await cacheKey(context, request, patientKey);
  const cached = await context.cache?.get(key);
  if (cached) return { status: 200, headers: {}, text: cached };
  const text = stringifyJson(await bundle(context, request, query, patientKey));
  await context.cache?.set(key, text, cacheSeconds);
  return { status: 200, headers: {}, text };
};

function parseQuery(context: InteractionContext, request: InteractionRequest): EverythingQuery {
  const { config, registry } = context;
  const { query } = request;
  const zone = config.clinic.timeZone;
  const issues: Issue[] = [];
  const edge = (name: 'start' | 'end') => {
    const text = query.get(name);
    const range = text === null ? undefined : rangeOf(text, zone);
    if (text !== null && (!range || text.length > 10))
      issues.push(error('value', `${name} is no date, such as 2026-11-23.`, name));
    return range;
  };
  const [start, end] = [edge('start'), edge('end')];
  const since = rangeIn('_since', query.get('_since'), zone, issues)?.from;
  const count = countOf(query.get('_count'), { ...config.limits, pageDefault: config.limits.pageMax }, issues);
  const wanted = query.get('_type')?.split(',');
  const served = [...registry.resourceTypes, ...registry.views.map((view) => view.resourceType), 'Provenance'];
  for (const type of wanted ?? []) {
    if (!served.includes(type))
      issues.push(
        error(
          'not-supported',
          `_type: ${JSON.stringify(type.slice(0, 64))} is not served; served are ${served.join(', ')}.`,
          '_type',
        ),
      );
  }
  if (issues.length > 0) throw new FhirError('malformed', issues);
  const page = query.get(pageParameter);
  const views = registry.views.filter(({ resourceType }) => wanted?.includes(resourceType));
  const own = wanted?.filter((type) => registry.resourceTypes.includes(type)) ?? registry.resourceTypes;
  const hidden = views.map(({ of }) => of).filter((type) => !own.includes(type));
  return {
    care:
      start || end ? { start: start?.start ?? Number.NEGATIVE_INFINITY, end: end?.end ?? Number.POSITIVE_INFINITY } : undefined,
    since,
    types: [...own, ...hidden],
    views,
    hidden,
    withProvenance: wanted?.includes('Provenance') ?? true,
    count: Math.max(1, count),
    after: page === null ? undefined : Number(readPlace(context.cursorSecret, aboutOf(request), page)),
  };
}

function aboutOf({ id = '', query }: InteractionRequest): string {
  return JSON.stringify(['everything', id, ...parameters.map((name) => query.get(name))]);
}

/** What else the answer depends on is in it: the question, the server's address, and the day, as a status can depend on today. */
async function cacheKey({ chart, config }: InteractionContext, request: InteractionRequest, patientKey: number): Promise<string> {
  const stamp = await chart.stamp(patientKey);
  const today = new Intl.DateTimeFormat('en-CA', { timeZone: config.clinic.timeZone }).format();
  const question = [request.baseUrl, config.clinic.canonicalBase, today, aboutOf(request), request.query.get(pageParameter)];
  const hash = createHash('sha256').update(JSON.stringify(question)).digest('base64url').slice(0, 22);
  return `medimax-fhir:${config.db.name}:everything:${patientKey}:${stamp}:${hash}`;
}

interface Page {
  readonly resources: readonly { readonly record: ResourceRecord; readonly resource: JsonObject }[];
  readonly next: number | null;
}

async function collect(context: InteractionContext, query: EverythingQuery, patientKey: number): Promise<Page> {
  const { chart, repository, config } = context;
  const { types, count, care } = query;
  // Provenance alone asks about all resources without showing them.
  const of = { patientKey, ...(types.length > 0 ? { types } : {}), ...(query.since === undefined ? {} : { since: query.since }) };
  const found: { record: ResourceRecord; resource: JsonObject }[] = [];
  let after = query.after;
  for (;;) {
    const batch = await chart.list({ ...of, ...(after === undefined ? {} : { after }), limit: count + 1 });
    for (const record of batch) {
      const last = found.at(-1);
      if (found.length === count && last) return { resources: found, next: placeOf(last.record) };
      const resource = repository.render(record);
      if (!care || overlaps(care, careDates(resource, config.clinic.timeZone))) found.push({ record, resource });
      after = placeOf(record);
    }
    if (batch.length <= count) return { resources: found, next: null };
  }
}

function overlaps(care: TimeRange, range: TimeRange | undefined): boolean {
  return !range || (range.start < care.end && range.end > care.start);
}

async function bundle(
  context: InteractionContext,
  request: InteractionRequest,
  query: EverythingQuery,
  patientKey: number,
): Promise<JsonObject> {
  const { config, cursorSecret } = context;
  const { resources, next } = await collect(context, query, patientKey);
  const { baseUrl } = request;
  const isShown = query.types.length > 0;
  const entry = resources.flatMap(({ record, resource }) => {
    const provenance = query.withProvenance ? [provenanceOf(record, config.clinic.canonicalBase)] : [];
    const shown = isShown ? shownAs(query, record.resourceType, resource) : [];
    return [
      ...shown.map((one) => ({
        fullUrl: `${baseUrl}/${one['resourceType']}/${record.id}`,
        resource: one,
        search: { mode: 'match' },
      })),
      ...provenance.map((one) => ({
        fullUrl: `${baseUrl}/Provenance/${String(one['id'])}`,
        resource: one,
        search: { mode: isShown ? 'include' : 'match' },
      })),
    ];
  });
  return {
    resourceType: 'Bundle',
    type: 'searchset',
    ...(await totalOf(context, query, patientKey)),
    link: [
      { relation: 'self', url: linkOf(request, request.query.get(pageParameter)) },
      ...(next === null
        ? []
        : [{ relation: 'next', url: linkOf(request, writePlace(cursorSecret, aboutOf(request), String(next))) }]),
    ],
    ...(entry.length > 0 ? { entry } : {}),
  };
}

function shownAs({ views, hidden }: EverythingQuery, resourceType: string, resource: JsonObject): readonly JsonObject[] {
  const seen = views.filter(({ of }) => of === resourceType).map((view): JsonObject => ({ ...view.toFhir(resource) }));
  return hidden.includes(resourceType) ? seen : [resource, ...seen];
}

/** How many match in all; not counted where the dates of care must be looked up one by one. */
async function totalOf({ chart }: InteractionContext, query: EverythingQuery, patientKey: number): Promise<{ total?: number }> {
  if (query.care || query.views.length > query.hidden.length) return {};
  const { types, since } = query;
  const total = await chart.count({
    patientKey,
    ...(types.length > 0 ? { types } : {}),
    ...(since === undefined ? {} : { since }),
  });
  return { total };
}

function linkOf({ baseUrl, id, query }: InteractionRequest, page: string | null): string {
  const search = new URLSearchParams();
  for (const name of parameters) {
    const value = query.get(name);
    if (value !== null) search.set(name, value);
  }
  if (page !== null) search.set(pageParameter, page);
  return `${baseUrl}/Patient/${id}/$everything${search.size > 0 ? `?${search}` : ''}`;
}
