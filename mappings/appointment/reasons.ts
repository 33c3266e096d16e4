/** Appointment.reasonCode and reasonReference ↔ the names of the appointment's Appointment_Symptom rows. */
import type { Appointment, CodeableConcept } from 'fhir/r4.js';
import { isObject } from '../../src/mapping/lift.ts';
import { conceptText, shortText } from '../../src/mapping/pairs.ts';
import type { ChildSource, Columns, Pair, Slice, WriteContext } from '../../src/mapping/types.ts';
import { unknownConcept } from '../local-terms.ts';
import { targetType } from '../reference.ts';
import { shownText } from '../shown-text.ts';

type Reasons = Pick<Appointment, 'reasonCode' | 'reasonReference'>;

export const symptoms: ChildSource = {
  table: 'Appointment_Symptom',
  key: 'symptom_id',
  foreignKey: 'appointment_id',
  columns: ['symptom_name'],
  matchOn: ['symptom_name'],
  resourceType: 'Observation',
};

/** References to anything but Observations say nothing about symptoms: lifted out, so that they outlive a change of the symptoms. */
export const otherReasons: readonly Slice[] = Array.from({ length: 9 }, (_, index) => ({
  name: `reasonReference:other${index + 1}`,
  match: (item, _index, resource) => isObject(item) && targetType(item, resource) !== 'Observation',
}));

export const reasonCode: Pair<Reasons> = {
  name: 'reasonCode',
  elements: ['reasonCode'],
  columns: ['child.symptom_name'],
  toFhir({ children }) {
    if (children.length === 0) return {};
    return { reasonCode: children.map(({ row }) => shownAs(row)) };
  },
  toRow: ({ reasonCode: reasons = [] }, context) => ({
    children: reasons.flatMap((reason, index) => {
      const name = nameOf(reason, index, context);
      return name === undefined ? [] : [{ symptom_name: name }];
    }),
  }),
};

/** Only said by the rows: a symptom is added by its name or as an Observation of its own. */
export const reasonReference: Pair<Reasons> = {
  name: 'reasonReference',
  elements: ['reasonReference'],
  columns: ['child.symptom_name'],
  toFhir({ children }) {
    const served = children.flatMap(({ id }) => (id === null ? [] : [{ reference: `Observation/${id}` }]));
    return served.length === 0 ? {} : { reasonReference: served };
  },
};

function shownAs(row: Columns): CodeableConcept {
  const text = shownText(row['symptom_name']);
  return text === undefined ? { ...unknownConcept } : { text };
}

/** undefined for a reason that names nothing (extensions only): there is no symptom to write. */
function nameOf(reason: CodeableConcept, index: number, context: WriteContext): string | undefined {
  // A row whose name FHIR cannot show exactly keeps its name, and so its key.
  const same = context.current?.children.find(({ row }) => {
    const shown = shownAs(row);
    return shown.text === undefined ? conceptText(shown) === conceptText(reason) : shown.text === reason.text;
  });
  if (same) return String(same.row['symptom_name']);
  return shortText(conceptText(reason), 255, `Appointment.reasonCode[${index}]`, context) ?? undefined;
}
