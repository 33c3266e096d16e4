/** A search as it stands in the URL → a plan and how the result is wanted; everything wrong is told at once. https://hl7.org/fhir/R4/search.html */
import { error, type Issue, warning } from '../fhir/outcome.ts';
import { hasElement } from '../fhir/summary.ts';
import { compartmentParameters } from './definitions.ts';
import type { SearchEnv } from './env.ts';
import { parametersOf } from './parameter.ts';
import { type ExpandValueSet, type ParseContext, parseCriterion, placeOf, shown } from './parse-criterion.ts';
import { type IncludeRule, parseInclude } from './parse-include.ts';
import type { Criterion, SearchPlan, SortKey } from './plan.ts';

export interface SearchRequest {
  /** Absent at system level: then `_type` says which. */
  readonly resourceType?: string;
  /** `Patient/pt-1` in `/Patient/pt-1/Observation`. */
  readonly compartment?: { readonly id: string };
  readonly parameters: readonly (readonly [name: string, value: string])[];
}

export interface SearchLimits {
  readonly parametersMax: number;
  readonly valuesMax: number;
  readonly pageDefault: number;
  readonly pageMax: number;
  readonly chainDepthMax: number;
  readonly includesMax: number;
}

export interface SearchSettings {
  readonly env: SearchEnv;
  readonly served: readonly string[];
  readonly limits: SearchLimits;
  readonly expand: ExpandValueSet;
}

export type Total = 'none' | 'estimate' | 'accurate';
export type Summary = 'true' | 'text' | 'data' | 'count' | 'false';

export interface ParsedSearch {
  readonly plan: SearchPlan;
  readonly count: number;
  readonly total: Total;
  readonly summary: Summary;
  readonly elements: readonly string[] | null;
  readonly includes: readonly IncludeRule[];
  /** What was understood, in order: the self link. */
  readonly applied: readonly (readonly [name: string, value: string])[];
  /** What is wrong with the rest: errors that a strict search is refused for. */
  readonly issues: readonly Issue[];
}

/** Understood by the HTTP side. */
const httpParameters: readonly string[] = ['_format', '_pretty'];
const once: readonly string[] = ['_count', '_total', '_summary', '_elements', '_sort', '_type'];

export function parseSearch(request: SearchRequest, settings: SearchSettings): ParsedSearch {
  const { limits, served } = settings;
  const issues: Issue[] = [];
  const applied: (readonly [string, string])[] = [];
  const where: Criterion[] = [];
  const result = new Map<string, string>();
  const includes: IncludeRule[] = [];

  if (request.parameters.length > limits.parametersMax)
    issues.push(error('too-costly', `A search takes at most ${limits.parametersMax} parameters.`));
  const values = request.parameters.reduce((sum, [, value]) => sum + value.split(',').length, 0);
  if (values > limits.valuesMax) issues.push(error('too-costly', `A search takes at most ${limits.valuesMax} values.`));
  if (issues.length > 0) return nothingOf(issues);

  const types = typesAsked(request, served, issues);
  for (const [name, value] of request.parameters) {
    const problems: Issue[] = [];
    const context: ParseContext = {
      ...settings,
      chainDepthMax: limits.chainDepthMax,
      refuse: (code, text) => problems.push(error(code, `The search parameter ${shown(name)}: ${text}.`, shown(name))),
    };
    if (httpParameters.includes(name)) continue;
    if (resultParameters.has(name)) {
      if (once.includes(name) && result.has(name)) context.refuse('invalid', 'it is given more than once');
      else result.set(name, value);
      resultParameters.get(name)?.(value, types, context);
    } else if (/^_(rev)?include(:|$)/.test(name)) {
      const rule = parseInclude(context, name, value, types);
      if (rule) includes.push(rule);
    } else {
      const criterion = forTypes(types, (type) => parseCriterion(context, type, name, value));
      if (criterion) where.push(criterion);
    }
    if (problems.length === 0) applied.push([name, value]);
    else if (result.get(name) === value) result.delete(name);
    issues.push(...dedupe(problems));
  }
  if (result.has('_elements') && !['false', undefined].includes(result.get('_summary')))
    issues.push(error('invalid', '_summary and _elements cannot be combined.', '_elements'));
  if (request.compartment) where.push(compartmentCriterion(types, request.compartment.id));
  const asked = result.get('_count');
  return {
    plan: { types, where, sort: sortKeys(result.get('_sort'), types) },
    count: asked === undefined ? limits.pageDefault : Math.min(Number(asked), limits.pageMax),
    total: (result.get('_total') ?? 'none') as Total,
    summary: (result.get('_summary') ?? 'false') as Summary,
    elements: result.get('_elements')?.split(',') ?? null,
    includes,
    applied,
    issues,
  };
}

/** For lenient handling: what was left out becomes a warning. */
export function asWarnings(issues: readonly Issue[]): readonly Issue[] {
  return issues.map(({ code, text, expression }) => warning(code, `${text} It was left out.`, expression?.[0]));
}

function nothingOf(issues: readonly Issue[]): ParsedSearch {
  const plan = { types: [], where: [], sort: [] };
  return { plan, count: 0, total: 'none', summary: 'false', elements: null, includes: [], applied: [], issues };
}

