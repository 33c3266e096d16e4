/**
 * FamilyMemberHistory ↔ Medical_History rows of type family_history: one row is one condition of one relative; several conditions of one
 * relative that a client sends together are as many rows of one resource.
 * Source of the rules: docs/mapping.md, section Medical_History.
 */
import type { Annotation, CodeableConcept, Extension, FamilyMemberHistory, FamilyMemberHistoryCondition } from 'fhir/r4.js';
import { dateFromColumn } from '../src/fhir/date.ts';
import { isObject } from '../src/mapping/lift.ts';
import { firstNote, patientReference } from '../src/mapping/pairs.ts';
import { defineMapping } from '../src/mapping/registry.ts';
import type { Pair, WriteContext } from '../src/mapping/types.ts';
import { checkHistoryDate, startDay } from './history/date.ts';
import { historyDetails } from './history/details.ts';
import { furtherConditions, furtherRows } from './history/further-conditions.ts';
import { itemColumn, itemConcept } from './history/item.ts';
import { severityExtension, severityExtensionSlice } from './history/severity.ts';
import { historySource } from './history/source.ts';
import { extensionUrl, isExtension, unknownConcept } from './local-terms.ts';
import { shownText } from './shown-text.ts';
import type { TermTables } from './terms/term-table.ts';

type Lifted = FamilyMemberHistory & {
  readonly 'note:first'?: Annotation | undefined;
  readonly 'condition:first'?: Partial<FamilyMemberHistoryCondition> | undefined;
  readonly 'extension:active'?: Extension | undefined;
  readonly 'extension:severity'?: Extension | undefined;
};

const firstCondition = { name: 'condition:first', match: (_item: unknown, index: number) => index === 0 };

const activeSlice = {
  name: 'extension:active',
  match: (item: unknown) => isObject(item) && isExtension(String(item['url']), 'active'),
};

/** MediMax's rows do not say how complete the history of this relative is, so it is partial. */
const status: Pair<Lifted> = {
  name: 'status',
  elements: ['status', 'extension:active'],
  columns: ['is_active'],
  toFhir: ({ row }, env) => ({
    status: 'partial',
    ...(row['is_active'] === null || row['is_active'] === undefined
      ? {}
      : { 'extension:active': { url: extensionUrl(env, 'active'), valueBoolean: Number(row['is_active']) !== 0 } }),
  }),
  toRow: (elements, context) => ({ row: { is_active: activeColumn(elements['extension:active'], context) } }),
};

function activeColumn(said: Extension | undefined, context: WriteContext): number | null {
  if (said === undefined) return null;
  if (said.valueBoolean === undefined)
    context.refuse('value', `The extension ${said.url} must have a valueBoolean`, 'FamilyMemberHistory.extension');
  return said.valueBoolean ? 1 : 0;
}

const familyMember: CodeableConcept = {
  coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v3-RoleCode', code: 'FAMMEMB', display: 'family member' }],
};

/** No column holds it: what a client says of it stands whatever MediMax changes. */
const relationship: Pair<Lifted> = {
  name: 'relationship',
  elements: ['relationship'],
  columns: [],
  toFhir: () => ({ relationship: familyMember }),
};

const condition: Pair<Lifted, TermTables> = {
  name: 'condition',
  elements: ['condition:first.code'],
  columns: ['history_item'],
  toFhir({ row }, { terms }) {
    const text = shownText(row['history_item']);
    return { 'condition:first': { code: text === undefined ? unknownConcept : itemConcept(text, terms.findings.coding(text)) } };
  },
  toRow: (elements, context) => itemColumn(elements['condition:first']?.code, 'FamilyMemberHistory.condition[0].code', context),
};

const onset: Pair<Lifted> = {
  name: 'onset',
  elements: ['onsetAge', 'onsetRange', 'onsetPeriod', 'onsetString'].map((key) => `condition:first.${key}`),
  columns: ['history_date'],
  toFhir({ row }) {
    const start = row['history_date'] ? dateFromColumn(String(row['history_date'])) : undefined;
    return start === undefined ? {} : { 'condition:first': { onsetPeriod: { start } } };
  },
  toRow(elements, context) {
    const day = startDay(elements['condition:first']?.onsetPeriod);
    if (day !== null) checkHistoryDate(day, 'FamilyMemberHistory.condition[0].onset', context);
    return { row: { history_date: day } };
  },
};

export const familyMemberHistory = defineMapping<Lifted, TermTables>({
  resourceType: 'FamilyMemberHistory',
  withdrawn: { patient: 'patient', is: ({ status }) => status === 'entered-in-error' },
  variants: [
    {
      name: 'FamilyMemberHistory',
      source: { ...historySource('family_history'), child: furtherRows },
      slices: [firstNote, firstCondition, severityExtensionSlice, activeSlice],
      pairs: [
        status,
        relationship,
        severityExtension,
        condition,
        onset,
        furtherConditions,
        patientReference<Lifted>('FamilyMemberHistory', 'patient'),
        historyDetails('FamilyMemberHistory'),
      ],
    },
  ],
});
