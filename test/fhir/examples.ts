/** The official R4 examples, where they lie beside the project. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import type { FhirResource } from 'fhir/r4.js';
import { parseJson } from '../../src/fhir/json.ts';

const folder = new URL('../../../shared/data/r4-examples/', import.meta.url);

/** For the `skip` option of a test. */
export const examplesMissing: string | false = existsSync(folder) ? false : 'the official R4 examples are not beside the project';

export function officialExamples(): readonly (readonly [name: string, resource: FhirResource])[] {
  if (examplesMissing) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith('.json') && !name.startsWith('_'));
  return names.map((name) => [name, parseJson(readFileSync(new URL(name, folder))) as FhirResource] as const);
}
