/** Procedure ↔ Medical_History rows of type surgery. Source of the rules: docs/mapping.md, section Medical_History. */
import type { Annotation, CodeableConcept, Extension, Procedure } from 'fhir/r4.js';
import { warning } from '../src/fhir/outcome.ts';
import { codeTable } from '../src/mapping/code-table.ts';
import { firstNote, patientReference } from '../src/mapping/pairs.ts';
import { defineMapping } from '../src/mapping/registry.ts';
import type { Pair, WriteContext } from '../src/mapping/types.ts';
import { isActive } from './history/clinical-status.ts';
import { historyDate } from './history/date.ts';
import { historyDetails } from './history/details.ts';
import { historyItem } from './history/item.ts';
import { severityExtension, severityExtensionSlice } from './history/severity.ts';
import { historySource } from './history/source.ts';
import { unknownExtension } from './local-terms.ts';
import { snomed } from './terms/check-digits.ts';

type Lifted = Procedure & {
  readonly 'note:first'?: Annotation | undefined;
  readonly 'extension:severity'?: Extension | undefined;
};

const surgicalProcedure: CodeableConcept = {
  coding: [{ system: snomed, code: '387713003', display: 'Surgical procedure' }],
};

/** '1' and '0' are the flag's values. In MediMax a row of type surgery says that the operation took place: other statuses are refused. */
export const procedureStatus = codeTable([
  ['1', 'completed'],
  ['0', 'unknown'],
  ['0', 'in-progress'],
  ['0', 'on-hold'],
  ['0', 'stopped'],
]);

/** No column holds it: what a client says of it stands whatever MediMax changes. */
const category: Pair<Lifted> = {
  name: 'category',
  elements: ['category'],
  columns: [],
  toFhir: () => ({ category: surgicalProcedure }),
};

const status: Pair<Lifted> = {
  name: 'status',
  elements: ['status', 'statusReason'],
  columns: ['is_active'],
  toFhir: ({ row }) => ({ status: procedureStatus.toFhir(isActive(row['is_active']) ? '1' : '0') ?? 'unknown' }),
  toRow: (elements, context) => ({ row: { is_active: activeColumn(elements.status, context) } }),
};

function activeColumn(code: Procedure['status'] | undefined, context: WriteContext): number {
  const expression = 'Procedure.status';
  const flag = procedureStatus.toRow(code);
  if (flag === undefined && code !== undefined) {
    const text = `${expression} ${code} cannot be kept: MediMax would show the operation as performed. Send it once it is in-progress or completed`;
    context.refuse('business-rule', text, expression);
  } else if (flag === '0' && code !== 'unknown') {
    const text = `${expression} ${code} is kept, but MediMax shows no more than an inactive entry for the operation`;
    context.tell(warning('business-rule', text, expression));
  }
  return Number(flag ?? 0);
}

const performedDay = historyDate<Lifted>('Procedure', 'performed');

/** NULL says that nobody knows when, rather than nothing, as profiles built on R4 ask for it. */
const performed: Pair<Lifted> = {
  ...performedDay,
  toFhir(stored, env) {
    const known = performedDay.toFhir(stored, env);
    return known.performedDateTime === undefined ? { _performedDateTime: unknownExtension } : known;
  },
};

export const procedure = defineMapping<Lifted, unknown>({
  resourceType: 'Procedure',
  withdrawn: { patient: 'subject', is: ({ status }) => status === 'entered-in-error' },
  variants: [
    {
      name: 'Procedure',
      source: historySource('surgery'),
      slices: [firstNote, severityExtensionSlice],
      pairs: [
        status,
        category,
        severityExtension,
        historyItem('Procedure'),
        patientReference<Lifted>('Procedure', 'subject'),
        performed,
        historyDetails('Procedure'),
      ],
    },
  ],
});
