/** Who made and who ordered a result: the first Organization among the performers, and the requester of a contained order. */
import type { Reference } from 'fhir/r4.js';
import { isObject } from '../src/mapping/lift.ts';
import type { Slice } from '../src/mapping/types.ts';
import { containedTarget, isContainedFor, oncePerResource, targetType } from './reference.ts';

/** Alike in Observation and DiagnosticReport. */
export const labPartySlices: readonly Slice[] = [
  { name: 'performer:facility', match: (item, _index, resource) => item !== undefined && item === facilityOf(resource) },
  { name: 'contained:facility', match: (item, _index, resource) => isContainedFor(item, facilityOf(resource), resource) },
  { name: 'basedOn:order', match: (item, _index, resource) => item !== undefined && item === orderOf(resource) },
  { name: 'contained:order', match: (item, _index, resource) => isContainedFor(item, orderOf(resource), resource) },
];

export function facilityName(performer: Reference | undefined, resource: unknown): string | undefined {
  const contained = containedTarget(performer?.reference, resource);
  return performer?.display ?? (contained?.resourceType === 'Organization' ? contained.name : undefined);
}

export function ordererName(order: Reference | undefined, resource: unknown): string | undefined {
  const request = containedTarget(order?.reference, resource);
  return request?.resourceType === 'ServiceRequest' ? request.requester?.display : undefined;
}

const facilityOf = oncePerResource((resource) =>
  listOf(resource, 'performer').find((performer) => targetType(performer, resource) === 'Organization'),
);

/** Only an order that is contained can name its orderer: the gateway keeps no ServiceRequests. */
const orderOf = oncePerResource((resource) =>
  listOf(resource, 'basedOn').find((order) => ordererName(order, resource) !== undefined),
);

function listOf(resource: unknown, element: string): readonly Reference[] {
  const list = isObject(resource) ? resource[element] : undefined;
  return Array.isArray(list) ? list : [];
}
