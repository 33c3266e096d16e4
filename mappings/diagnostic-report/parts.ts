/** What both kinds of DiagnosticReport have alike: the day, the time of issue, the status. */
import { dateFromColumn } from '../../src/fhir/date.ts';
import type { Pair } from '../../src/mapping/types.ts';
import { instantFromTimestamp } from '../grammar/timestamp.ts';
import { requiredDay } from '../observation/effective.ts';
import type { Lifted } from './lifted.ts';

export function effective(column: 'report_date' | 'lab_date'): Pair<Lifted> {
  return {
    name: 'effective',
    elements: ['effective[x]'],
    columns: [column],
    toFhir({ row }) {
      const day = dateFromColumn(String(row[column] ?? ''));
      return day === undefined ? {} : { effectiveDateTime: day };
    },
    toRow: (elements, context) => ({ row: { [column]: requiredDay(elements, 'DiagnosticReport', context) } }),
  };
}

/** created_at is the server's: what a client says of the time of issue is kept beside it. */
export const issued: Pair<Lifted> = {
  name: 'issued',
  elements: ['issued'],
  columns: ['created_at'],
  toFhir({ row }) {
    const instant = instantFromTimestamp(row['created_at']);
    return instant === undefined ? {} : { issued: instant };
  },
};

/** MediMax has no column for it; what a client said was said of these columns' words. */
export function statusOf(columns: readonly string[]): Pair<Lifted> {
  return { name: 'status', elements: ['status'], columns, toFhir: () => ({ status: 'final' }) };
}
