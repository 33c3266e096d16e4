/** Whether a body's Content-Type and Content-Encoding are ones the gateway reads. https://hl7.org/fhir/R4/http.html#mime-type */
import { type FhirError, fault } from '../fhir/outcome.ts';
import { isOurFhirVersion, parseMediaType } from './media-type.ts';

export const jsonTypes: readonly string[] = ['application/fhir+json', 'application/json', 'text/json'];

/** @throws FhirError `unsupported-media-type` */
export function checkContentType(value: string | undefined, accepted: readonly string[]): void {
  const list = accepted.join(', ');
  if (value === undefined) throw unsupported(`Content-Type is missing; send one of ${list}.`, 'Content-Type');
  const type = parseMediaType(value);
  if (type === null) throw unsupported(`Content-Type is not a media type; send one of ${list}.`, 'Content-Type');
  if (/xml|turtle/.test(type.name))
    throw unsupported('XML and RDF are not supported; send application/fhir+json.', 'Content-Type');
  if (!accepted.includes(type.name))
    throw unsupported(`This Content-Type is not supported; send one of ${list}.`, 'Content-Type');
  if (!isOurFhirVersion(type)) throw unsupported('This gateway speaks fhirVersion=4.0 only.', 'Content-Type');
  const charset = type.parameters.get('charset')?.toLowerCase() ?? 'utf-8';
  if (charset !== 'utf-8' && charset !== 'utf8') throw unsupported('FHIR is UTF-8 only; send charset=utf-8.', 'Content-Type');
}

/** @throws FhirError `unsupported-media-type` */
export function isGzip(value: string | undefined): boolean {
  const coding = value?.trim().toLowerCase() ?? 'identity';
  if (coding === 'identity' || coding === '') return false;
  if (coding === 'gzip' || coding === 'x-gzip') return true;
  throw unsupported('This Content-Encoding is not supported; send gzip or none.', 'Content-Encoding');
}

function unsupported(text: string, name: string): FhirError {
  return fault('unsupported-media-type', 'not-supported', text, `http.${name}`);
}
