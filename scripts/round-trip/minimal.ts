/** The least each kind of resource must say to be accepted; what is measured is added to it. */
import { extensions } from '../../mappings/local-terms.ts';
import { symptomCode } from '../../mappings/observation/kind.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';

const subject = { reference: 'Patient/pt-1' };
const concept = (system: string, code: string) => ({
  coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }],
});
const code = { text: 'Sample' };
const result = { status: 'final', code, subject, effectiveDateTime: '2020-01-02', valueString: 'Sample' };
const report = { status: 'final', code, subject, effectiveDateTime: '2020-01-02' };

/** By type and variant. */
export function minimalResource(name: string, canonicalBase: string): JsonObject | undefined {
  const resources: Readonly<Record<string, JsonObject>> = {
    'Patient/Patient': { name: [{ text: 'Sample' }] },
    'Condition/Condition': { code, subject },
    'MedicationStatement/MedicationStatement': {
      status: 'active',
      medicationCodeableConcept: code,
      subject,
      effectivePeriod: { start: '2020-01-02' },
    },
    'Appointment/Appointment': {
      status: 'booked',
      start: '2020-01-02T09:00:00Z',
      end: '2020-01-02T09:30:00Z',
      participant: [{ actor: subject, status: 'accepted' }],
    },
    'Observation/Lab_Finding': result,
    'Observation/Appointment_Symptom': {
      status: 'final',
      code: { coding: [{ system: 'http://loinc.org', code: symptomCode }] },
      subject,
      valueCodeableConcept: code,
      extension: [
        {
          url: `${canonicalBase}/StructureDefinition/${extensions.appointment}`,
          valueReference: { reference: 'Appointment/ap-1' },
        },
      ],
    },
    'Observation/lifestyle': { ...result, category: [concept('observation-category', 'social-history')] },
    'Observation/other': {
      ...result,
      category: [{ coding: [{ system: `${canonicalBase}/CodeSystem/medimax-history-type`, code: 'other' }] }],
    },
    'AllergyIntolerance/AllergyIntolerance': {
      code,
      patient: subject,
      clinicalStatus: concept('allergyintolerance-clinical', 'active'),
    },
    'Procedure/Procedure': { status: 'completed', code, subject },
    'FamilyMemberHistory/FamilyMemberHistory': {
      status: 'partial',
      patient: subject,
      relationship: concept('v3-RoleCode', 'FTH'),
      condition: [{ code }],
    },
    'DiagnosticReport/Report': { ...report, category: [concept('v2-0074', 'RAD')] },
    'DiagnosticReport/Lab_Report': { ...report, category: [concept('v2-0074', 'LAB')] },
  };
  const found = resources[name];
  return found && { resourceType: name.slice(0, name.indexOf('/')), ...found };
}
