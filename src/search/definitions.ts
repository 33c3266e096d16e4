/** HL7's own list of search parameters, by resource type. https://hl7.org/fhir/R4/searchparameter-registry.html */
import compartmentJson from '../fhir/definitions/patient-compartment.json' with { type: 'json' };
import definitionsJson from '../fhir/definitions/search-parameters.json' with { type: 'json' };

export type SearchType = 'token' | 'string' | 'date' | 'number' | 'quantity' | 'reference' | 'uri' | 'composite';

export interface SearchDefinition {
  readonly url: string;
  readonly type: SearchType;
  readonly expression?: string;
  readonly target?: readonly string[];
  readonly component?: readonly { readonly definition: string; readonly expression: string }[];
}

type Definitions = Readonly<Record<string, Readonly<Record<string, SearchDefinition>>>>;

const definitions = definitionsJson as unknown as Definitions; // the file is made by scripts/extract-definitions.ts in this form

/** The parameters of a type by name, without those that every resource has. */
export function definitionsOf(resourceType: string): Readonly<Record<string, SearchDefinition>> {
  return definitions[resourceType] ?? {};
}

/** `_tag` and the like, whose expressions begin with `Resource`. */
export const commonDefinitions: Readonly<Record<string, SearchDefinition>> = {
  ...definitions['Resource'],
  ...definitions['DomainResource'],
};

/** Parameters that tie a type to a Patient's compartment; undefined for types that are not in it. https://hl7.org/fhir/R4/compartmentdefinition-patient.html */
export function compartmentParameters(resourceType: string): readonly string[] | undefined {
  return (compartmentJson as Readonly<Record<string, readonly string[]>>)[resourceType];
}
