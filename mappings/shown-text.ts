/** A column's text as FHIR may show it, for mappings; '' and white space alone say nothing. */
import type { ColumnValue } from '../src/mapping/types.ts';
import { validText } from './grammar/valid-text.ts';

export function shownText(value: ColumnValue | undefined): string | undefined {
  return value === null || value === undefined ? undefined : validText(String(value));
}
