/** Observation.value[x], dataAbsentReason and component ↔ test_value and test_unit; they are only valid together (obs-6, obs-7). */
import type { Pair } from '../../src/mapping/types.ts';
import { labValueFromFhir, labValueToFhir } from '../grammar/lab-value.ts';
import { isRefused } from '../grammar/refused.ts';
import { shownText } from '../shown-text.ts';
import type { TermTables } from '../terms/term-table.ts';
import type { Lifted } from './lifted.ts';

export const resultValue: Pair<Lifted, TermTables> = {
  name: 'value',
  elements: ['value[x]', 'dataAbsentReason', 'component'],
  columns: ['test_value', 'test_unit'],
  toFhir: ({ row }, env) => labValueToFhir(shownText(row['test_value']) ?? '', shownText(row['test_unit']) ?? null, env),
  toRow(elements, context) {
    const columns = labValueFromFhir(elements);
    if (!isRefused(columns)) return { row: { ...columns } };
    const { code, text, expression } = columns.refuse;
    context.refuse(code, text, expression?.[0] ?? 'Observation.value');
    return {};
  },
};
