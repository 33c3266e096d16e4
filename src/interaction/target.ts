/** The resource that a URL names. */
import { fault } from '../fhir/outcome.ts';
import type { InteractionRequest } from './interaction.ts';

export interface Target {
  readonly resourceType: string;
  readonly id: string;
}

/** Type of a type-level or instance-level request; asking for one on a system-level route is a bug of the route table. */
export function typeOf(request: InteractionRequest): string {
  if (request.resourceType === undefined) throw new Error('This route names no resource type');
  return request.resourceType;
}

export function targetOf(request: InteractionRequest): Target {
  if (request.id === undefined) throw new Error('This route names no id');
  return { resourceType: typeOf(request), id: request.id };
}

export function notFound({ resourceType, id }: Target) {
  return fault('not-found', 'not-found', `There is no ${resourceType} with the id ${id}.`);
}
