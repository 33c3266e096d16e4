/** What our extensions say and where they stand; served as StructureDefinitions. One row for each name of local-terms.ts. */
import type { codeSystems, extensions } from '../local-terms.ts';

export interface ExtensionDefinition {
  readonly title: string;
  readonly description: string;
  /** Paths of the elements it stands on. */
  readonly context: readonly string[];
  /** Type of its value: `code` makes valueCode. */
  readonly type: 'boolean' | 'code' | 'date' | 'string' | 'Reference';
  /** Vocabulary of a code. */
  readonly binding?: keyof typeof codeSystems;
  /** Type a Reference leads to. */
  readonly target?: string;
}

export const extensionDefinitions: Readonly<Record<keyof typeof extensions, ExtensionDefinition>> = {
  severity: {
    title: 'Severity in MediMax',
    description: "The severity of a MediMax row where R4 has no element for it, or where R4's codes have no word for critical.",
    context: [
      'Procedure',
      'FamilyMemberHistory',
      'FamilyMemberHistory.condition',
      'Observation',
      'AllergyIntolerance.reaction.severity',
    ],
    type: 'code',
    binding: 'severity',
  },
  active: {
    title: 'Active in MediMax',
    description: 'Whether MediMax shows the entry of the history as active, where R4 has no element for it.',
    context: ['FamilyMemberHistory', 'FamilyMemberHistory.condition', 'Observation'],
    type: 'boolean',
  },
  appointment: {
    title: 'Appointment of a symptom',
    description: 'The appointment at which a symptom was told. R4 allows no Appointment in Observation.encounter.',
    context: ['Observation'],
    type: 'Reference',
    target: 'Appointment',
  },
  derived: {
    title: 'Derived',
    description: 'The element was worked out from the configuration of the gateway; no row of MediMax says it.',
    context: ['Appointment.end'],
    type: 'boolean',
  },
  rawText: {
    title: 'Text as MediMax keeps it',
    description: "A column's text exactly as it stands there, beside an element that was read out of it.",
    context: ['Quantity', 'Appointment.start'],
    type: 'string',
  },
  purposeDescription: {
    title: 'Description of a purpose',
    description:
      'What MediMax says of the purpose of a medication (Medication_Purpose.purpose_description), on the reason it describes.',
    context: ['MedicationStatement.reasonCode', 'MedicationRequest.reasonCode'],
    type: 'string',
  },
  discontinuedDate: {
    title: 'Day of discontinuation',
    description:
      'The day a medication was discontinued where it cannot be the end of a Period, not being surely after its start.',
    context: ['MedicationStatement.effective'],
    type: 'date',
  },
  testUnit: {
    title: 'Unit of a result',
    description: 'The unit MediMax keeps for a result whose value has no place for one.',
    context: ['Ratio', 'CodeableConcept', 'Observation.value'],
    type: 'string',
  },
  dosageText: {
    title: 'Dosage as MediMax keeps it',
    description: 'The text of Medication.dosage exactly as it stands there.',
    context: ['Dosage'],
    type: 'string',
  },
};
