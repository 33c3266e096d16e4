/** What can be searched, for the CapabilityStatement and the documentation. */
import { parametersOf } from './parameter.ts';

export interface SupportedParameter {
  readonly name: string;
  readonly type: string;
  readonly definition: string;
}

/** Every parameter a type is found by. */
export function searchParametersOf(resourceType: string): readonly SupportedParameter[] {
  return [...parametersOf(resourceType).values()].map(({ name, type, definition }) => ({ name, type, definition }));
}
