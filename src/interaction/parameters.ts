/** Query parameters that an interaction does not know are refused, never ignored in silence. https://hl7.org/fhir/R4/http.html#parameters */
import { error, FhirError } from '../fhir/outcome.ts';

/** Understood everywhere, by the HTTP side. */
const everywhere: readonly string[] = ['_format', '_pretty'];

/** For interactions that answer with one resource. */
export const presentationParameters: readonly string[] = ['_elements', '_summary'];

/** @throws FhirError `malformed` that names every parameter that is not among `known`, or is there twice. */
export function onlyParameters(query: URLSearchParams, known: readonly string[], what: string): void {
  if (query.size === 0) return;
  const accepted = [...everywhere, ...known];
  const names = new Set(query.keys());
  const issues = [...names].flatMap((name) => {
    if (!accepted.includes(name)) {
      const list = accepted.join(', ');
      return [error('not-supported', `${what} does not know the parameter ${shown(name)}; it knows ${list}.`, shown(name))];
    }
    if (query.getAll(name).length > 1) return [error('value', `The parameter ${name} is given more than once.`, name)];
    return [];
  });
  if (issues.length > 0) throw new FhirError('malformed', issues);
}

/** What a client sent, short and in one line. */
function shown(name: string): string {
  const line = name.replace(/[\p{C}\s]+/gu, ' ');
  return line.length > 64 ? `${line.slice(0, 64)}…` : line || '(empty name)';
}
