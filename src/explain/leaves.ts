/** The leaves of a resource: every value that is no object and no array, by its path. */
import { isObject } from '../mapping/lift.ts';

export type Step = string | number;

export interface Leaf {
  readonly steps: readonly Step[];
  readonly value: unknown;
}

export function leavesOf(value: unknown, steps: readonly Step[] = []): readonly Leaf[] {
  if (Array.isArray(value)) return value.flatMap((item, index) => leavesOf(item, [...steps, index]));
  if (!isObject(value) || JSON.isRawJSON(value)) return value === undefined ? [] : [{ steps, value }];
  return Object.entries(value).flatMap(([key, below]) => leavesOf(below, [...steps, key]));
}

export function valueAt(value: unknown, steps: readonly Step[]): unknown {
  return steps.reduce<unknown>((at, step) => {
    if (typeof step === 'number') return Array.isArray(at) ? at[step] : undefined;
    return isObject(at) ? at[step] : undefined;
  }, value);
}

/** `Patient.name[0].family`: a path that FHIRPath understands, but for `_` before what carries extensions of a primitive. */
export function pathText(resourceType: string, steps: readonly Step[]): string {
  return steps.reduce<string>((text, step) => (typeof step === 'number' ? `${text}[${step}]` : `${text}.${step}`), resourceType);
}
