/** The elements that every one of our definitions has: identity, version, publisher. https://hl7.org/fhir/R4/canonicalresource.html */

export const terminologyTypes = ['CodeSystem', 'ValueSet', 'ConceptMap', 'StructureDefinition', 'OperationDefinition'] as const;

export type TerminologyType = (typeof terminologyTypes)[number];

export interface Publication {
  /** Base of canonical URLs, without a trailing slash. */
  readonly canonicalBase: string;
  /** Of the software: the version of what has none of its own. */
  readonly version: string;
  readonly publisher: string;
}

export function about(
  type: TerminologyType,
  { id, title, version }: { readonly id: string; readonly title: string; readonly version?: string | undefined },
  settings: Publication,
) {
  return {
    id,
    url: `${settings.canonicalBase}/${type}/${id}`,
    version: version ?? settings.version,
    name: nameOf(id),
    title,
    status: 'active' as const,
    experimental: false,
    publisher: settings.publisher,
  };
}

/** `medimax-test-name-loinc` → `MedimaxTestNameLoinc`: R4 wants a name that a program can use. */
function nameOf(id: string): string {
  return id
    .split('-')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}
