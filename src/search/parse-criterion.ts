/** One search parameter with its modifier and values → one criterion, or what is wrong with it. https://hl7.org/fhir/R4/search.html#modifiers */
import { allResourceTypes } from '../fhir/references.ts';
import type { SearchEnv } from './env.ts';
import { idsOf, parametersOf, refusedParameters, type SearchParameter, tableOf } from './parameter.ts';
import { soundex } from './phonetic.ts';
import type { Criterion, Place, Test } from './plan.ts';
import { parseDateValue } from './type/date.ts';
import { parseQuantity } from './type/quantity.ts';
import { parseReferenceValue } from './type/reference.ts';
import { parseString } from './type/string.ts';
import { parseOfType, parseToken } from './type/token.ts';
import { splitEscaped, unescapeValue } from './values.ts';

/** Codes of a value set that the gateway serves; undefined where it serves none of this URL. */
export type ExpandValueSet = (url: string) => readonly { readonly system?: string; readonly code: string }[] | undefined;

export interface ParseContext {
  readonly env: SearchEnv;
  /** Types that are served. */
  readonly served: readonly string[];
  readonly chainDepthMax: number;
  readonly expand: ExpandValueSet;
  /** Says what is wrong; the parameter then counts for nothing. */
  refuse(code: 'not-supported' | 'invalid' | 'value' | 'too-costly', text: string): void;
}

/** Undefined after a refusal. */
export function parseCriterion(
  context: ParseContext,
  resourceType: string,
  name: string,
  value: string,
  depth = 0,
): Criterion | undefined {
  if (depth > context.chainDepthMax) {
    context.refuse('too-costly', `chains may be at most ${context.chainDepthMax} links long`);
    return undefined;
  }
  if (name.startsWith('_has:')) return parseHas(context, resourceType, name, value, depth);
  const dot = name.indexOf('.');
  const [head = '', modifier, ...more] = (dot < 0 ? name : name.slice(0, dot)).split(':');
  const parameter = parametersOf(resourceType).get(head);
  if (!parameter) {
    const reason = refusedParameters[head];
    const known = `${resourceType} is searched by ${[...parametersOf(resourceType).keys()].join(', ')}`;
    context.refuse('not-supported', reason ?? `${resourceType} has no search parameter ${shown(head)}; ${known}`);
    return undefined;
  }
  if (more.length > 0) {
    context.refuse('invalid', 'a parameter takes one modifier');
    return undefined;
  }
  if (dot >= 0) return parseChain(context, parameter, modifier, name.slice(dot + 1), value, depth);
  if (value === '') {
    context.refuse('value', 'it has no value');
    return undefined;
  }
  if (modifier === 'missing') return parseMissing(context, parameter, value);
  if (parameter.column) return parseColumn(context, parameter, modifier, value);
  if (parameter.components) return parseComposite(context, parameter, modifier, value);
  return parseMatch(context, parameter, modifier, value);
}

export function shown(text: string): string {
  const line = text.replace(/[\p{C}\s]+/gu, ' ');
  return line.length > 60 ? `${line.slice(0, 60)}…` : line || '(empty)';
}

export function placeOf(parameter: SearchParameter, beside = ''): Place {
  const { type, resourceType, name, onlyType } = parameter;
  const table = beside === ':text' ? 'string' : beside === '' && type !== 'composite' ? tableOf[type] : 'token';
  const only = onlyType === undefined || table !== 'reference' ? {} : { onlyType };
  return { of: `${resourceType}.${name}${beside}`, table, params: idsOf(parameter, beside), ...only };
}

function parseMissing(context: ParseContext, parameter: SearchParameter, value: string): Criterion | undefined {
  if (value !== 'true' && value !== 'false') return refuseValue(context, 'missing takes true or false');
  const missing = value === 'true';
  if (parameter.column)
    return missing ? { is: 'any', of: [] } : { is: 'all', of: [{ is: 'type', type: parameter.resourceType }] };
  if (parameter.components) {
    context.refuse('not-supported', 'missing is not offered for composite parameters');
    return undefined;
  }
  return { is: 'missing', place: placeOf(parameter), missing };
}

function refuseValue(context: ParseContext, text: string): undefined {
  context.refuse('value', text);
  return undefined;
}

function refuseModifier(context: ParseContext, { name, type }: SearchParameter, modifier: string): undefined {
  const offered = ['missing', ...(modifiers[type] ?? [])].join(', ');
  context.refuse(
    'not-supported',
    `the modifier ${shown(modifier)} is not offered for ${name}, a ${type}; offered are ${offered}`,
  );
  return undefined;
}

