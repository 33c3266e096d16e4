/** medication[x] ↔ medicine_name: the text exact, with RxNorm where the term table is sure. */
import type { CodeableConcept, FhirResource, Medication, Reference } from 'fhir/r4.js';
import { isObject } from '../../src/mapping/lift.ts';
import { conceptText, shortText } from '../../src/mapping/pairs.ts';
import type { ColumnValue, Env, Pair, WriteContext } from '../../src/mapping/types.ts';
import { unknownConcept } from '../local-terms.ts';
import { containedTarget, isContainedFor } from '../reference.ts';
import { shownText } from '../shown-text.ts';
import type { TermTables } from '../terms/term-table.ts';

interface WithMedication {
  readonly medicationCodeableConcept?: CodeableConcept | undefined;
  readonly medicationReference?: Reference | undefined;
  readonly 'contained:medication'?: FhirResource | undefined;
}

/** The contained Medication belongs to its reference: when MediMax renames the medicine, both give way to the column. */
export const medicationSlice = {
  name: 'contained:medication',
  match(item: unknown, _index: number, resource: unknown) {
    const reference = isObject(resource) ? (resource as WithMedication).medicationReference : undefined; // marked place: validated JSON
    return isObject(item) && item['resourceType'] === 'Medication' && isContainedFor(item, reference, resource);
  },
};

export const medicineName: Pair<WithMedication, TermTables> = {
  name: 'medication',
  elements: ['medication[x]', medicationSlice.name],
  columns: ['medicine_name'],
  toFhir: ({ row }, env) => ({ medicationCodeableConcept: medicineConcept(row['medicine_name'], env) }),
  toRow(elements, context) {
    const expression = 'MedicationStatement.medication';
    const name = elements.medicationReference
      ? referencedName(elements.medicationReference, context)
      : conceptText(elements.medicationCodeableConcept);
    if (name === undefined) {
      const accepted = elements.medicationReference
        ? 'give medicationReference.display, or contain the Medication with a code'
        : 'give medicationCodeableConcept.text, or a coding with a display or code';
      context.refuse('required', `MediMax keeps no medication without a name: ${accepted}`, expression);
    }
    return { row: { medicine_name: shortText(name, 255, expression, context) ?? '' } };
  },
};

/** medication[x] is mandatory: for '' the reason why there is none. */
export function medicineConcept(column: ColumnValue | undefined, env: Env<TermTables>): CodeableConcept {
  const text = shownText(column);
  if (text === undefined) return unknownConcept;
  const coding = env.terms.medicines.coding(text);
  return coding ? { coding: [coding], text } : { text };
}

/** What the reference shows, or the contained Medication is called; a Medication elsewhere is not looked up. */
function referencedName(reference: Reference, context: WriteContext): string | undefined {
  const target = containedTarget(reference.reference, context.resource);
  const contained = target?.resourceType === 'Medication' ? medicationName(target) : undefined;
  return contained ?? reference.display;
}

function medicationName({ code, ingredient }: Medication): string | undefined {
  const parts = (ingredient ?? []).flatMap(({ itemCodeableConcept, itemReference }) => {
    return conceptText(itemCodeableConcept) ?? itemReference?.display ?? [];
  });
  return conceptText(code) ?? (parts.length > 0 ? parts.join(' + ') : undefined);
}
