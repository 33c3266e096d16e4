/** The id of a request, in the answer and in every log line about it. https://hl7.org/fhir/R4/http.html#custom */
import { randomUUID } from 'node:crypto';

const harmless = /^[A-Za-z0-9._-]{1,64}$/;

/** The client's own where it cannot do harm in a log or a header, else a new one. */
export function requestIdOf(given: string | readonly string[] | undefined): string {
  return typeof given === 'string' && harmless.test(given) ? given : randomUUID();
}
