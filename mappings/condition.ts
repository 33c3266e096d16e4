/** Condition ↔ Medical_History rows of type condition. Source of the rules: docs/mapping.md, section Medical_History. */
import type { Annotation, CodeableConcept, Condition } from 'fhir/r4.js';
import { firstNote, patientReference } from '../src/mapping/pairs.ts';
import { defineMapping } from '../src/mapping/registry.ts';
import type { Pair } from '../src/mapping/types.ts';
import { clinicalStatus, conditionClinical, isInError } from './history/clinical-status.ts';
import { historyDate } from './history/date.ts';
import { historyDetails } from './history/details.ts';
import { historyItem } from './history/item.ts';
import { severityColumn, severityConcept } from './history/severity.ts';
import { historySource } from './history/source.ts';
import type { TermTables } from './terms/term-table.ts';

type Lifted = Condition & { readonly 'note:first'?: Annotation | undefined };

export const conditionClinicalSystem = 'http://terminology.hl7.org/CodeSystem/condition-clinical';
export const conditionVerificationSystem = 'http://terminology.hl7.org/CodeSystem/condition-ver-status';

const problemListItem: CodeableConcept = {
  coding: [
    {
      system: 'http://terminology.hl7.org/CodeSystem/condition-category',
      code: 'problem-list-item',
      display: 'Problem List Item',
    },
  ],
};

/** No column holds it: what a client says of it stands whatever MediMax changes. */
const category: Pair<Lifted> = {
  name: 'category',
  elements: ['category'],
  columns: [],
  toFhir: () => ({ category: [problemListItem] }),
};

const severity: Pair<Lifted, TermTables> = {
  name: 'severity',
  elements: ['severity'],
  columns: ['severity'],
  toFhir({ row }, env) {
    const concept = severityConcept(row['severity'], env);
    return concept ? { severity: concept } : {};
  },
  toRow: (elements, context) => ({ row: severityColumn(elements.severity, 'Condition.severity', context) }),
};

export const condition = defineMapping<Lifted, TermTables>({
  resourceType: 'Condition',
  withdrawn: { patient: 'subject', is: (resource) => isInError(resource, conditionVerificationSystem) },
  variants: [
    {
      name: 'Condition',
      source: historySource('condition'),
      slices: [firstNote],
      pairs: [
        clinicalStatus({
          resourceType: 'Condition',
          codes: conditionClinical,
          clinicalSystem: conditionClinicalSystem,
          verificationSystem: conditionVerificationSystem,
          alongside: ['abatement[x]'],
        }),
        category,
        severity,
        historyItem<TermTables>('Condition', (item, { terms }) => terms.findings.coding(item)),
        patientReference<Lifted>('Condition', 'subject'),
        historyDate<Lifted>('Condition', 'onset'),
        historyDetails('Condition'),
      ],
    },
  ],
});
