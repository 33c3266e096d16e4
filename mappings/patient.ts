/** Patient ↔ the Patient table. Source of the rules: docs/mapping.md, section Patient. */
import type { HumanName, Identifier, Patient } from 'fhir/r4.js';
import { codeTable } from '../src/mapping/code-table.ts';
import { isObject } from '../src/mapping/lift.ts';
import { day, fits } from '../src/mapping/pairs.ts';
import { defineMapping } from '../src/mapping/registry.ts';
import type { Env, Pair, WriteContext } from '../src/mapping/types.ts';
import { nameFromFhir, nameToFhir } from './grammar/human-name.ts';

type Lifted = Patient & { readonly 'identifier:medimax'?: Identifier };

export const sex = codeTable([
  ['Male', 'male'],
  ['Female', 'female'],
  ['Other', 'other'],
]);

/** What any other column value reads as, and what any other gender is written as. */
export const unknownGender = 'unknown';
export const otherSex = 'Other';

/** Also recognised by its ending, so that a server that moved does not double the key. */
const medimaxIdentifier = {
  name: 'identifier:medimax',
  match: (item: unknown, _index: number, _resource: unknown, env: Env) => {
    if (!isObject(item)) return false;
    return item['system'] === env.identifierSystem || String(item['system']).endsWith('/sid/medimax-patient');
  },
};

const key: Pair<Lifted> = {
  name: 'identifier:medimax',
  elements: ['identifier:medimax'],
  columns: ['patient_id'],
  serverOwned: true,
  toFhir: ({ row }, env: Env) => ({
    'identifier:medimax': {
      use: 'usual',
      type: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0203', code: 'MR' }] },
      system: env.identifierSystem,
      value: String(row['patient_id']),
    },
  }),
};

const name: Pair<Lifted> = {
  name: 'name',
  elements: ['name'],
  columns: ['name'],
  toFhir: ({ row }) => ({ name: [nameToFhir(String(row['name'] ?? ''))] }),
  toRow(elements, context) {
    const chosen = nameFromFhir(elements.name as HumanName[] | undefined);
    if (typeof chosen !== 'string') {
      context.refuse(chosen.refuse.code, chosen.refuse.text, chosen.refuse.expression?.[0] ?? 'Patient.name');
      return {};
    }
    if (!fits(chosen, { codePoints: 255 }))
      context.refuse('too-long', 'Patient.name is longer than the 255 characters MediMax keeps', 'Patient.name');
    return { row: { name: chosen } };
  },
};

/** MediMax has no "unknown": it becomes Other, and what was said is kept beside. '' (a non-strict writer's doing) reads as unknown. */
const gender: Pair<Lifted> = {
  name: 'gender',
  elements: ['gender'],
  columns: ['sex'],
  toFhir: ({ row }) => ({ gender: sex.toFhir(row['sex']) ?? unknownGender }),
  toRow: (elements) => ({ row: { sex: sex.toRow(elements.gender) ?? otherSex } }),
};

function checkBirthDate(born: string, context: WriteContext): void {
  if (born > context.env.today)
    context.refuse('business-rule', `Patient.birthDate ${born} is in the future`, 'Patient.birthDate');
  if (born < '1900-01-01')
    context.refuse(
      'business-rule',
      `Patient.birthDate ${born} is before 1900-01-01, the earliest MediMax accepts`,
      'Patient.birthDate',
    );
}

export const patient = defineMapping<Lifted, unknown>({
  resourceType: 'Patient',
  variants: [
    {
      name: 'Patient',
      source: { table: 'Patient', key: 'patient_id', idPrefix: 'pt', patient: 'self' },
      slices: [medimaxIdentifier],
      pairs: [key, name, gender, day<Lifted>({ key: 'birthDate', element: 'birthDate', column: 'dob', check: checkBirthDate })],
    },
  ],
});
