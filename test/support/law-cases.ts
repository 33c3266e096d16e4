/** Which resources the laws are tried with, by resource type and variant; a registered variant without an entry fails the suite. */
import type fc from 'fast-check';
import type { JsonObject } from '../../src/mapping/lift.ts';
import { arbitrary as allergyIntolerance } from './generators/allergy-intolerance.ts';
import { arbitrary as appointment } from './generators/appointment.ts';
import { arbitrary as condition } from './generators/condition.ts';
import { labReport, report } from './generators/diagnostic-report.ts';
import { arbitrary as familyMemberHistory } from './generators/family-member-history.ts';
import { arbitrary as medicationStatement } from './generators/medication-statement.ts';
import { entry, result, symptom } from './generators/observation.ts';
import { arbitrary as patient } from './generators/patient.ts';
import { arbitrary as procedure } from './generators/procedure.ts';

export interface LawCase {
  readonly resources: (patientId: string, appointmentId: string) => fc.Arbitrary<JsonObject>;
  /** At least this share is accepted, of 1. */
  readonly acceptedMin: number;
}

export const lawCases: Readonly<Record<string, LawCase>> = {
  'Patient/Patient': { resources: () => patient, acceptedMin: 0.8 },
  'Condition/Condition': { resources: condition, acceptedMin: 0.7 },
  'MedicationStatement/MedicationStatement': { resources: medicationStatement, acceptedMin: 0.5 },
  'Appointment/Appointment': { resources: appointment, acceptedMin: 0.5 },
  'Observation/Lab_Finding': { resources: result, acceptedMin: 0.5 },
  'Observation/Appointment_Symptom': { resources: symptom, acceptedMin: 0.5 },
  'Observation/lifestyle': { resources: (patientId) => entry('lifestyle', patientId), acceptedMin: 0.5 },
  'Observation/other': { resources: (patientId) => entry('other', patientId), acceptedMin: 0.5 },
  'AllergyIntolerance/AllergyIntolerance': { resources: allergyIntolerance, acceptedMin: 0.5 },
  'Procedure/Procedure': { resources: procedure, acceptedMin: 0.5 },
  'FamilyMemberHistory/FamilyMemberHistory': { resources: familyMemberHistory, acceptedMin: 0.5 },
  'DiagnosticReport/Report': { resources: report, acceptedMin: 0.5 },
  'DiagnosticReport/Lab_Report': { resources: labReport, acceptedMin: 0.5 },
};
