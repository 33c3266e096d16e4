/** Which format a client wants back: `_format` before Accept, JSON or nothing. https://hl7.org/fhir/R4/http.html#mime-type */
import { type FhirError, fault } from '../fhir/outcome.ts';
import { isOurFhirVersion, type MediaType, parseMediaType, splitOutsideQuotes } from './media-type.ts';

export interface Format {
  /** Value of the response's Content-Type. */
  readonly contentType: string;
  readonly pretty: boolean;
}

/** In the order of our preference. */
const ours = ['application/fhir+json', 'application/json', 'text/json'] as const;

const fhirJson = withCharset(ours[0]);

/** The commonest case, made once. */
const usual: Format = { contentType: fhirJson, pretty: false };

/** @throws FhirError `not-acceptable` for formats the gateway does not speak, `malformed` for a `_pretty` that is no boolean */
export function negotiate(accept: string | undefined, query: URLSearchParams): Format {
  if (query.size === 0) return accept === undefined ? usual : formatFor(accept);
  const format = query.get('_format');
  const contentType = format === null ? fromAccept(accept) : fromParameter(format);
  return { contentType, pretty: isPretty(query.get('_pretty')) };
}

/** What a route that writes NDJSON asks of Accept: the lines, or nothing it would not ask of others. Errors are JSON all the same. */
export function acceptBesideNdjson(accept: string | undefined, ndjsonTypes: readonly string[]): string | undefined {
  const ranges = splitOutsideQuotes(accept ?? '', ',').flatMap((part) => parseMediaType(part) ?? []);
  return ndjsonTypes.some((name) => quality(name, ranges) > 0) ? undefined : accept;
}

/** Clients send few different ones; a client that sends many is not remembered. */
const knownAccepts = new Map<string, Format>();
const knownAcceptsMax = 100;

function formatFor(accept: string): Format {
  const known = knownAccepts.get(accept);
  if (known) return known;
  const format: Format = { contentType: fromAccept(accept), pretty: false };
  if (knownAccepts.size < knownAcceptsMax && accept.length < 200) knownAccepts.set(accept, format);
  return format;
}

function isPretty(value: string | null): boolean {
  if (value === null || value === 'false') return false;
  if (value === 'true') return true;
  throw fault('malformed', 'value', '_pretty is neither true nor false.', '_pretty');
}

function fromParameter(format: string): string {
  if (format.toLowerCase() === 'json') return fhirJson;
  // A plus sign that was not escaped arrives as a space.
  const type = parseMediaType(format.replace('fhir json', 'fhir+json'));
  const found = type && isOurFhirVersion(type) ? ours.find((name) => name === type.name) : undefined;
  if (found === undefined) throw notAcceptable('_format', '_format');
  return withCharset(found);
}

function fromAccept(accept: string | undefined): string {
  if (accept === undefined || accept.trim() === '') return fhirJson;
  const ranges = splitOutsideQuotes(accept, ',').flatMap((part) => parseMediaType(part) ?? []);
  const best = ours.map((name) => ({ name, quality: quality(name, ranges) })).filter((one) => one.quality > 0);
  best.sort((a, b) => b.quality - a.quality);
  // A browser shows application/json, and stores application/fhir+json as a file.
  if (ranges.some(({ name }) => name === 'text/html')) return withCharset('application/json');
  if (best[0] === undefined) throw notAcceptable('Accept', 'http.Accept');
  return withCharset(best[0].name);
}

/** The quality that the most specific range gives this type (RFC 9110, section 12.5.1). */
function quality(name: string, ranges: readonly MediaType[]): number {
  const type = name.slice(0, name.indexOf('/'));
  for (const wanted of [name, `${type}/*`, '*/*']) {
    const range = ranges.find((one) => one.name === wanted && isOurFhirVersion(one));
    if (range === undefined) continue;
    const q = Number(range.parameters.get('q') ?? 1);
    return q >= 0 && q <= 1 ? q : 1;
  }
  return 0;
}

function withCharset(name: string): string {
  return `${name}; charset=utf-8`;
}

function notAcceptable(where: string, expression: string): FhirError {
  const text = `${where} asks for a format that this gateway does not write: it writes application/fhir+json of FHIR 4.0, not XML or RDF.`;
  return fault('not-acceptable', 'not-supported', text, expression);
}
