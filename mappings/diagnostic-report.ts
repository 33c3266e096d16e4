/** DiagnosticReport ↔ the Report and Lab_Report tables. Source of the rules: docs/mapping.md, sections Report and Lab_Report. */
import { defineMapping } from '../src/mapping/registry.ts';
import { labReport } from './diagnostic-report/lab-report.ts';
import { kindOf, type Lifted } from './diagnostic-report/lifted.ts';
import { report } from './diagnostic-report/report.ts';
import { isWithdrawn } from './observation/status.ts';
import type { TermTables } from './terms/term-table.ts';

export const diagnosticReport = defineMapping<Lifted, TermTables>({
  resourceType: 'DiagnosticReport',
  variants: [report, labReport],
  choose: kindOf,
  withdrawn: { patient: 'subject', is: isWithdrawn },
});
