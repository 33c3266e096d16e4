/** Search among the definitions that come with the gateway: few parameters, unknown ones refused. https://hl7.org/fhir/R4/search.html */
import { error, FhirError, type Issue, operationOutcome, warning } from '../../fhir/outcome.ts';
import type { TerminologyType } from '../../terminology/about.ts';
import type { TerminologyResource } from '../../terminology/resources.ts';
import { type DefinitionParameter, isFound, parametersFor, type StringModifier } from '../../terminology/search.ts';
import type { Terminology } from '../../terminology/store.ts';
import { header } from '../header.ts';
import type { Interaction, InteractionRequest } from '../interaction.ts';
import { pageParameter, readPlace, writePlace } from '../page-place.ts';
import { parsePrefer } from '../prefer.ts';

interface Criterion {
  readonly parameter: DefinitionParameter;
  readonly modifier: StringModifier;
  readonly values: readonly string[];
}

interface Query {
  readonly criteria: readonly Criterion[];
  readonly count: number;
  readonly onlyCount: boolean;
  readonly applied: readonly (readonly [string, string])[];
  readonly issues: readonly Issue[];
}

export function searchDefinitions(resourceType: TerminologyType): Interaction {
  return ({ terminology, config, cursorSecret }, request) => {
    const query = parse(resourceType, request, config.limits);
    const isLenient = parsePrefer(header(request.headers, 'prefer')).handling === 'lenient';
    if (query.issues.length > 0 && !isLenient) throw new FhirError('malformed', query.issues);
    const found = find(terminology, resourceType, query);
    const about = JSON.stringify([resourceType, query.applied]);
    const text = request.query.get(pageParameter);
    const start = text === null ? 0 : Number(readPlace(cursorSecret, about, text));
    const page = query.onlyCount ? [] : found.slice(start, start + query.count);
    const next = query.onlyCount || start + query.count >= found.length ? null : String(start + query.count);
    const address = `${request.baseUrl}/${resourceType}`;
    const link = (place: string | null) => linkOf(address, query.applied, place);
    const entries = [...outcomeEntry(query.issues), ...page.map((resource) => entryOf(address, resource))];
    const body = {
      resourceType: 'Bundle',
      type: 'searchset',
      total: found.length,
      link: [
        { relation: 'self', url: link(text) },
        ...(next === null ? [] : [{ relation: 'next', url: link(writePlace(cursorSecret, about, next)) }]),
      ],
      ...(entries.length > 0 ? { entry: entries } : {}),
    };
    return { status: 200, headers: {}, body };
  };
}

function entryOf(address: string, resource: TerminologyResource) {
  return { fullUrl: `${address}/${resource.id}`, resource, search: { mode: 'match' } };
}

function outcomeEntry(issues: readonly Issue[]) {
  if (issues.length === 0) return [];
  const warnings = issues.map(({ code, text, expression }) => warning(code, `${text} It was left out.`, expression?.[0]));
  return [{ resource: operationOutcome(warnings), search: { mode: 'outcome' } }];
}

function find(terminology: Terminology, type: TerminologyType, { criteria }: Query): readonly TerminologyResource[] {
  return terminology
    .ofType(type)
    .filter((resource) => criteria.every(({ parameter, values, modifier }) => isFound(resource, parameter, values, modifier)));
}

function parse(
  resourceType: TerminologyType,
  { query }: InteractionRequest,
  limits: { readonly pageDefault: number; readonly pageMax: number },
): Query {
  const known = parametersFor(resourceType);
  const issues: Issue[] = [];
  const applied: (readonly [string, string])[] = [];
  const criteria: Criterion[] = [];
  let count = limits.pageDefault;
  let onlyCount = false;
  for (const [key, value] of query) {
    if (['_format', '_pretty', pageParameter].includes(key)) continue;
    const fail = (text: string) =>
      issues.push(error('not-supported', `The search parameter ${shown(key)}: ${text}.`, shown(key)));
    if (key === '_count') {
      if (!/^[0-9]{1,9}$/.test(value)) fail('it is no whole number');
      else {
        count = Math.min(Number(value), limits.pageMax);
        onlyCount ||= count === 0;
        applied.push([key, value]);
      }
      continue;
    }
    if (key === '_summary') {
      if (value !== 'count' && value !== 'false') fail('definitions have no summary; use false or count');
      else {
        onlyCount ||= value === 'count';
        applied.push([key, value]);
      }
      continue;
    }
    const [name = '', modifier, ...more] = key.split(':');
    const parameter = known.find((one) => one.name === name);
    if (parameter === undefined) {
      fail(`it is not known for ${resourceType}; known are ${known.map((one) => one.name).join(', ')}, _count, _summary`);
    } else if (more.length > 0 || !isModifier(parameter, modifier)) {
      fail(parameter.type === 'string' ? 'its modifiers are :exact and :contains' : 'it has no modifiers here');
    } else {
      criteria.push({ parameter, modifier, values: alternatives(value) });
      applied.push([key, value]);
    }
  }
  return { criteria, count, onlyCount, applied, issues };
}

function isModifier({ type }: DefinitionParameter, modifier: string | undefined): modifier is StringModifier {
  return modifier === undefined || (type === 'string' && (modifier === 'exact' || modifier === 'contains'));
}

/** Separated by commas, of which `\,` is none. */
function alternatives(value: string): readonly string[] {
  return value.split(/(?<!\\),/).map((text) => text.replaceAll(/\\([,|$\\])/g, '$1'));
}

function linkOf(address: string, applied: Query['applied'], place: string | null): string {
  const parameters = new URLSearchParams(applied.map(([name, value]): [string, string] => [name, value]));
  if (place !== null) parameters.set(pageParameter, place);
  return parameters.size > 0 ? `${address}?${parameters}` : address;
}

function shown(name: string): string {
  const line = name.replace(/[\p{C}\s]+/gu, ' ');
  return line.length > 64 ? `${line.slice(0, 64)}…` : line || '(empty name)';
}
