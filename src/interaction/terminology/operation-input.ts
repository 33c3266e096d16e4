/** The input of an operation, from the query of a GET or the Parameters of a POST. https://hl7.org/fhir/R4/operations.html#executing */
import type { CodeableConcept, Coding } from 'fhir/r4.js';
import { plain } from '../../fhir/json.ts';
import { error, FhirError, fault, type Issue } from '../../fhir/outcome.ts';
import { validate } from '../../fhir/validate.ts';
import { isObject, type JsonObject } from '../../mapping/lift.ts';
import type { InteractionRequest } from '../interaction.ts';
import { onlyParameters } from '../parameters.ts';

export type InputType = 'string' | 'boolean' | 'integer' | 'Coding' | 'CodeableConcept';

export interface OperationInput {
  text(name: string): string | undefined;
  flag(name: string): boolean | undefined;
  whole(name: string): number | undefined;
  coding(name: string): Coding | undefined;
  concept(name: string): CodeableConcept | undefined;
}

type Values = ReadonlyMap<string, unknown>;

/** @throws FhirError `malformed` (or `unprocessable` for Parameters that are not valid) that names everything that is not understood */
export function operationInput(
  request: InteractionRequest,
  known: Readonly<Record<string, InputType>>,
  what: string,
): OperationInput {
  const values = request.method === 'POST' ? fromBody(request, known, what) : fromQuery(request, known, what);
  const get = <T>(name: string, is: (value: unknown) => value is T): T | undefined => {
    const value = values.get(name);
    return is(value) ? value : undefined;
  };
  return {
    text: (name) => get(name, (value) => typeof value === 'string'),
    flag: (name) => get(name, (value) => typeof value === 'boolean'),
    whole: (name) => get(name, (value) => typeof value === 'number'),
    coding: (name) => get<Coding>(name, isObject),
    concept: (name) => get<CodeableConcept>(name, isObject),
  };
}

function fromQuery({ query }: InteractionRequest, known: Readonly<Record<string, InputType>>, what: string): Values {
  const plainNames = Object.keys(known).filter((name) => known[name] !== 'Coding' && known[name] !== 'CodeableConcept');
  onlyParameters(query, plainNames, what);
  const issues: Issue[] = [];
  const values = new Map<string, unknown>();
  for (const name of plainNames) {
    const text = query.get(name);
    if (text === null) continue;
    const value = read[known[name] ?? 'string'](text);
    if (value === undefined) issues.push(error('value', `${name} is no ${known[name]}.`, name));
    else values.set(name, value);
  }
  if (issues.length > 0) throw new FhirError('malformed', issues);
  return values;
}

const read: Readonly<Record<InputType, (text: string) => unknown>> = {
  string: (text) => (text === '' ? undefined : text),
  boolean: (text) => (text === 'true' ? true : text === 'false' ? false : undefined),
  integer: (text) => (/^[0-9]{1,9}$/.test(text) ? Number(text) : undefined),
  Coding: () => undefined,
  CodeableConcept: () => undefined,
};

function fromBody({ body, query }: InteractionRequest, known: Readonly<Record<string, InputType>>, what: string): Values {
  onlyParameters(query, [], `${what} by POST`);
  if (!isObject(body) || body['resourceType'] !== 'Parameters')
    throw fault('malformed', 'structure', `The body of ${what} by POST must be a Parameters resource.`);
  const faults = validate(body, 'Parameters').filter(({ severity }) => severity === 'error');
  if (faults.length > 0) throw new FhirError('unprocessable', faults);
  const issues: Issue[] = [];
  const values = new Map<string, unknown>();
  const parameters = plain(body)['parameter'];
  for (const parameter of Array.isArray(parameters) ? parameters.filter(isObject) : []) {
    const name = String(parameter['name']);
    const type = Object.hasOwn(known, name) ? known[name] : undefined;
    const value = type && inputValue(parameter, type);
    if (type === undefined) {
      const list = Object.keys(known).join(', ');
      issues.push(error('not-supported', `${what} does not know the parameter ${shown(name)}; it knows ${list}.`, shown(name)));
    } else if (values.has(name)) issues.push(error('value', `The parameter ${name} is given more than once.`, name));
    else if (value === undefined) issues.push(error('value', `The parameter ${name} must be a ${type}.`, name));
    else values.set(name, value);
  }
  if (issues.length > 0) throw new FhirError('malformed', issues);
  return values;
}

const keys: Readonly<Record<InputType, readonly string[]>> = {
  string: ['valueString', 'valueCode', 'valueUri', 'valueCanonical', 'valueUrl', 'valueId'],
  boolean: ['valueBoolean'],
  integer: ['valueInteger', 'valuePositiveInt', 'valueUnsignedInt'],
  Coding: ['valueCoding'],
  CodeableConcept: ['valueCodeableConcept'],
};

function inputValue(parameter: JsonObject, type: InputType): unknown {
  return keys[type].map((key) => parameter[key]).find((value) => value !== undefined);
}

function shown(name: string): string {
  return name.replace(/[\p{C}\s]+/gu, ' ').slice(0, 64);
}
