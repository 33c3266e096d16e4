/** The invariants of the served resource types; severities and expressions are those of the R4 definitions. */

import { isJsonObject, type JsonObject, sameJson } from '../json.ts';
import type { Invariant } from './invariant.ts';
import { codings, has, hasChoice, hasCoding, implies, list, text } from './reading.ts';

const conditionClinical = 'http://terminology.hl7.org/CodeSystem/condition-clinical';
const conditionVerification = 'http://terminology.hl7.org/CodeSystem/condition-ver-status';
const allergyVerification = 'http://terminology.hl7.org/CodeSystem/allergyintolerance-verification';
const conditionCategory = 'http://terminology.hl7.org/CodeSystem/condition-category';

function enteredInError(node: JsonObject, system: string): boolean {
  return hasCoding(node['verificationStatus'], system, 'entered-in-error');
}

function rule(type: string, key: string, element: string | undefined, says: string, test: Invariant['test']): Invariant {
  return { key, type, severity: 'error', text: says, test, ...(element === undefined ? {} : { element }) };
}

function sharesCoding(observation: JsonObject): boolean {
  const own = codings(observation['code']);
  return list(observation, 'component').some(
    (component) =>
      isJsonObject(component) && codings(component['code']).some((coding) => own.some((one) => sameJson(one, coding))),
  );
}

export const resourceInvariants: readonly Invariant[] = [
  rule('Patient.contact', 'pat-1', undefined, 'a contact needs a name, a telecom, an address or an organization', (contact) =>
    ['name', 'telecom', 'address', 'organization'].some((element) => has(contact, element)),
  ),
  {
    key: 'con-3',
    type: 'Condition',
    severity: 'warning',
    element: 'clinicalStatus',
    text: 'an item of the problem list should say its clinical status unless it was entered in error',
    test: (condition) =>
      has(condition, 'clinicalStatus') ||
      enteredInError(condition, conditionVerification) ||
      !list(condition, 'category').some((category) => hasCoding(category, conditionCategory, 'problem-list-item')),
  },
  rule('Condition', 'con-4', 'clinicalStatus', 'a condition that has abated is inactive, in remission or resolved', (condition) =>
    implies(
      hasChoice(condition, 'abatement'),
      hasCoding(condition['clinicalStatus'], conditionClinical, 'resolved', 'remission', 'inactive'),
    ),
  ),
  rule('Condition', 'con-5', 'clinicalStatus', 'a condition entered in error must not say a clinical status', (condition) =>
    implies(enteredInError(condition, conditionVerification), !has(condition, 'clinicalStatus')),
  ),
  rule(
    'Condition.stage',
    'con-1',
    undefined,
    'a stage needs a summary or an assessment',
    (stage) => has(stage, 'summary') || has(stage, 'assessment'),
  ),
  rule(
    'Condition.evidence',
    'con-2',
    undefined,
    'evidence needs a code or a detail',
    (evidence) => has(evidence, 'code') || has(evidence, 'detail'),
  ),
  rule(
    'AllergyIntolerance',
    'ait-1',
    'clinicalStatus',
    'the clinical status is needed unless the allergy was entered in error',
    (allergy) => enteredInError(allergy, allergyVerification) || has(allergy, 'clinicalStatus'),
  ),
  rule('AllergyIntolerance', 'ait-2', 'clinicalStatus', 'an allergy entered in error must not say a clinical status', (allergy) =>
    implies(enteredInError(allergy, allergyVerification), !has(allergy, 'clinicalStatus')),
  ),
  rule(
    'Observation.referenceRange',
    'obs-3',
    undefined,
    'a reference range needs a low, a high or a text',
    (range) => has(range, 'low') || has(range, 'high') || has(range, 'text'),
  ),
  rule(
    'Observation',
    'obs-6',
    'dataAbsentReason',
    'a reason why there is no value is allowed only where there is none',
    (observation) => !(has(observation, 'dataAbsentReason') && hasChoice(observation, 'value')),
  ),
  rule(
    'Observation',
    'obs-7',
    'value',
    'a component with the code of the observation itself must take the place of the value',
    (observation) => !(hasChoice(observation, 'value') && sharesCoding(observation)),
  ),
  rule(
    'Appointment.participant',
    'app-1',
    undefined,
    'a participant needs a type or an actor',
    (one) => has(one, 'type') || has(one, 'actor'),
  ),
  rule(
    'Appointment',
    'app-2',
    undefined,
    'start and end are given both or not at all',
    (one) => has(one, 'start') === has(one, 'end'),
  ),
  rule(
    'Appointment',
    'app-3',
    'start',
    'only proposed, cancelled and waitlisted appointments can do without start and end',
    (one) => (has(one, 'start') && has(one, 'end')) || ['proposed', 'cancelled', 'waitlist'].includes(text(one, 'status') ?? ''),
  ),
  // R4 publishes this with the status no-show, which does not exist (it is noshow): so only cancelled ones satisfy every validator.
  rule(
    'Appointment',
    'app-4',
    'cancelationReason',
    'only an appointment with the status cancelled can have a cancelationReason',
    (one) => implies(has(one, 'cancelationReason'), text(one, 'status') === 'cancelled'),
  ),
  rule(
    'FamilyMemberHistory',
    'fhs-1',
    undefined,
    'either age[x] or born[x], not both',
    (one) => !(hasChoice(one, 'age') && hasChoice(one, 'born')),
  ),
  rule('FamilyMemberHistory', 'fhs-2', 'estimatedAge', 'estimatedAge needs an age[x]', (one) =>
    implies(has(one, 'estimatedAge'), hasChoice(one, 'age')),
  ),
  rule('Parameters.parameter', 'inv-1', undefined, 'a parameter has exactly one of value[x], resource and part', (one) => {
    const given = [hasChoice(one, 'value'), has(one, 'resource'), has(one, 'part')].filter(Boolean);
    return given.length === 1;
  }),
];
