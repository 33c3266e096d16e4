/** A result: Observation ↔ a Lab_Finding row under its Lab_Report. Source of the rules: docs/mapping.md, section Lab_Finding. */
import type { Observation } from 'fhir/r4.js';
import { conceptText, patientReference, shortText } from '../../src/mapping/pairs.ts';
import type { Pair, Variant } from '../../src/mapping/types.ts';
import { labPartySlices } from '../lab-parties.ts';
import { unknownConcept } from '../local-terms.ts';
import { shownText } from '../shown-text.ts';
import type { TermTables } from '../terms/term-table.ts';
import { category } from './category.ts';
import { interpretation } from './interpretation.ts';
import { checkKind } from './kind.ts';
import type { Lifted } from './lifted.ts';
import { firstRange, referenceRange } from './reference-range.ts';
import { effective, facility, issued, labReport, order } from './report.ts';
import { resultValue } from './result-value.ts';
import { checkStatus, statusOf } from './status.ts';

/**
 * The unit helps to choose the code (glucose in mmol/L is another LOINC than in mg/dL) and is no column of this pair: what a client said of
 * the code outlives a change of the unit.
 */
const code: Pair<Lifted, TermTables> = {
  name: 'code',
  elements: ['code'],
  columns: ['test_name'],
  toFhir({ row }, { terms }) {
    const text = shownText(row['test_name']);
    if (text === undefined) return { code: unknownConcept };
    const coding = terms.tests.coding(text, shownText(row['test_unit']) ?? null);
    return { code: coding ? { coding: [coding], text } : { text } };
  },
  toRow(elements, context) {
    const name = conceptText(elements.code);
    if (name === undefined) {
      const text =
        'Observation.code must have a text, or a coding with a display or code: MediMax keeps no result without a name';
      context.refuse('required', text, 'Observation.code');
    }
    return { row: { test_name: shortText(name, 255, 'Observation.code', context) } };
  },
};

export const labFinding: Variant<Lifted, TermTables> = {
  name: 'Lab_Finding',
  source: { table: 'Lab_Finding', key: 'lab_finding_id', idPrefix: 'lf', patient: 'parent', parent: labReport },
  slices: [...labPartySlices, firstRange],
  pairs: [
    statusOf(['test_value', 'test_unit']),
    category,
    code,
    patientReference<Lifted>('Observation', 'subject', 'parent.patient_id'),
    effective,
    issued,
    facility,
    order,
    resultValue,
    interpretation,
    referenceRange,
  ],
  check(resource: Observation, context) {
    checkKind('Lab_Finding', resource, context);
    checkStatus(resource.status, 'Observation', context);
  },
};