function dedupe(issues: readonly Issue[]): readonly Issue[] {
  return [...new Map(issues.map((issue) => [issue.text, issue])).values()];
}

function typesAsked(
  { resourceType, parameters, compartment }: SearchRequest,
  served: readonly string[],
  issues: Issue[],
): readonly string[] {
  const asked = parameters.find(([name]) => name === '_type')?.[1];
  if (resourceType !== undefined) {
    if (asked !== undefined)
      issues.push(error('invalid', 'The search parameter _type: it belongs to a search of the whole system.', '_type'));
    return [resourceType];
  }
  if (asked === undefined) return compartment ? served.filter((type) => compartmentParameters(type)) : served;
  const types = asked.split(',');
  for (const type of types.filter((one) => !served.includes(one)))
    issues.push(
      error(
        'not-supported',
        `The search parameter _type: ${shown(type)} is not served here; served are ${served.join(', ')}.`,
        '_type',
      ),
    );
  return types.filter((type) => served.includes(type));
}

/** A parameter of several types means each type's own. */
function forTypes(types: readonly string[], parse: (type: string) => Criterion | undefined): Criterion | undefined {
  const [only] = types;
  if (types.length === 1 && only) return parse(only);
  const found = types.map((type) => ({ type, criterion: parse(type) }));
  if (found.some(({ criterion }) => criterion === undefined)) return undefined;
  return {
    is: 'any',
    of: found.map(({ type, criterion }) => ({ is: 'all', of: [{ is: 'type', type }, ...(criterion ? [criterion] : [])] })),
  };
}

function compartmentCriterion(types: readonly string[], id: string): Criterion {
  const of = types.flatMap((type): Criterion[] => {
    const own: Criterion[] =
      type === 'Patient'
        ? [
            {
              is: 'all',
              of: [
                { is: 'type', type },
                { is: 'id', ids: [id] },
              ],
            },
          ]
        : [];
    const tests = [{ kind: 'reference', type: 'Patient', id }] as const;
    const linked = (compartmentParameters(type) ?? []).flatMap((name): Criterion[] => {
      const parameter = parametersOf(type).get(name);
      return parameter ? [{ is: 'match', place: placeOf(parameter), tests }] : [];
    });
    return [...own, ...linked];
  });
  return { is: 'any', of };
}

type CheckResult = (value: string, types: readonly string[], context: ParseContext) => void;

function oneOf(...words: readonly string[]): CheckResult {
  return (value, _types, context) => {
    if (!words.includes(value)) context.refuse('value', `${shown(value)} is none of ${words.join(', ')}`);
  };
}

/** Parameters about the result. https://hl7.org/fhir/R4/search.html#return */
const resultParameters: ReadonlyMap<string, CheckResult> = new Map<string, CheckResult>([
  [
    '_count',
    (value, _types, context) => {
      if (!/^\d{1,9}$/.test(value)) context.refuse('value', `${shown(value)} is no number of resources`);
    },
  ],
  ['_total', oneOf('none', 'estimate', 'accurate')],
  ['_summary', oneOf('true', 'text', 'data', 'count', 'false')],
  [
    '_elements',
    (value, types, context) => {
      const unknown = value.split(',').filter((element) => !types.some((type) => hasElement(type, element)));
      if (unknown.length > 0) context.refuse('value', `${types.join(', ')} has no element ${unknown.map(shown).join(', ')}`);
    },
  ],
  [
    '_sort',
    (value, types, context) => {
      for (const key of value.split(',')) checkSort(key, types, context);
    },
  ],
  ['_type', () => {}],
  [
    '_contained',
    (value, _types, context) => {
      if (value !== 'false') context.refuse('not-supported', 'contained resources are not searched on their own');
    },
  ],
  [
    '_containedType',
    (_value, _types, context) => context.refuse('not-supported', 'contained resources are not searched on their own'),
  ],
  ['_score', (_value, _types, context) => context.refuse('not-supported', 'results have no score')],
]);

const unsortable: readonly string[] = ['reference', 'composite'];

function checkSort(key: string, types: readonly string[], context: ParseContext): void {
  const name = key.replace(/^-/, '');
  const known = types.map((type) => parametersOf(type).get(name));
  if (known.some((parameter) => parameter === undefined))
    context.refuse('not-supported', `${shown(name)} is no search parameter of ${types.join(', ')}`);
  else if (
    known.some(
      (parameter) =>
        parameter && (unsortable.includes(parameter.type) || parameter.indexedAs.length > 1 || parameter.name === 'phonetic'),
    )
  )
    context.refuse('not-supported', `sorting by ${shown(name)}, a ${known[0]?.type}, is not offered`);
  else if (types.length > 1 && known.some((parameter) => !parameter?.column))
    context.refuse('not-supported', 'a search of several types is sorted by _id and _lastUpdated only');
}

function sortKeys(text: string | undefined, types: readonly string[]): readonly SortKey[] {
  if (text === undefined) return [];
  return text.split(',').flatMap((key): SortKey[] => {
    const descending = key.startsWith('-');
    const parameter = parametersOf(types[0] ?? '').get(key.replace(/^-/, ''));
    if (!parameter) return [];
    return [parameter.column ? { by: parameter.column, descending } : { by: 'value', place: placeOf(parameter), descending }];
  });
}
