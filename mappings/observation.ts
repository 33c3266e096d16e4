/** Observation ↔ results, symptoms of appointments, and the lifestyle and other entries of the history. Source of the rules: docs/mapping.md. */
import { defineMapping } from '../src/mapping/registry.ts';
import { lifestyle, otherHistory } from './observation/history.ts';
import { kindOf } from './observation/kind.ts';
import { labFinding } from './observation/lab-finding.ts';
import type { Lifted } from './observation/lifted.ts';
import { isWithdrawn } from './observation/status.ts';
import { symptom } from './observation/symptom.ts';
import type { TermTables } from './terms/term-table.ts';

export const observation = defineMapping<Lifted, TermTables>({
  resourceType: 'Observation',
  variants: [labFinding, symptom, lifestyle, otherHistory],
  choose: kindOf,
  withdrawn: { patient: 'subject', is: isWithdrawn },
});
