/** Search of a view: its parameters are asked of what it shows, the rest is the search of that type. https://hl7.org/fhir/R4/search.html */
import { error, FhirError, type Issue, operationOutcome, warning } from '../../fhir/outcome.ts';
import { isObject, type JsonObject } from '../../mapping/lift.ts';
import type { AnyView, ViewedParameter } from '../../mapping/view.ts';
import { header } from '../header.ts';
import type { Interaction, InteractionRequest } from '../interaction.ts';
import { parsePrefer } from '../prefer.ts';
import { parsePresentation, present } from '../presentation.ts';
import { search } from '../search.ts';
import { viewContext } from './viewed.ts';

type Pairs = readonly (readonly [name: string, value: string])[];

interface Asked {
  /** As the view was asked, without what was not understood: the self link. */
  readonly applied: Pairs;
  /** As the viewed type is asked. */
  readonly viewed: Pairs;
  readonly issues: readonly Issue[];
}

/** Parameters about the result, which mean the same for both types. */
const resultParameters: readonly string[] = ['_count', '_total', '_summary', '_page', '_format', '_pretty'];

export function searchView(view: AnyView): Interaction {
  return async (context, request) => {
    const asked = askedOf(view, request.query);
    const isLenient = parsePrefer(header(request.headers, 'prefer')).handling === 'lenient';
    if (asked.issues.length > 0 && !isLenient) throw new FhirError('malformed', asked.issues);
    const elements = request.query.get('_elements');
    const how = parsePresentation(
      new URLSearchParams(elements === null ? [] : [['_elements', elements]]),
      view.resourceType,
      'A search',
    );
    const query = new URLSearchParams(asked.viewed.map(([name, value]): [string, string] => [name, value]));
    const { body = {}, ...response } = await search(viewContext(context, view), { ...request, resourceType: view.of, query });
    const entries = (Array.isArray(body['entry']) ? body['entry'] : []).map((entry) =>
      isObject(entry) && isOfView(view, entry['resource']) ? { ...entry, resource: present(entry['resource'], how) } : entry,
    );
    const whole = [...outcomeEntry(asked.issues), ...entries];
    const link = linksOf(view, request, body, asked.applied);
    return { ...response, body: { ...body, link, ...(whole.length > 0 ? { entry: whole } : {}) } };
  };
}

function isOfView(view: AnyView, resource: unknown): resource is JsonObject {
  return isObject(resource) && resource['resourceType'] === view.resourceType;
}

function outcomeEntry(issues: readonly Issue[]): readonly JsonObject[] {
  if (issues.length === 0) return [];
  const warnings = issues.map(({ code, text, expression }) => warning(code, `${text} It was left out.`, expression?.[0]));
  return [{ resource: operationOutcome(warnings), search: { mode: 'outcome' } }];
}

/** The page links carry the query of the viewed type, and lead to the view; the self link says what the view was asked. */
function linksOf(
  view: AnyView,
  { baseUrl, path, query }: InteractionRequest,
  body: JsonObject,
  applied: Pairs,
): readonly JsonObject[] {
  const { compartment } = path;
  const address = [baseUrl, ...(compartment === undefined ? [] : ['Patient', compartment]), view.resourceType].join('/');
  const links = Array.isArray(body['link']) ? body['link'].filter(isObject) : [];
  const self = new URLSearchParams(applied.map(([name, value]): [string, string] => [name, value]));
  return links.map((link): JsonObject => {
    if (link['relation'] === 'self' && !query.has('_page'))
      return { relation: 'self', url: self.size > 0 ? `${address}?${self}` : address };
    const at = String(link['url']).indexOf('?');
    return { ...link, url: at < 0 ? address : `${address}${String(link['url']).slice(at)}` };
  });
}

function askedOf(view: AnyView, query: URLSearchParams): Asked {
  const issues: Issue[] = [];
  const applied: (readonly [string, string])[] = [];
  const asked: (readonly [string, string])[] = [];
  for (const [name, value] of query) {
    const result = viewedPairs(view, name, value);
    if (typeof result === 'string') {
      const shown = name.replace(/[\p{C}\s]+/gu, ' ').slice(0, 64);
      issues.push(error('not-supported', `The search parameter ${shown}: ${result}.`, shown));
    } else {
      applied.push([name, value]);
      asked.push(...result);
    }
  }
  return { applied, viewed: asked, issues };
}

/** What a parameter of the view asks of the viewed type; a text says why it cannot. */
function viewedPairs(view: AnyView, name: string, value: string): Pairs | string {
  if (resultParameters.includes(name)) return [[name, value]];
  if (name === '_elements') return [];
  if (name === '_sort') {
    const keys = value.split(',');
    const isKnown = keys.every((key) => ['_id', '_lastUpdated'].includes(key.replace(/^-/, '')));
    return isKnown ? [[name, value]] : `${view.resourceType} sorts by _id and _lastUpdated only`;
  }
  if (name === '_include') {
    const [type, parameter = '', ...target] = value.split(':');
    const known = view.search[parameter];
    if (type !== view.resourceType || known === undefined || !('as' in known))
      return `${view.resourceType} includes only what its own references lead to`;
    return [[name, [view.of, known.as, ...target].join(':')]];
  }
  const [base = '', modifier] = name.split(/:(.*)/);
  const [root = '', chain] = base.split(/\.(.*)/);
  const parameter = Object.hasOwn(view.search, root) ? view.search[root] : undefined;
  if (parameter === undefined) {
    const known = Object.keys(view.search).join(', ');
    return `it is not known for ${view.resourceType}, a view of ${view.of}; known are ${known}, _count, _elements, _include, _sort, _summary, _total`;
  }
  if (!('system' in parameter)) return [[`${parameter.as}${name.slice(root.length)}`, value]];
  if (chain !== undefined) return 'it is no reference that could be chained';
  return codedPairs(parameter, modifier, value);
}

/** Two ids at once, which no resource has. */
const nothing: Pairs = [
  ['_id', '-'],
  ['_id', '.'],
];

type Coded = Extract<ViewedParameter, { readonly system: string }>;

function codedPairs(parameter: Coded, modifier: string | undefined, value: string): Pairs | string {
  if (modifier === 'missing' && 'as' in parameter) return [[`${parameter.as}:missing`, value]];
  if (modifier !== undefined && modifier !== 'not') return 'the modifiers here are :not, and :missing where it may be';
  const isNot = modifier === 'not';
  const codes = value.split(',').flatMap((text) => codeOf(text, parameter.system) ?? []);
  if ('always' in parameter) return codes.includes(parameter.always) === isNot ? nothing : [];
  const wanted = codes.flatMap((code) => parameter.codes.values(code)).map((code) => `${parameter.viewedSystem}|${code}`);
  if (wanted.length === 0) return isNot ? [] : nothing;
  return [[isNot ? `${parameter.as}:not` : parameter.as, wanted.join(',')]];
}

/** `code` and `system|code`; undefined for codes of other systems. */
function codeOf(text: string, system: string): string | undefined {
  const bar = text.indexOf('|');
  if (bar < 0) return text;
  return text.slice(0, bar) === system ? text.slice(bar + 1) : undefined;
}
