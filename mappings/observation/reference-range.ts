/** Observation.referenceRange[0] ↔ reference_range: the exact text, with low and high where it parses; further ranges are kept. */
import type { Pair } from '../../src/mapping/types.ts';
import { referenceRangeFromFhir, referenceRangeToFhir } from '../grammar/reference-range.ts';
import { isRefused } from '../grammar/refused.ts';
import type { TermTables } from '../terms/term-table.ts';
import type { Lifted } from './lifted.ts';

export const firstRange = { name: 'referenceRange:first', match: (_item: unknown, index: number) => index === 0 } as const;

/** The bounds are in the finding's unit, which is no column of this pair: what a client said of the range outlives a change of the unit. */
export const referenceRange: Pair<Lifted, TermTables> = {
  name: 'referenceRange',
  elements: [firstRange.name],
  columns: ['reference_range'],
  toFhir({ row }, env) {
    const range = referenceRangeToFhir(textOf(row['reference_range']), textOf(row['test_unit']), env);
    return range === undefined ? {} : { 'referenceRange:first': range };
  },
  toRow({ 'referenceRange:first': range }, context) {
    const text = referenceRangeFromFhir(range ? [range] : undefined);
    if (!isRefused(text)) return { row: { reference_range: text } };
    context.refuse(text.refuse.code, text.refuse.text, text.refuse.expression?.[0] ?? 'Observation.referenceRange');
    return {};
  },
};

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}
