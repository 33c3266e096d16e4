/** The gateway's own code systems and extensions: every local name in one place. */
import type { Env } from '../src/mapping/types.ts';

/** Code systems under `<base>/CodeSystem/`. */
export const codeSystems = {
  severity: 'medimax-severity',
  appointmentType: 'medimax-appointment-type',
  onset: 'medimax-onset',
  historyType: 'medimax-history-type',
} as const;

/** Extensions under `<base>/StructureDefinition/`. */
export const extensions = {
  /** The severity of a MediMax row where R4 has no element for it. */
  severity: 'medimax-severity',
  /** is_active of a history row where R4 has no element for it. */
  active: 'medimax-active',
  /** The appointment a symptom was told at; R4 allows no Appointment in Observation.encounter. */
  appointment: 'medimax-appointment',
  /** On an element the gateway worked out from configuration, not from a row. */
  derived: 'medimax-derived',
  /** A column's text as MediMax keeps it, beside an element that was read out of it. */
  rawText: 'medimax-raw-text',
  /** Medication_Purpose.purpose_description, on the reason it describes. */
  purposeDescription: 'medimax-purpose-description',
  /** discontinued_date where it cannot be the end of a Period, being before (or not surely after) its start. */
  discontinuedDate: 'medimax-discontinued-date',
  /** Lab_Finding.test_unit of a value that has no place for a unit. */
  testUnit: 'medimax-test-unit',
  /** Medication.dosage, exactly. */
  dosageText: 'medimax-dosage-text',
} as const;

export function codeSystem(env: Pick<Env, 'canonicalBase'>, name: keyof typeof codeSystems): string {
  return `${env.canonicalBase}/CodeSystem/${codeSystems[name]}`;
}

export function extensionUrl(env: Pick<Env, 'canonicalBase'>, name: keyof typeof extensions): string {
  return `${env.canonicalBase}/StructureDefinition/${extensions[name]}`;
}

/** Also recognised by its ending, so that what was said before a server moved is still understood. */
export function isCodeSystem(system: string | undefined, name: keyof typeof codeSystems): boolean {
  return system?.endsWith(`/CodeSystem/${codeSystems[name]}`) ?? false;
}

export function isExtension(url: string | undefined, name: keyof typeof extensions): boolean {
  return url?.endsWith(`/StructureDefinition/${extensions[name]}`) ?? false;
}

export const dataAbsentReason = 'http://hl7.org/fhir/StructureDefinition/data-absent-reason';

/** For a mandatory element that is not coded. */
export const unknownExtension = { extension: [{ url: dataAbsentReason, valueCode: 'unknown' }] };

/** For a mandatory CodeableConcept. */
export const unknownConcept = {
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason', code: 'unknown', display: 'Unknown' }],
};
