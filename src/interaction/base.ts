/** The base URL itself, which has no meaning in FHIR without a search or a Bundle: says in an OperationOutcome where to go. */
import { information, operationOutcome } from '../fhir/outcome.ts';
import type { Interaction } from './interaction.ts';
import { onlyParameters } from './parameters.ts';

export const base: Interaction = ({ registry }, { query, baseUrl }) => {
  onlyParameters(query, [], 'The base URL');
  const types = registry.resourceTypes.join(', ');
  const text = `This is a FHIR R4 server. What it can do: ${baseUrl}/metadata. What it serves: ${types}.`;
  return { status: 200, headers: {}, body: { ...operationOutcome([information('informational', text)]) } };
};
