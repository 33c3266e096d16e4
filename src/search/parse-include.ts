/** `_include` and `_revinclude`: which references are followed from a page. https://hl7.org/fhir/R4/search.html#include */
import { parametersOf, type SearchParameter } from './parameter.ts';
import { type ParseContext, placeOf, shown } from './parse-criterion.ts';
import type { Place } from './plan.ts';

export interface IncludeRule {
  readonly reverse: boolean;
  /** Also from what was included. */
  readonly iterate: boolean;
  /** Type of the resources that refer. */
  readonly source: string;
  readonly places: readonly Place[];
  /** Type of the resources referred to; absent: any. */
  readonly target?: string;
}

/** Who made each version: not stored but made from the books, so there is no index to follow; whoever answers makes them. */
export const madeHere = 'Provenance';

export function parseInclude(
  context: ParseContext,
  name: string,
  value: string,
  types: readonly string[],
): IncludeRule | undefined {
  const [word = '', modifier] = name.split(':');
  const iterate = modifier === 'iterate' || modifier === 'recurse';
  if (modifier !== undefined && !iterate) {
    context.refuse('invalid', 'its only modifier is iterate');
    return undefined;
  }
  const reverse = word === '_revinclude';
  const [source = '', parameterName = '', target, ...more] = value.split(':');
  if (reverse && source === madeHere && ['target', '*'].includes(parameterName) && more.length === 0)
    return { reverse, iterate, source, places: [], ...(target === undefined ? {} : { target }) };
  const anything = value === '*' && !reverse;
  if (!anything && (more.length > 0 || parameterName === '')) {
    context.refuse('value', `${shown(value)} is not of the form [type]:[parameter] or [type]:[parameter]:[target type]`);
    return undefined;
  }
  const sourceType = anything ? (types[0] ?? '') : source;
  if (!context.served.includes(sourceType)) {
    context.refuse('not-supported', `${shown(source)} is not served here`);
    return undefined;
  }
  const references = [...parametersOf(sourceType).values()].filter(isFollowed);
  const chosen = anything || parameterName === '*' ? references : references.filter((one) => one.name === parameterName);
  if (chosen.length === 0) {
    context.refuse(
      'not-supported',
      `${sourceType} has no reference parameter ${shown(parameterName)}; it has ${references.map((one) => one.name).join(', ')}`,
    );
    return undefined;
  }
  if (target !== undefined && !context.served.includes(target)) {
    context.refuse('not-supported', `${shown(target)} is not served here`);
    return undefined;
  }
  const places = chosen.map((parameter) => placeOf(parameter));
  return { reverse, iterate, source: sourceType, places, ...(target === undefined ? {} : { target }) };
}

function isFollowed({ type }: SearchParameter): boolean {
  return type === 'reference';
}
