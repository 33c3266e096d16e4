/** Entity tags: the version of a resource as a weak ETag, and lists of them in If-Match. https://hl7.org/fhir/R4/http.html#versioning */
import { fault } from '../fhir/outcome.ts';

export const etagOf = (version: number): string => `W/"${version}"`;

/** `*`, or the opaque tags of a list; weak and strong ones are compared alike, as FHIR does. */
export type EntityTags = '*' | readonly string[];

const oneTag = /^(?:W\/)?"([\x21\x23-\x7e\x80-\xff]*)"$/;
const listOfTags = /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"(?:[ \t]*,[ \t]*(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*")*$/;

/** @throws FhirError `malformed` when the header is neither `*` nor a list of entity tags. */
export function parseEntityTags(name: string, value: string): EntityTags {
  const text = value.trim();
  if (text === '*') return '*';
  if (!listOfTags.test(text)) {
    throw fault(
      'malformed',
      'value',
      `${name} is not an entity tag; send the ETag of the version you have read, such as W/"3".`,
      `http.${name}`,
    );
  }
  return (text.match(/(?:W\/)?"[^"]*"/g) ?? []).map((tag) => oneTag.exec(tag)?.[1] ?? '');
}

export function matches(tags: EntityTags, version: number): boolean {
  return tags === '*' || tags.includes(String(version));
}
