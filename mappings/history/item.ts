/** code ↔ history_item: the column's exact text first; codings are what a client sent, or come from a term table. */
import type { CodeableConcept, Coding } from 'fhir/r4.js';
import { conceptText, shortText } from '../../src/mapping/pairs.ts';
import type { Env, Pair, WriteContext, Written } from '../../src/mapping/types.ts';
import { shownText } from '../shown-text.ts';

interface WithCode {
  readonly code?: CodeableConcept | undefined;
}

/** Finds a coding for a text; undefined when no table is sure. */
export type CodingOf<Terms> = (item: string, env: Env<Terms>) => Coding | undefined;

export function historyItem<Terms>(resourceType: string, coding?: CodingOf<Terms>): Pair<WithCode, Terms> {
  return {
    name: 'code',
    elements: ['code'],
    columns: ['history_item'],
    toFhir({ row }, env) {
      const text = shownText(row['history_item']);
      return text === undefined ? {} : { code: itemConcept(text, coding?.(text, env)) };
    },
    toRow: ({ code }, context) => itemColumn(code, `${resourceType}.code`, context),
  };
}

export function itemConcept(text: string, coding: Coding | undefined): CodeableConcept {
  return coding ? { coding: [coding], text } : { text };
}

/** history_item is mandatory in MediMax and at most 255 characters; never cut. */
export function itemColumn(code: CodeableConcept | undefined, expression: string, context: WriteContext): Written {
  const text = conceptText(code);
  if (text === undefined) {
    const needed = `${expression} must have a text, or a coding with a display or code: MediMax keeps no history entry without a name`;
    context.refuse('required', needed, expression);
  }
  return { row: { history_item: shortText(text, 255, expression, context) } };
}
