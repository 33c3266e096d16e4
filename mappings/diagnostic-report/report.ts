/** A report in words: DiagnosticReport ↔ a Report row. Source of the rules: docs/mapping.md, section Report. */
import type { CodeableConcept, DiagnosticReport, Reference } from 'fhir/r4.js';
import { isObject } from '../../src/mapping/lift.ts';
import { conceptText, longText, patientReference, shortText } from '../../src/mapping/pairs.ts';
import type { Env, Pair, Slice, Variant } from '../../src/mapping/types.ts';
import { nameFromFhir } from '../grammar/human-name.ts';
import { unknownConcept } from '../local-terms.ts';
import { checkStatus } from '../observation/status.ts';
import { containedTarget, isContainedFor, oncePerResource, targetType } from '../reference.ts';
import { shownText } from '../shown-text.ts';
import type { TermTables } from '../terms/term-table.ts';
import { checkKind, type Lifted, serviceSystem } from './lifted.ts';
import { effective, issued, statusOf } from './parts.ts';
import { presentedForm, textForm } from './presented-form.ts';

/** Code and category are both read out of report_type. */
const type: Pair<Lifted, TermTables> = {
  name: 'type',
  elements: ['code', 'category'],
  columns: ['report_type'],
  toFhir({ row }, env) {
    const text = shownText(row['report_type']);
    return { code: text === undefined ? unknownConcept : { text }, category: [categoryOf(text, env)] };
  },
  toRow({ code }, context) {
    const expression = 'DiagnosticReport.code';
    const text = conceptText(code);
    if (text === undefined) {
      const needed = `${expression} must have a text, or a coding with a display or code: MediMax keeps no report without a type`;
      context.refuse('required', needed, expression);
    }
    return { row: { report_type: shortText(text, 100, expression, context) } };
  },
};

function categoryOf(reportType: string | undefined, { terms }: Env<TermTables>): CodeableConcept {
  const { loinc, service } = terms.reportCategories;
  const section = service.coding(reportType) ?? { system: serviceSystem, code: 'OTH', display: 'Other' };
  const part = loinc.coding(reportType);
  return { coding: part ? [section, part] : [section] };
}

const conclusion: Pair<Lifted> = {
  name: 'conclusion',
  elements: ['conclusion'],
  columns: ['report_summary'],
  toFhir({ row }) {
    const text = shownText(row['report_summary']);
    return text === undefined ? {} : { conclusion: text };
  },
  toRow: (elements, context) => ({
    row: { report_summary: longText(elements.conclusion, 'DiagnosticReport.conclusion', context) },
  }),
};

const doctorSlices: readonly Slice[] = [
  { name: 'resultsInterpreter:doctor', match: (item, _index, resource) => item !== undefined && item === doctorOf(resource) },
  { name: 'contained:doctor', match: (item, _index, resource) => isContainedFor(item, doctorOf(resource), resource) },
];

/** A doctor's name is no identity: a display and no Practitioner. */
const doctor: Pair<Lifted> = {
  name: 'doctor',
  elements: ['resultsInterpreter:doctor', 'contained:doctor'],
  columns: ['doctor_name'],
  toFhir({ row }) {
    const display = shownText(row['doctor_name']);
    return display === undefined ? {} : { 'resultsInterpreter:doctor': { type: 'Practitioner', display } };
  },
  toRow(elements, context) {
    const name = nameOf(elements['resultsInterpreter:doctor'], context.resource);
    return { row: { doctor_name: shortText(name, 255, 'DiagnosticReport.resultsInterpreter.display', context) } };
  },
};

/** The first who is a person, or of whom only the name is known. */
const doctorOf = oncePerResource((resource) => {
  const list = isObject(resource) ? resource['resultsInterpreter'] : undefined;
  const interpreters: readonly Reference[] = Array.isArray(list) ? list : [];
  return interpreters.find((reference) => {
    const target = targetType(reference, resource);
    return target === 'Practitioner' || target === 'PractitionerRole' || (target === undefined && !reference.reference);
  });
});

function nameOf(reference: Reference | undefined, resource: unknown): string | undefined {
  if (reference?.display) return reference.display;
  const target = containedTarget(reference?.reference, resource);
  if (target?.resourceType === 'PractitionerRole') return target.practitioner?.display;
  if (target?.resourceType !== 'Practitioner') return undefined;
  const name = nameFromFhir(target.name, 'DiagnosticReport.contained.name');
  return typeof name === 'string' ? name : undefined;
}

export const report: Variant<Lifted, TermTables> = {
  name: 'Report',
  source: { table: 'Report', key: 'report_id', idPrefix: 'rp', patient: 'row' },
  slices: [textForm, ...doctorSlices],
  pairs: [
    statusOf(['complete_report', 'report_summary']),
    type,
    patientReference<Lifted>('DiagnosticReport', 'subject'),
    effective('report_date'),
    issued,
    doctor,
    conclusion,
    presentedForm,
  ],
  check(resource: DiagnosticReport, context) {
    checkKind('Report', resource, context);
    checkStatus(resource.status, 'DiagnosticReport', context);
  },
};
