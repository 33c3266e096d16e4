/** Logical ids in URLs: their syntax, and the forms that only the gateway gives. https://hl7.org/fhir/R4/datatypes.html#id */
import type { Registry } from '../mapping/registry.ts';

const syntax = /^[A-Za-z0-9\-.]{1,64}$/;

export const isId = (text: string): boolean => syntax.test(text);

export const idSyntax = 'an id is 1 to 64 letters, digits, "-" and "."';

/** `pt-12`, `mh-7`, …: the ids of MediMax's own rows, present and future. */
export function isReservedId(registry: Registry, id: string): boolean {
  const prefix = /^([a-z]+)-[0-9]+$/i.exec(id)?.[1]?.toLowerCase();
  if (prefix === undefined) return false;
  return registry.mappings.some(({ variants }) => variants.some(({ variant }) => variant.source.idPrefix === prefix));
}
