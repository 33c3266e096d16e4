/** $expand and $validate-code over our value sets. https://hl7.org/fhir/R4/valueset.html#operations */
import { hash } from 'node:crypto';
import { filtered, memberOf, membersOf } from '../../terminology/expand.ts';
import type { Interaction } from '../interaction.ts';
import { askedCodes, codeInputs } from './asked-code.ts';
import { valueSetOf } from './definition.ts';
import { operationInput } from './operation-input.ts';
import { parametersOut } from './parameters-out.ts';
import { verdict } from './verdict.ts';

const expandInputs = { url: 'string', valueSetVersion: 'string', filter: 'string', offset: 'integer', count: 'integer' } as const;

export const expand: Interaction = ({ terminology, startedAt }, request) => {
  const input = operationInput(request, expandInputs, '$expand');
  const { compose: _compose, ...valueSet } = valueSetOf(terminology, request, input);
  const filter = input.text('filter');
  const all = membersOf(terminology, { ...valueSet, compose: _compose ?? { include: [] } });
  const found = filter === undefined ? all : filtered(all, filter);
  const offset = input.whole('offset') ?? 0;
  const count = input.whole('count');
  const page = found.slice(offset, count === undefined ? undefined : offset + count);
  const isPage = count !== undefined || offset > 0;
  const parameter = [
    ...(filter === undefined ? [] : [{ name: 'filter', valueString: filter }]),
    ...(isPage ? [{ name: 'offset', valueInteger: offset }] : []),
    ...(count === undefined ? [] : [{ name: 'count', valueInteger: count }]),
  ];
  const expansion = {
    identifier: `urn:uuid:${uuidOf(JSON.stringify([valueSet.url, valueSet.version, startedAt, filter]))}`,
    // The tables are read when the process starts.
    timestamp: startedAt,
    total: found.length,
    ...(isPage ? { offset } : {}),
    ...(parameter.length > 0 ? { parameter } : {}),
    ...(page.length > 0 ? { contains: page } : {}),
  };
  return { status: 200, headers: {}, body: { ...valueSet, expansion } };
};

/** The same expansion has the same identifier, so that its pages can be told to belong together. */
function uuidOf(text: string): string {
  const hex = hash('sha256', text, 'hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export const validateMember: Interaction = ({ terminology }, request) => {
  const inputs = { url: 'string', valueSetVersion: 'string', system: 'string', display: 'string', ...codeInputs } as const;
  const input = operationInput(request, inputs, '$validate-code');
  const valueSet = valueSetOf(terminology, request, input);
  const results = askedCodes(input, 'system').map(({ system, code, display }) => {
    const message = `${valueSet.title} (${valueSet.url}) does not hold ${JSON.stringify(code)} of ${system ?? 'no system'}.`;
    return verdict(system === undefined ? undefined : memberOf(terminology, valueSet, system, code), display, message);
  });
  const result = results.find(({ message }) => message === undefined) ?? results[0];
  return parametersOut([
    { name: 'result', valueBoolean: result?.message === undefined },
    { name: 'message', valueString: result?.message },
    { name: 'display', valueString: result?.display },
  ]);
};
