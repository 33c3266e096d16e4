/** How much of a resource a client wants to see: `_summary` and `_elements`. https://hl7.org/fhir/R4/search.html#summary */
import type { FhirResource } from 'fhir/r4.js';
import { error, FhirError, type Issue } from '../fhir/outcome.ts';
import { hasElement, selectElements, summarise } from '../fhir/summary.ts';
import type { JsonObject } from '../mapping/lift.ts';
import { onlyParameters, presentationParameters } from './parameters.ts';

type SummaryMode = 'true' | 'text' | 'data';

export interface Presentation {
  readonly summary?: SummaryMode;
  readonly elements?: readonly string[];
}

const whole: Presentation = {};

/**
 * For interactions that answer with one resource and know no other parameters.
 * @throws FhirError `malformed` with every parameter that is unknown or has a value that is
 */
export function parsePresentation(query: URLSearchParams, resourceType: string, what: string): Presentation {
  if (query.size === 0) return whole;
  onlyParameters(query, presentationParameters, what);
  const summary = query.get('_summary');
  const elements = query.get('_elements')?.split(',') ?? null;
  const issues = [
    ...(summary !== null && !isSummary(summary) ? [summaryIssue(summary)] : []),
    ...(elements ?? []).flatMap((name) => elementIssue(resourceType, name)),
    ...(summary !== null && summary !== 'false' && elements !== null
      ? [error('value', '_summary and _elements cannot be combined.', '_summary')]
      : []),
  ];
  if (issues.length > 0) throw new FhirError('malformed', issues);
  if (elements !== null) return { elements };
  return summary === 'true' || summary === 'text' || summary === 'data' ? { summary } : whole;
}

export function present(resource: JsonObject, { summary, elements }: Presentation): JsonObject {
  if (elements !== undefined) return { ...selectElements(asResource(resource), elements) };
  return summary === undefined ? resource : { ...summarise(asResource(resource), summary) };
}

/** What a mapping renders is a resource; the kit sees it as JSON only. */
function asResource(resource: JsonObject): FhirResource {
  return resource as unknown as FhirResource;
}

function isSummary(word: string): boolean {
  return ['true', 'text', 'data', 'false'].includes(word);
}

function summaryIssue(word: string): Issue {
  const why = word === 'count' ? 'counts, which only a search can do' : 'is none of true, text, data, false';
  return error('value', `_summary ${why}.`, '_summary');
}

function elementIssue(resourceType: string, name: string): readonly Issue[] {
  const [element = ''] = name.split('.');
  if (/^[A-Za-z][A-Za-z0-9.]*$/.test(name) && hasElement(resourceType, element)) return [];
  const shown = JSON.stringify(name.slice(0, 64));
  return [error('value', `_elements names ${shown}, which is no element of ${resourceType}.`, '_elements')];
}
