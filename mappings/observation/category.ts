/** Observation.category ↔ lab_type of the Lab_Report a result lies under. */
import type { CodeableConcept } from 'fhir/r4.js';
import { codeTable } from '../../src/mapping/code-table.ts';
import { conceptText, shortText } from '../../src/mapping/pairs.ts';
import type { Pair } from '../../src/mapping/types.ts';
import { categorySystem } from './kind.ts';
import type { Lifted } from './lifted.ts';

/** lab_type of a report that the gateway makes for results sent without one; read back as their category. Other types are laboratory. */
export const labTypes = codeTable([
  ['Laboratory', 'laboratory'],
  ['Vital Signs', 'vital-signs'],
  ['Imaging', 'imaging'],
  ['Procedure', 'procedure'],
  ['Survey', 'survey'],
  ['Exam', 'exam'],
  ['Therapy', 'therapy'],
  ['Activity', 'activity'],
]);

/** lab_type of what was sent without a category. */
const noCategory = 'Observation';

export const category: Pair<Lifted> = {
  name: 'category',
  elements: ['category'],
  columns: ['parent.lab_type'],
  toFhir({ parent }) {
    const labType = parent?.['lab_type'];
    if (labType === noCategory) return {};
    const code = labTypes.toFhir(labType) ?? 'laboratory';
    return { category: [{ coding: [{ system: categorySystem, code, display: String(labTypes.toRow(code)) }] }] };
  },
  toRow(elements, context) {
    const labType = labTypeOf(elements.category ?? []);
    const current = context.current?.parent?.['lab_type'];
    // A result of a "Complete Blood Count" is laboratory: saying so again does not move it to another report.
    const stays = typeof current === 'string' && labType === (labTypes.toRow(labTypes.toFhir(current)) ?? 'Laboratory');
    return { parent: { lab_type: stays ? current : shortText(labType, 255, 'Observation.category', context) } };
  },
};

function labTypeOf(categories: readonly CodeableConcept[]): string {
  const codings = categories.flatMap(({ coding }) => coding ?? []).filter((coding) => coding.system === categorySystem);
  const known = codings.map(({ code }) => labTypes.toRow(code)).find((labType) => labType !== undefined);
  return known ?? categories.map(conceptText).find((text) => text !== undefined) ?? noCategory;
}
