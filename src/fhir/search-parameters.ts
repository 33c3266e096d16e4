/** HL7's search parameters and patient compartment, for the served types. https://hl7.org/fhir/R4/searchparameter-registry.html */
import compartmentJson from './definitions/patient-compartment.json' with { type: 'json' };
import parametersJson from './definitions/search-parameters.json' with { type: 'json' };

export interface SearchParameterDefinition {
  readonly url: string;
  readonly type: 'number' | 'date' | 'string' | 'token' | 'reference' | 'composite' | 'quantity' | 'uri' | 'special';
  /** FHIRPath; of a parameter shared by types only this type's alternatives. Absent for _text, _content and the like. */
  readonly expression?: string;
  /** Types a reference parameter may point to. */
  readonly target?: readonly string[];
  /** Of a composite: the canonical URL of each parameter, and its expression relative to the composite's. */
  readonly component?: readonly { readonly definition: string; readonly expression: string }[];
}

type ByCode = Readonly<Record<string, SearchParameterDefinition>>;

const parameters = parametersJson as Readonly<Record<string, ByCode>>;
const compartment: Readonly<Record<string, readonly string[]>> = compartmentJson;

/** All of R4's search parameters of a type by code, those of every resource (`_id`, `_lastUpdated`, …) included. */
export function searchParametersOf(type: string): ReadonlyMap<string, SearchParameterDefinition> {
  return new Map(['Resource', 'DomainResource', type].flatMap((base) => Object.entries(parameters[base] ?? {})));
}

/** The search parameters by which a resource of this type is in a patient's compartment; empty where none is. */
export function patientCompartmentParameters(type: string): readonly string[] {
  return compartment[type] ?? [];
}
