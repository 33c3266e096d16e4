/** The components of a symptom ↔ severity, duration and onset_type, and the slices they are found by. */
import type { CodeableConcept, ObservationComponent } from 'fhir/r4.js';
import { warning } from '../../src/fhir/outcome.ts';
import { isObject } from '../../src/mapping/lift.ts';
import type { Pair, Slice, WriteContext } from '../../src/mapping/types.ts';
import { durationFromFhir, durationToFhir } from '../grammar/duration.ts';
import { isRefused } from '../grammar/refused.ts';
import { severityColumn, severityConcept } from '../history/severity.ts';
import { codeSystem, isCodeSystem, isExtension } from '../local-terms.ts';
import { shownText } from '../shown-text.ts';
import { snomed } from '../terms/check-digits.ts';
import type { TermTables } from '../terms/term-table.ts';
import { type Lifted, loinc } from './lifted.ts';

/** The components of HL7's Symptoms guide. */
const codes = { severity: '64750-3', duration: '64748-7', onset: '99495-4', course: '89261-2' } as const;
const names = { severity: 'Severity', duration: 'Duration', onset: 'Speed of onset', course: 'Clinical course' } as const;
type Detail = keyof typeof codes;

export const appointmentExtension = {
  name: 'extension:appointment',
  match: (item: unknown) => isObject(item) && isExtension(String(item['url']), 'appointment'),
} as const;

export const symptomComponents: readonly Slice[] = (['severity', 'duration', 'onset', 'course'] as const).map((detail) => ({
  name: `component:${detail}`,
  match: (item) => isComponent(item) && hasCode(item.code, loinc, codes[detail]),
}));

export const severity: Pair<Lifted, TermTables> = {
  name: 'severity',
  elements: ['component:severity'],
  columns: ['severity'],
  toFhir({ row }, env) {
    const concept = severityConcept(row['severity'], env);
    return concept ? { 'component:severity': { ...coded('severity'), valueCodeableConcept: concept } } : {};
  },
  toRow: ({ 'component:severity': component }, context) => ({
    row: severityColumn(conceptOf(component), 'Observation.component.value', context),
  }),
};

export const duration: Pair<Lifted> = {
  name: 'duration',
  elements: ['component:duration'],
  columns: ['duration'],
  toFhir({ row }, env) {
    const value = durationToFhir(shownText(row['duration']) ?? null, env);
    return value ? { 'component:duration': { ...coded('duration'), ...value } } : {};
  },
  toRow({ 'component:duration': component }, context) {
    const text = durationFromFhir(component);
    if (!isRefused(text)) return { row: { duration: text } };
    context.refuse(text.refuse.code, text.refuse.text, text.refuse.expression?.[0] ?? 'Observation.component.value');
    return {};
  },
};

const onsetTypes = ['sudden', 'gradual', 'chronic', 'intermittent'] as const;
type OnsetType = (typeof onsetTypes)[number];

/** R4's guide has two components where MediMax has one column: how fast it came, and how it goes on. */
export const onset: Pair<Lifted, TermTables> = {
  name: 'onset',
  elements: ['component:onset', 'component:course'],
  columns: ['onset_type'],
  toFhir({ row }, env) {
    const type = onsetTypes.find((one) => one === row['onset_type']);
    const coding = env.terms.onset.coding(type);
    if (type === undefined || !coding) return {};
    const local = { system: codeSystem(env, 'onset'), code: type, display: coding.display ?? type };
    const detail = type === 'sudden' || type === 'gradual' ? 'onset' : 'course';
    return { [`component:${detail}`]: { ...coded(detail), valueCodeableConcept: { coding: [coding, local] } } };
  },
  toRow({ 'component:onset': first, 'component:course': second }, context) {
    const type = onsetOf(first, context) ?? onsetOf(second, context) ?? null;
    if (type === null && (first || second)) {
      const expression = 'Observation.component.value';
      const text = `${expression}: the onset is kept, but MediMax shows none: it knows ${onsetTypes.join(', ')}`;
      context.tell(warning('business-rule', text, expression));
    }
    return { row: { onset_type: type } };
  },
};

function onsetOf(component: ObservationComponent | undefined, context: WriteContext<TermTables>): OnsetType | undefined {
  const concept = conceptOf(component);
  const { onset: table } = context.env.terms;
  return onsetTypes.find(
    (type) =>
      concept?.coding?.some(({ system, code }) =>
        isCodeSystem(system, 'onset') ? code === type : system === snomed && code === table.coding(type)?.code,
      ) ||
      (!concept?.coding && concept?.text?.trim().toLowerCase() === type),
  );
}

/** A component's answer as a concept; a plain string reads as its text. */
function conceptOf(component: ObservationComponent | undefined): CodeableConcept | undefined {
  if (component?.valueCodeableConcept) return component.valueCodeableConcept;
  return component?.valueString === undefined ? undefined : { text: component.valueString };
}

function coded(detail: Detail): Pick<ObservationComponent, 'code'> {
  return { code: { coding: [{ system: loinc, code: codes[detail] }], text: names[detail] } };
}

function hasCode(concept: CodeableConcept | undefined, system: string, code: string): boolean {
  return concept?.coding?.some((coding) => coding.system === system && coding.code === code) ?? false;
}

function isComponent(item: unknown): item is ObservationComponent {
  return isObject(item) && isObject(item['code']);
}
