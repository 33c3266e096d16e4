/** Lifestyle and other entries of the history: Observation ↔ Medical_History. Source of the rules: docs/mapping.md, section Medical_History. */
import type { CodeableConcept, Coding, Observation } from 'fhir/r4.js';
import { isObject } from '../../src/mapping/lift.ts';
import { conceptText, day, firstNote, patientReference, shortText } from '../../src/mapping/pairs.ts';
import type { Env, Pair, Variant } from '../../src/mapping/types.ts';
import { valueText } from '../grammar/value-text.ts';
import { checkHistoryDate } from '../history/date.ts';
import { historyDetails } from '../history/details.ts';
import { severityExtension, severityExtensionSlice } from '../history/severity.ts';
import { historySource } from '../history/source.ts';
import { codeSystem, extensionUrl, isExtension, unknownConcept } from '../local-terms.ts';
import { shownText } from '../shown-text.ts';
import type { TermTables } from '../terms/term-table.ts';
import { effectiveDay } from './effective.ts';
import { categorySystem, checkKind } from './kind.ts';
import { type Lifted, loinc } from './lifted.ts';
import { checkStatus, statusOf } from './status.ts';

type HistoryKind = 'lifestyle' | 'other';

/** The codes for a history in words; a specific one is used where the term table is sure of the item. */
const general: Readonly<Record<HistoryKind, Coding>> = {
  lifestyle: { system: loinc, code: '29762-2', display: 'Social history Narrative' },
  other: { system: loinc, code: '11329-0', display: 'History general Narrative - Reported' },
};

function category(kind: HistoryKind): Pair<Lifted> {
  const coding = (env: Env): Coding =>
    kind === 'lifestyle'
      ? { system: categorySystem, code: 'social-history', display: 'Social History' }
      : { system: codeSystem(env, 'historyType'), code: 'other', display: 'Other history' };
  return {
    name: 'category',
    elements: ['category'],
    columns: [],
    toFhir: (_stored, env) => ({ category: [{ coding: [coding(env)] }] }),
  };
}

/** The item is the value; what it is about is the code. One pair, as both come from one column (and are tied by obs-6 and obs-7). */
function item(kind: HistoryKind): Pair<Lifted, TermTables> {
  const codingFor = (text: string, { terms }: Env<TermTables>): Coding =>
    (kind === 'lifestyle' ? terms.lifestyle.coding(text) : undefined) ?? general[kind];
  return {
    name: 'item',
    elements: ['code', 'value[x]', 'dataAbsentReason', 'component'],
    columns: ['history_item'],
    toFhir({ row }, env) {
      const text = shownText(row['history_item']);
      if (text === undefined) return { code: { coding: [general[kind]] }, dataAbsentReason: unknownConcept };
      return { code: { coding: [codingFor(text, env)] }, valueString: text };
    },
    toRow(elements, context) {
      const value = valueText(elements);
      const said = value?.text ? [value.text, value.unit].filter(Boolean).join(' ') : undefined;
      const known = said === undefined || isCoding(elements.code, codingFor(said, context.env)) || isGeneral(elements.code);
      const about = conceptText(elements.code);
      const text = said === undefined || (!known && about !== undefined) ? [about, said].filter(Boolean).join(': ') : said;
      const expression = said === undefined ? 'Observation.code' : 'Observation.value';
      if (text === '') context.refuse('required', `${expression} must say what the entry of the history is`, expression);
      return { row: { history_item: shortText(text, 255, expression, context) } };
    },
  };
}

function isGeneral(code: CodeableConcept | undefined): boolean {
  return isCoding(code, general.lifestyle) || isCoding(code, general.other);
}

function isCoding(concept: CodeableConcept | undefined, wanted: Coding): boolean {
  return concept?.coding?.some(({ system, code }) => system === wanted.system && code === wanted.code) ?? false;
}

const effective: Pair<Lifted> = day<Lifted>({
  key: 'effectiveDateTime',
  element: 'effective[x]',
  column: 'history_date',
  otherwise: effectiveDay,
  check: (written, context) => checkHistoryDate(written, 'Observation.effective', context),
});

const activeExtension = {
  name: 'extension:active',
  match: (candidate: unknown) => isObject(candidate) && isExtension(String(candidate['url']), 'active'),
} as const;

/** NULL, which nobody said, is left out. */
const active: Pair<Lifted> = {
  name: 'active',
  elements: [activeExtension.name],
  columns: ['is_active'],
  toFhir({ row }, env) {
    const flag = row['is_active'];
    if (flag === null || flag === undefined) return {};
    return { 'extension:active': { url: extensionUrl(env, 'active'), valueBoolean: Number(flag) !== 0 } };
  },
  toRow({ 'extension:active': said }, context) {
    if (said !== undefined && said.valueBoolean === undefined)
      context.refuse('value', `The extension ${said.url} must have a valueBoolean`, 'Observation.extension');
    return { row: { is_active: said?.valueBoolean === undefined ? null : said.valueBoolean ? 1 : 0 } };
  },
};

function historyVariant(kind: HistoryKind): Variant<Lifted, TermTables> {
  return {
    name: kind,
    source: historySource(kind),
    slices: [severityExtensionSlice, activeExtension, firstNote],
    pairs: [
      statusOf(['history_item']),
      category(kind),
      item(kind),
      patientReference<Lifted>('Observation', 'subject'),
      effective,
      severityExtension,
      active,
      historyDetails('Observation'),
    ],
    check(resource: Observation, context) {
      checkKind(kind, resource, context);
      checkStatus(resource.status, 'Observation', context);
    },
  };
}

export const lifestyle = historyVariant('lifestyle');
export const otherHistory = historyVariant('other');
