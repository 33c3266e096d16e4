/** Which code an operation is asked about: code and system, a Coding, or the codings of a CodeableConcept. */
import { fault } from '../../fhir/outcome.ts';
import type { InputType, OperationInput } from './operation-input.ts';

export interface AskedCode {
  readonly system?: string;
  readonly code: string;
  readonly display?: string;
}

export const codeInputs = {
  code: 'string',
  coding: 'Coding',
  codeableConcept: 'CodeableConcept',
} as const satisfies Readonly<Record<string, InputType>>;

/**
 * One code, or each of a concept's. `systemOf` names the parameter beside `code` that says the system; null where the system is known.
 * @throws FhirError `malformed` unless exactly one of the three is given, with a code
 */
export function askedCodes(input: OperationInput, systemParameter: string | null): readonly AskedCode[] {
  const code = input.text('code');
  const coding = input.coding('coding');
  const concept = input.concept('codeableConcept');
  const given = [code, coding, concept].filter((one) => one !== undefined).length;
  if (given !== 1)
    throw fault('malformed', given === 0 ? 'required' : 'value', 'Give exactly one of code, coding and codeableConcept.', 'code');
  if (code !== undefined) {
    const system = systemParameter === null ? undefined : input.text(systemParameter);
    if (systemParameter !== null && system === undefined)
      throw fault(
        'malformed',
        'required',
        `code needs ${systemParameter} beside it, which says the code system.`,
        systemParameter,
      );
    const display = input.text('display');
    return [{ code, ...(system === undefined ? {} : { system }), ...(display === undefined ? {} : { display }) }];
  }
  const codings = (coding ? [coding] : (concept?.coding ?? [])).flatMap((one): AskedCode[] =>
    one.code === undefined
      ? []
      : [
          {
            code: one.code,
            ...(one.system === undefined ? {} : { system: one.system }),
            ...(one.display === undefined ? {} : { display: one.display }),
          },
        ],
  );
  if (codings.length === 0)
    throw fault('malformed', 'required', 'The coding has no code.', coding ? 'coding' : 'codeableConcept');
  return codings;
}
