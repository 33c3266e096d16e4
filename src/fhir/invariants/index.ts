/** R4's invariants for everything the gateway serves, as a table of plain functions. */

import type { JsonObject } from '../json.ts';
import { resourceTypes, shapeOf } from '../structure.ts';
import { bundleInvariants } from './bundle.ts';
import { datatypeInvariants, onlyId, timingInvariants } from './datatypes.ts';
import type { Invariant, InvariantScope } from './invariant.ts';
import { domainResourceInvariants } from './resource-rules.ts';
import { resourceInvariants } from './resources.ts';

export type { Invariant, InvariantScope };

const hasContent: Omit<Invariant, 'type'> = {
  key: 'ele-1',
  severity: 'error',
  text: 'has an id but nothing else; every element needs a value or children',
  test: (node) => !onlyId(node),
};

export const invariants: readonly Invariant[] = [
  ...datatypeInvariants,
  ...timingInvariants,
  ...resourceInvariants,
  ...bundleInvariants,
  ...resourceTypes.filter((type) => shapeOf(type)?.slots.has('contained')).flatMap(domainResourceInvariants),
];

const byType: ReadonlyMap<string, readonly Invariant[]> = Map.groupBy(invariants, (invariant) => invariant.type);
const none: readonly Invariant[] = [];

/** The rules that a node of this type breaks. */
export function brokenInvariants(type: string, node: JsonObject, scope: InvariantScope): readonly Invariant[] {
  let broken: Invariant[] | undefined;
  for (const invariant of byType.get(type) ?? none) {
    if (invariant.test(node, scope)) continue;
    broken ??= [];
    broken.push(invariant);
  }
  if (onlyId(node) && type !== 'Element' && node['resourceType'] === undefined && !shapeOf(type)?.resource) {
    return [...(broken ?? none), { ...hasContent, type }];
  }
  return broken ?? none;
}
