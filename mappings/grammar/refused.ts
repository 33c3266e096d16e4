/** What a grammar says when a FHIR value cannot be kept in its column: one issue, never a cut text. */
import { error, type Issue } from '../../src/fhir/outcome.ts';

export interface Refused {
  readonly refuse: Issue;
}

export function isRefused(result: unknown): result is Refused {
  return typeof result === 'object' && result !== null && 'refuse' in result;
}

/** VARCHAR(n) counts characters: code points, not UTF-16 units (mapping.md, S12). */
export function codePoints(text: string): number {
  return [...text].length;
}

/** The refusal of a text that is longer than its column; undefined when it fits. */
export function tooLong(text: string, max: number, expression: string): Refused | undefined {
  if (text.length <= max || codePoints(text) <= max) return undefined;
  return {
    refuse: error('too-long', `${expression} is ${codePoints(text)} characters long; MediMax keeps at most ${max}`, expression),
  };
}
