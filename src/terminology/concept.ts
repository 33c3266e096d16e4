/** One code of one of our code systems. */
import type { CodeSystem, CodeSystemConcept } from 'fhir/r4.js';
import { fold } from '../../mappings/terms/fold.ts';

/** Codes that are texts compare as the database compares them: case, accents and trailing spaces do not count. */
export function sameCode(caseSensitive: boolean, one: string, other: string): boolean {
  return one === other || (!caseSensitive && fold(one) === fold(other));
}

export function conceptIn(system: CodeSystem, code: string): CodeSystemConcept | undefined {
  return system.concept?.find((concept) => sameCode(system.caseSensitive ?? true, concept.code, code));
}
