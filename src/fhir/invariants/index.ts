/** R4's invariants for everything the gateway serves, as a table of plain functions. */

import type { JsonObject } from '../json.ts';
import { resourceTypes, shapeOf } from '../structure.ts';
import { bundleInvariants } from './bundle.ts';
import { datatypeInvariants, onlyId, timingInvariants } from './datatypes.ts';
import { domainResourceInvariants } from './resource-rules.ts';
import { resourceInvariants } from './resources.ts';

/** What an invariant may look at beside its own node. */
export interface InvariantScope {
  /** The resource as it was sent, outermost. */
  readonly root: JsonObject;
  /** The ids of its contained resources. */
  readonly containedIds: ReadonlySet<string>;
}

export interface Invariant {
  /** R4's name for it, such as obs-6. */
  readonly key: string;
  /** The type or backbone element it holds for: `Period`, `Patient.contact`, `Observation`. */
  readonly type: string;
  readonly severity: 'error' | 'warning';
  /** The element of the node to point at; the node itself when absent. */
  readonly element?: string;
  /** The rule, for people. */
  readonly text: string;
  /** Whether the node keeps the rule. Must not throw, whatever the node holds. */
  readonly test: (node: JsonObject, scope: InvariantScope) => boolean;
}

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
