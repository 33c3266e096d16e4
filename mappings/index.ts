/** The registry's list: one line a resource type. Everything else follows from it. */
import type { AnyMapping } from '../src/mapping/registry.ts';
import type { AnyView } from '../src/mapping/view.ts';
import { allergyIntolerance } from './allergy-intolerance.ts';
import { appointment } from './appointment.ts';
import { condition } from './condition.ts';
import { diagnosticReport } from './diagnostic-report.ts';
import { familyMemberHistory } from './family-member-history.ts';
import { medicationRequest } from './medication-request.ts';
import { medicationStatement } from './medication-statement.ts';
import { observation } from './observation.ts';
import { patient } from './patient.ts';
import { procedure } from './procedure.ts';

export const mappings: readonly AnyMapping[] = [
  patient,
  condition,
  medicationStatement,
  appointment,
  observation,
  allergyIntolerance,
  procedure,
  familyMemberHistory,
  diagnosticReport,
];

/** Types that only show the resources of others. */
export const views: readonly AnyView[] = [medicationRequest];
