/** Where the resources of Medical_History are: one slice of the table for each history_type. */
import type { Source } from '../../src/mapping/types.ts';

export type HistoryType = 'allergy' | 'surgery' | 'family_history' | 'condition' | 'lifestyle' | 'other';

export function historySource(value: HistoryType): Source {
  return {
    table: 'Medical_History',
    key: 'history_id',
    idPrefix: 'mh',
    where: { column: 'history_type', value },
    patient: 'row',
  };
}