/** Besides `missing`. References also take the name of a type. */
export const modifiers: Readonly<Record<SearchParameter['type'], readonly string[]>> = {
  token: ['not', 'text', 'of-type', 'in', 'not-in'],
  string: ['exact', 'contains'],
  date: [],
  number: [],
  quantity: [],
  reference: ['identifier', '[type]'],
  uri: ['above', 'below'],
  composite: [],
};

function parseColumn(
  context: ParseContext,
  parameter: SearchParameter,
  modifier: string | undefined,
  value: string,
): Criterion | undefined {
  if (parameter.column === 'id') {
    if (modifier !== undefined && modifier !== 'not') return refuseModifier(context, parameter, modifier);
    const ids = splitEscaped(value, ',').map((part) => unescapeValue(part).replace(/^\|/, ''));
    const wrong = ids.find((id) => !/^[A-Za-z0-9\-.]{1,64}$/.test(id));
    if (wrong !== undefined) return refuseValue(context, `${shown(wrong)} is no id`);
    return { is: 'id', ids, ...(modifier === 'not' ? { not: true } : {}) };
  }
  if (modifier !== undefined) return refuseModifier(context, parameter, modifier);
  const tests = splitEscaped(value, ',').map((part) => parseDateValue(part, context.env));
  if (!tests.every((test) => test !== undefined)) return refuseValue(context, dateForm);
  return { is: 'updated', tests };
}

const dateForm =
  'a date is written like 2024, 2024-05, 2024-05-31 or 2024-05-31T10:00:00Z, after one of the prefixes eq ne gt lt ge le sa eb ap';

function parseMatch(
  context: ParseContext,
  parameter: SearchParameter,
  modifier: string | undefined,
  value: string,
): Criterion | undefined {
  const { type } = parameter;
  const isType = type === 'reference' && modifier !== undefined && allResourceTypes.has(modifier);
  if (modifier !== undefined && !isType && !modifiers[type].includes(modifier))
    return refuseModifier(context, parameter, modifier);
  if (modifier === 'in' || modifier === 'not-in') return parseIn(context, parameter, modifier === 'not-in', value);
  const parts = splitEscaped(value, ',');
  const tests = parts.map((part) => parseTest(context, parameter, modifier, part));
  if (!tests.every((test) => test !== undefined)) return undefined;
  const beside = modifier === 'text' || modifier === 'of-type' || modifier === 'identifier' ? `:${modifier}` : '';
  return { is: 'match', place: placeOf(parameter, beside), tests, ...(modifier === 'not' ? { not: true } : {}) };
}

function parseIn(context: ParseContext, parameter: SearchParameter, not: boolean, value: string): Criterion | undefined {
  const codes = context.expand(unescapeValue(value));
  if (!codes) return refuseValue(context, `the value set ${shown(value)} is not served here`);
  const tests = codes.map(({ system, code }): Test => ({ kind: 'token', code, ...(system === undefined ? {} : { system }) }));
  if (tests.length === 0) return { is: not ? 'all' : 'any', of: not ? [{ is: 'type', type: parameter.resourceType }] : [] };
  return { is: 'match', place: placeOf(parameter), tests, ...(not ? { not } : {}) };
}

/** One value of an OR list. */
function parseTest(
  context: ParseContext,
  parameter: SearchParameter,
  modifier: string | undefined,
  part: string,
): Test | undefined {
  const { type, name } = parameter;
  if (part === '') return refuseValue(context, 'one of its values is empty');
  if (type === 'string' || modifier === 'text') return parseText(context, name, modifier, unescapeValue(part));
  if (type === 'date') return parseDateValue(part, context.env) ?? refuseValue(context, `${shown(part)}: ${dateForm}`);
  if (type === 'quantity' || type === 'number')
    return (
      parseQuantity(part, context.env) ??
      refuseValue(
        context,
        `${shown(part)}: a quantity is written like 5.4, gt5.4, 5.4|http://unitsofmeasure.org|mg/dL or 5.4||mg`,
      )
    );
  if (type === 'uri') {
    const match = modifier === 'above' || modifier === 'below' ? modifier : 'exact';
    return { kind: 'uri', match, uri: unescapeValue(part) };
  }
  if (modifier === 'of-type') return parseOfType(part) ?? refuseValue(context, `${shown(part)}: of-type takes system|code|value`);
  if (type === 'token' || modifier === 'identifier')
    return parseToken(part) ?? refuseValue(context, `${shown(part)}: a token is written as code, system|code, |code or system|`);
  const wanted = modifier ?? parameter.onlyType;
  const test = parseReferenceValue(unescapeValue(part), wanted, context.env);
  if (!test)
    return refuseValue(
      context,
      `${shown(part)}: a reference is written as an id, as ${wanted ?? '[type]'}/[id], or as an absolute URL`,
    );
  return test;
}

