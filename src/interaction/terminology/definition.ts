/** One of our own definitions, by the id of the URL or by its canonical URL; what we do not hold is said. */
import type { CodeSystem, ConceptMap, ValueSet } from 'fhir/r4.js';
import { fault } from '../../fhir/outcome.ts';
import type { Terminology } from '../../terminology/store.ts';
import type { InteractionRequest } from '../interaction.ts';
import { notFound } from '../target.ts';
import type { OperationInput } from './operation-input.ts';

const listed = 'a search without parameters lists what there is';

/** @throws FhirError `not-found` */
export function codeSystemBy(terminology: Terminology, url: string, version: string | undefined, parameter: string): CodeSystem {
  const found = terminology.codeSystem(url, version);
  if (found) return found;
  throw notHeld('CodeSystem', url, version, parameter);
}

/** @throws FhirError `not-found`, `malformed` */
export function codeSystemOf(terminology: Terminology, request: InteractionRequest, input: OperationInput): CodeSystem {
  const id = instanceId(request, input);
  if (id === undefined) return codeSystemBy(terminology, required(input, 'url'), input.text('version'), 'url');
  const found = terminology.read('CodeSystem', id);
  if (found?.resourceType === 'CodeSystem') return found;
  throw notFound({ resourceType: 'CodeSystem', id });
}

/** @throws FhirError `not-found`, `malformed` */
export function valueSetOf(terminology: Terminology, request: InteractionRequest, input: OperationInput): ValueSet {
  const id = instanceId(request, input);
  if (id === undefined) {
    const [url, version] = [required(input, 'url'), input.text('valueSetVersion')];
    const found = terminology.valueSet(url, version);
    if (found) return found;
    throw notHeld('ValueSet', url, version, 'url');
  }
  const found = terminology.read('ValueSet', id);
  if (found?.resourceType === 'ValueSet') return found;
  throw notFound({ resourceType: 'ValueSet', id });
}

/** All of them where neither id nor URL says one. @throws FhirError `not-found` */
export function conceptMapsOf(
  terminology: Terminology,
  request: InteractionRequest,
  input: OperationInput,
): readonly ConceptMap[] {
  const id = instanceId(request, input);
  const url = input.text('url');
  const version = input.text('conceptMapVersion');
  const found = terminology.conceptMaps.filter(
    (map) =>
      (id === undefined || map.id === id) &&
      (url === undefined || map.url === url) &&
      (version === undefined || map.version === version),
  );
  if (found.length > 0) return found;
  if (id !== undefined) throw notFound({ resourceType: 'ConceptMap', id });
  throw notHeld('ConceptMap', url ?? '', version, 'url');
}

function instanceId({ id }: InteractionRequest, input: OperationInput): string | undefined {
  if (id !== undefined && input.text('url') !== undefined)
    throw fault('malformed', 'value', 'url stands beside an id in the path, which says already which one is meant.', 'url');
  return id;
}

function required(input: OperationInput, name: string): string {
  const text = input.text(name);
  if (text === undefined) throw fault('malformed', 'required', `${name} is missing.`, name);
  return text;
}

function notHeld(type: string, url: string, version: string | undefined, parameter: string) {
  const shown = JSON.stringify(url.replace(/[\p{C}\s]+/gu, ' ').slice(0, 200));
  const which = version === undefined ? shown : `${shown} in the version ${JSON.stringify(version.slice(0, 64))}`;
  return fault('not-found', 'not-found', `This server holds no ${type} ${which}, only its own: ${listed}.`, parameter);
}
