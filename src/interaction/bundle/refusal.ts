/** The faults of several entries as one. https://hl7.org/fhir/R4/http.html#trules */
import { FhirError } from '../../fhir/outcome.ts';
import { ofEntry } from './entries.ts';

/** All issues of all entries in one outcome; the first entry decides the status. */
export function refusal(failures: ReadonlyMap<number, FhirError>): FhirError {
  const sorted = [...failures].toSorted(([a], [b]) => a - b);
  const issues = sorted.flatMap(([index, failure]) => failure.issues.map((issue) => ofEntry(issue, index)));
  const kinds = sorted.map(([, { kind }]) => kind);
  return new FhirError(kinds.find((kind) => kind !== 'unprocessable') ?? kinds[0] ?? 'unprocessable', issues);
}
