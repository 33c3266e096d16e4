/** $lookup and $validate-code over our code systems. https://hl7.org/fhir/R4/codesystem.html#operations */
import { fault } from '../../fhir/outcome.ts';
import { conceptIn } from '../../terminology/concept.ts';
import type { Interaction } from '../interaction.ts';
import { askedCodes, codeInputs } from './asked-code.ts';
import { codeSystemBy, codeSystemOf } from './definition.ts';
import { operationInput } from './operation-input.ts';
import { parametersOut } from './parameters-out.ts';
import { verdict } from './verdict.ts';

export const lookup: Interaction = ({ terminology }, request) => {
  const input = operationInput(request, { system: 'string', version: 'string', code: 'string', coding: 'Coding' }, '$lookup');
  const [asked] = askedCodes(input, 'system');
  const { system, code = '' } = asked ?? {};
  if (system === undefined) throw fault('malformed', 'required', 'The coding has no system.', 'coding');
  const codeSystem = codeSystemBy(terminology, system, input.text('version') ?? input.coding('coding')?.version, 'system');
  const concept = conceptIn(codeSystem, code);
  if (concept === undefined)
    throw fault('not-found', 'not-found', `${codeSystem.title} (${codeSystem.url}) has no code ${JSON.stringify(code)}.`, 'code');
  return parametersOut([
    { name: 'name', valueString: codeSystem.name },
    { name: 'version', valueString: codeSystem.version },
    { name: 'display', valueString: concept.display ?? concept.code },
    { name: 'definition', valueString: concept.definition },
  ]);
};

export const validateCode: Interaction = ({ terminology }, request) => {
  const inputs = { url: 'string', version: 'string', display: 'string', ...codeInputs } as const;
  const input = operationInput(request, inputs, '$validate-code');
  const codeSystem = codeSystemOf(terminology, request, input);
  const results = askedCodes(input, null).map(({ system, code, display }) => {
    if (system !== undefined && system !== codeSystem.url)
      return { message: `The code is of ${system}, not of ${codeSystem.url}.` };
    const concept = conceptIn(codeSystem, code);
    const message = `${codeSystem.title} (${codeSystem.url}) has no code ${JSON.stringify(code)}.`;
    return verdict(concept && { code: concept.code, display: concept.display }, display, message);
  });
  const result = results.find(({ message }) => message === undefined) ?? results[0];
  return parametersOut([
    { name: 'result', valueBoolean: result?.message === undefined },
    { name: 'message', valueString: result?.message },
    { name: 'display', valueString: result?.display },
  ]);
};
