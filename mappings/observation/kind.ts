/** Which kind of row keeps an Observation: a result, a symptom, a lifestyle entry or another entry of the history. */
import type { Observation } from 'fhir/r4.js';
import type { WriteContext } from '../../src/mapping/types.ts';
import { isCodeSystem } from '../local-terms.ts';
import { loinc } from './lifted.ts';

export type Kind = 'Lab_Finding' | 'Appointment_Symptom' | 'lifestyle' | 'other';

export const categorySystem = 'http://terminology.hl7.org/CodeSystem/observation-category';
export const symptomCode = '75325-1';

const names: Readonly<Record<Kind, string>> = {
  Lab_Finding: 'a result',
  Appointment_Symptom: 'a symptom of an appointment',
  lifestyle: 'a lifestyle entry of the history',
  other: 'another entry of the history',
};

export function kindOf({ code, category }: Observation): Kind {
  if (code?.coding?.some((coding) => coding.system === loinc && coding.code === symptomCode)) return 'Appointment_Symptom';
  const categories = category?.flatMap(({ coding }) => coding ?? []) ?? [];
  if (categories.some((coding) => isCodeSystem(coding.system, 'historyType') && coding.code === 'other')) return 'other';
  if (categories.some((coding) => coding.system === categorySystem && coding.code === 'social-history')) return 'lifestyle';
  return 'Lab_Finding';
}

/** A row cannot become a row of another table; said rather than kept in the wrong place. */
export function checkKind(kind: Kind, resource: Observation, context: WriteContext): void {
  const wanted = kindOf(resource);
  if (context.current === null || wanted === kind) return;
  const text = `This Observation is kept as ${names[kind]} and cannot become ${names[wanted]}; delete it and create a new one`;
  const expression =
    wanted === 'Appointment_Symptom' || kind === 'Appointment_Symptom' ? 'Observation.code' : 'Observation.category';
  context.refuse('business-rule', text, expression);
}
