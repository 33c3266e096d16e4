/** The query part of a request's URL. */
import { fault } from '../fhir/outcome.ts';

/** Shared by all requests without a query; nobody changes it. */
const none = new URLSearchParams();

/** @throws FhirError `malformed` where the percent-encoding is not valid UTF-8: guessing would search for something else */
export function queryOf(url: string): URLSearchParams {
  const at = url.indexOf('?');
  return at < 0 || at === url.length - 1 ? none : parseFields(url.slice(at + 1), 'The query of the URL');
}

/** Fields of `application/x-www-form-urlencoded`. @throws FhirError `malformed` */
export function parseFields(text: string, what: string): URLSearchParams {
  if (text.includes('%')) checkEncoding(text, what);
  return new URLSearchParams(text);
}

function checkEncoding(text: string, what: string): void {
  try {
    decodeURIComponent(text);
  } catch {
    throw fault('malformed', 'value', `${what} is not valid percent-encoded UTF-8.`);
  }
}