function parseText(context: ParseContext, name: string, modifier: string | undefined, text: string): Test | undefined {
  const sound = name === 'phonetic' ? soundex(text) : undefined;
  if (name === 'phonetic')
    return sound === undefined
      ? refuseValue(context, 'it has no Latin letter to hear')
      : { kind: 'string', match: 'start', text: sound };
  const test = parseString(text, modifier === 'text' ? undefined : modifier);
  if (test === 'empty') return refuseValue(context, `${shown(text)} has no letter or digit to search for`);
  return test === 'too-long' ? refuseValue(context, 'the text is too long') : test;
}

function parseComposite(
  context: ParseContext,
  parameter: SearchParameter,
  modifier: string | undefined,
  value: string,
): Criterion | undefined {
  const components = parameter.components ?? [];
  if (modifier !== undefined) return refuseModifier(context, parameter, modifier);
  const alternatives: (readonly Test[])[] = [];
  for (const text of splitEscaped(value, ',')) {
    const parts = splitEscaped(text, '$');
    if (parts.length !== components.length)
      return refuseValue(context, `${shown(text)}: it takes ${components.map(({ name }) => name).join('$')}`);
    const tests = parts.map((part, index) => parseTest(context, components[index] as SearchParameter, undefined, part));
    if (!tests.every((test) => test !== undefined)) return undefined;
    alternatives.push(tests);
  }
  return { is: 'composite', places: components.map((component) => placeOf(component)), alternatives };
}

/** `subject:Patient.name`, `patient.identifier`. https://hl7.org/fhir/R4/search.html#chaining */
function parseChain(
  context: ParseContext,
  parameter: SearchParameter,
  type: string | undefined,
  rest: string,
  value: string,
  depth: number,
): Criterion | undefined {
  if (parameter.type !== 'reference') {
    context.refuse('invalid', `${parameter.name} is no reference, so nothing can be chained to it`);
    return undefined;
  }
  const possible = parameter.onlyType === undefined ? parameter.targets : [parameter.onlyType];
  const head = /^[^.:]*/.exec(rest)?.[0] ?? '';
  const types = (type === undefined ? possible : possible.filter((one) => one === type)).filter(
    (one) => context.served.includes(one) && (type !== undefined || rest.startsWith('_has:') || parametersOf(one).has(head)),
  );
  if (types.length === 0) {
    context.refuse(
      'not-supported',
      `${parameter.name} leads to no type served here that has ${shown(rest)}; it may lead to ${possible.slice(0, 12).join(', ')}`,
    );
    return undefined;
  }
  const found = types.map((one): Criterion | undefined => {
    const where = parseCriterion(context, one, rest, value, depth + 1);
    return where && { is: 'chain', place: placeOf(parameter), type: one, where };
  });
  if (!found.every((one) => one !== undefined)) return undefined;
  const [only] = found;
  return found.length === 1 && only ? only : { is: 'any', of: found };
}

/** `_has:Observation:patient:code`, nested too. https://hl7.org/fhir/R4/search.html#has */
function parseHas(
  context: ParseContext,
  resourceType: string,
  name: string,
  value: string,
  depth: number,
): Criterion | undefined {
  const match = /^_has:([A-Za-z]+):([A-Za-z-]+):(.+)$/.exec(name);
  const [, type = '', reference = '', rest = ''] = match ?? [];
  if (!match) {
    context.refuse('invalid', '_has is written as _has:[type]:[reference parameter]:[parameter]');
    return undefined;
  }
  const parameter = context.served.includes(type) ? parametersOf(type).get(reference) : undefined;
  const leadsHere =
    parameter?.onlyType === undefined ? parameter?.targets.includes(resourceType) : parameter.onlyType === resourceType;
  if (parameter?.type !== 'reference' || !leadsHere) {
    context.refuse(
      'not-supported',
      `${shown(type)} is not served here or has no reference parameter ${shown(reference)} that leads to ${resourceType}`,
    );
    return undefined;
  }
  const where = parseCriterion(context, type, rest, value, depth + 1);
  const place = { ...placeOf(parameter), onlyType: resourceType };
  return where && { is: 'has', place, type, where };
}
