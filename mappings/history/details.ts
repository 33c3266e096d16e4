/** note[0] ↔ history_details. */
import type { Annotation } from 'fhir/r4.js';
import { noteText } from '../../src/mapping/pairs.ts';
import type { Pair } from '../../src/mapping/types.ts';
import { shownText } from '../shown-text.ts';

export interface WithFirstNote {
  readonly 'note:first'?: Annotation | undefined;
}

export function historyDetails(resourceType: string): Pair<WithFirstNote> {
  return {
    ...noteText<WithFirstNote>(resourceType, 'history_details'),
    toFhir({ row }) {
      const text = shownText(row['history_details']);
      return text === undefined ? {} : { 'note:first': { text } };
    },
  };
}
