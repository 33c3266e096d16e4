/** What an operation answers: a Parameters resource. https://hl7.org/fhir/R4/parameters.html */
import type { InteractionResponse } from '../interaction.ts';

/** `{ name, valueCode }`, `{ name, part }`; one whose value is undefined is left out. */
export interface OutParameter {
  readonly name: string;
  readonly part?: readonly OutParameter[];
  readonly [value: `value${string}`]: unknown;
}

export function parametersOut(parameters: readonly OutParameter[]): InteractionResponse {
  return { status: 200, headers: {}, body: { resourceType: 'Parameters', parameter: parameters.filter(hasValue).map(clean) } };
}

function hasValue(parameter: OutParameter): boolean {
  return Object.entries(parameter).some(([key, value]) => key !== 'name' && value !== undefined);
}

function clean({ part, ...rest }: OutParameter): OutParameter {
  return part === undefined ? rest : { ...rest, part: part.filter(hasValue).map(clean) };
}
