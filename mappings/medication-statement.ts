/** MedicationStatement ↔ the Medication table and its Medication_Purpose rows. Source of the rules: docs/mapping.md, section Medication. */
import type { Dosage, MedicationRequest, MedicationStatement, Reference } from 'fhir/r4.js';
import { patientReference } from '../src/mapping/pairs.ts';
import { defineMapping } from '../src/mapping/registry.ts';
import { course } from './medication/course.ts';
import { dosagePairs, firstDosage } from './medication/dosage.ts';
import { medicationSlice, medicineName } from './medication/name.ts';
import { order, prescriber, prescriptionSlices } from './medication/prescription.ts';
import { reasons } from './medication/reasons.ts';
import type { TermTables } from './terms/term-table.ts';

type Lifted = MedicationStatement & {
  readonly 'contained:order'?: Partial<MedicationRequest> | undefined;
  readonly 'dosage:first'?: Dosage | undefined;
  readonly 'basedOn:order'?: Reference | undefined;
};

export const medicationStatement = defineMapping<Lifted, TermTables>({
  resourceType: 'MedicationStatement',
  withdrawn: { patient: 'subject', is: ({ status }) => status === 'entered-in-error' },
  variants: [
    {
      name: 'MedicationStatement',
      source: {
        table: 'Medication',
        key: 'medication_id',
        idPrefix: 'md',
        patient: 'row',
        child: {
          table: 'Medication_Purpose',
          key: 'purpose_id',
          foreignKey: 'medication_id',
          columns: ['condition_name', 'purpose_description'],
          matchOn: ['condition_name', 'purpose_description'],
        },
      },
      slices: [medicationSlice, firstDosage, ...prescriptionSlices],
      pairs: [
        course,
        medicineName,
        patientReference<Lifted>('MedicationStatement', 'subject'),
        reasons,
        ...dosagePairs,
        order,
        prescriber,
      ],
    },
  ],
});
