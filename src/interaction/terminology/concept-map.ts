/** $translate over our concept maps. https://hl7.org/fhir/R4/conceptmap-operation-translate.html */
import { fault } from '../../fhir/outcome.ts';
import { type Match, translate as translateCode } from '../../terminology/translate.ts';
import type { Interaction } from '../interaction.ts';
import { askedCodes, codeInputs } from './asked-code.ts';
import { conceptMapsOf } from './definition.ts';
import { operationInput } from './operation-input.ts';
import { parametersOut } from './parameters-out.ts';

const inputs = {
  url: 'string',
  conceptMapVersion: 'string',
  system: 'string',
  targetsystem: 'string',
  reverse: 'boolean',
  ...codeInputs,
} as const;

export const translate: Interaction = ({ terminology }, request) => {
  const input = operationInput(request, inputs, '$translate');
  const maps = conceptMapsOf(terminology, request, input);
  const targetSystem = input.text('targetsystem');
  const matches = askedCodes(input, 'system').flatMap(({ system, code }) => {
    if (system === undefined) throw fault('malformed', 'required', 'The coding has no system.', 'coding');
    const wanted = { system, code, reverse: input.flag('reverse') ?? false };
    return translateCode(terminology, maps, targetSystem === undefined ? wanted : { ...wanted, targetSystem });
  });
  return parametersOut([
    { name: 'result', valueBoolean: matches.length > 0 },
    ...(matches.length > 0 ? [] : [{ name: 'message', valueString: 'No map of this server has this code.' }]),
    ...matches.map(matchOut),
  ]);
};

function matchOut({ equivalence, concept, map }: Match) {
  return {
    name: 'match',
    part: [
      { name: 'equivalence', valueCode: equivalence },
      { name: 'concept', valueCoding: concept },
      { name: 'source', valueUri: map },
    ],
  };
}
