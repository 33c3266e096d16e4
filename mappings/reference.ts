/** What a reference says of its target without resolving it. https://hl7.org/fhir/R4/references.html */
import type { FhirResource, Reference } from 'fhir/r4.js';
import { referencedType } from '../src/fhir/references.ts';
import { isObject } from '../src/mapping/lift.ts';

/** The contained resource that `#id` names. */
export function containedTarget(reference: string | undefined, resource: unknown): FhirResource | undefined {
  if (!reference?.startsWith('#') || !isObject(resource) || !Array.isArray(resource['contained'])) return undefined;
  const contained: readonly FhirResource[] = resource['contained'];
  return contained.find((one) => one.id === reference.slice(1));
}

/** The type of the target as far as the reference tells: its `type`, its URL, or what is contained; undefined when nothing does. */
export function targetType(reference: Reference | undefined, resource: unknown): string | undefined {
  if (!reference) return undefined;
  const contained = containedTarget(reference.reference, resource);
  return contained?.resourceType ?? referencedType(reference)?.split('/').at(-1);
}

/** True when exactly one place of the resource refers to what is contained under this id: only then may the two go together. */
export function isReferredToOnce(id: string, resource: unknown): boolean {
  return countReferences(resource, `#${id}`) === 1;
}

function countReferences(value: unknown, wanted: string): number {
  if (Array.isArray(value)) return value.reduce<number>((sum, item) => sum + countReferences(item, wanted), 0);
  if (!isObject(value)) return 0;
  let count = 0;
  for (const key in value) {
    if (key === 'reference' || key === 'valueUri' || key === 'valueCanonical') count += value[key] === wanted ? 1 : 0;
    else count += countReferences(value[key], wanted);
  }
  return count;
}

/** For slices: an item of `contained` that is what this reference names, and nothing else does. */
export function isContainedFor(item: unknown, reference: Reference | undefined, resource: unknown): boolean {
  const text = reference?.reference;
  if (!text?.startsWith('#') || !isObject(item) || item['id'] !== text.slice(1)) return false;
  return isReferredToOnce(text.slice(1), resource);
}

/** For slices, which ask the same of one resource for every item of an array: worked out once a resource. */
export function oncePerResource<Answer>(ask: (resource: unknown) => Answer): (resource: unknown) => Answer | undefined {
  const answers = new WeakMap<object, Answer>();
  return (resource) => {
    if (!isObject(resource)) return undefined;
    if (!answers.has(resource)) answers.set(resource, ask(resource));
    return answers.get(resource);
  };
}
