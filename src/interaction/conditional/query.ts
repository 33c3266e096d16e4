/** The search that a conditional interaction is made on: the query of its URL without what only says how to answer. */
import { fault } from '../../fhir/outcome.ts';
import { presentationParameters } from '../parameters.ts';

const aboutTheAnswer: readonly string[] = ['_format', '_pretty', ...presentationParameters];

export interface SplitQuery {
  readonly condition: string;
  readonly answer: URLSearchParams;
}

/** @throws FhirError `malformed` when nothing is left to search by: a condition that every resource meets is no condition */
export function splitQuery(query: URLSearchParams, method: string): SplitQuery {
  const pairs = [...query];
  const condition = new URLSearchParams(pairs.filter(([name]) => !aboutTheAnswer.includes(name)));
  if (condition.size === 0) {
    const text = `${method} without an id needs a search that finds the resource, such as ?identifier=system|value.`;
    throw fault('malformed', 'required', text, 'url');
  }
  return {
    condition: condition.toString(),
    answer: new URLSearchParams(pairs.filter(([name]) => aboutTheAnswer.includes(name))),
  };
}
