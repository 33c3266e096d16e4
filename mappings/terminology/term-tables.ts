/** The reviewed term tables as vocabularies of texts, sets of codes, and maps between the two. */

import { fold } from '../terms/fold.ts';
import type { CodedEntry } from '../terms/term-file.ts';
import { readTermFile } from '../terms/term-file.ts';
import type { TermTables } from '../terms/term-table.ts';
import { ucumSystem } from '../terms/unit-table.ts';
import type { CodeMap, CodeSet, Concept, Declared, MapRow, Vocabulary } from './declared.ts';

interface Described {
  /** `medimax-test-name`; its codes are `medimax-test-name-codes`, the map between them `medimax-test-name-loinc`. */
  readonly vocabulary: string;
  readonly target: string;
  readonly file: string;
  readonly title: string;
  readonly columns: readonly string[];
  readonly elements: readonly string[];
  readonly entries: readonly CodedEntry[];
  readonly version: string;
}

export function termTableContent(terms: TermTables): Declared {
  const tables = [...describe(terms), unitsAsTable(terms)];
  const byVocabulary = Map.groupBy(tables, ({ vocabulary }) => vocabulary);
  return {
    vocabularies: [...byVocabulary.values()].map(vocabularyOf),
    codeSets: tables.map(codeSetOf),
    codeMaps: tables.map(codeMapOf),
  };
}

function describe(terms: TermTables): readonly Described[] {
  const { tests, vitalSigns, medicines, findings, lifestyle, noKnownAllergy, results, reportCategories } = terms;
  const testName = { vocabulary: 'medimax-test-name', columns: ['Lab_Finding.test_name'], elements: ['Observation.code'] };
  const reportType = {
    vocabulary: 'medimax-report-type',
    columns: ['Report.report_type'],
    elements: ['DiagnosticReport.category'],
  };
  return [
    { ...testName, target: 'loinc', file: 'loinc-tests.json', title: 'Names of tests', ...tests },
    { ...testName, target: 'vital-signs', file: 'loinc-vital-signs.json', title: 'Names of vital signs', ...vitalSigns },
    {
      vocabulary: 'medimax-medicine-name',
      target: 'rxnorm',
      file: 'rxnorm-medicines.json',
      title: 'Names of medicines',
      columns: ['Medication.medicine_name'],
      elements: ['MedicationStatement.medication'],
      ...medicines,
    },
    {
      vocabulary: 'medimax-condition-name',
      target: 'snomed',
      file: 'snomed-findings.json',
      title: 'Names of conditions',
      columns: ['Medical_History.history_item'],
      elements: ['Condition.code', 'FamilyMemberHistory.condition.code'],
      ...findings,
    },
    {
      vocabulary: 'medimax-lifestyle-item',
      target: 'loinc',
      file: 'lifestyle-codes.json',
      title: 'Lifestyle entries',
      columns: ['Medical_History.history_item'],
      elements: ['Observation.code'],
      ...lifestyle,
    },
    {
      vocabulary: 'medimax-allergy-item',
      target: 'snomed',
      file: 'no-known-allergy.json',
      title: 'Ways to say that there is no known allergy',
      columns: ['Medical_History.history_item'],
      elements: ['AllergyIntolerance.code'],
      ...noKnownAllergy,
    },
    {
      vocabulary: 'medimax-result-word',
      target: 'snomed',
      file: 'qualifiers.json',
      title: 'Results in words',
      columns: ['Lab_Finding.test_value'],
      elements: ['Observation.value'],
      ...results,
    },
    { ...reportType, target: 'loinc', file: 'report-categories.json', title: 'Types of report', ...reportCategories.loinc },
    {
      ...reportType,
      target: 'service',
      file: 'report-categories.json',
      title: 'Types of report as services',
      ...reportCategories.service,
    },
  ];
}

/** The units' table has another shape; the texts of a code include the code itself. */
function unitsAsTable({ units }: TermTables): Described {
  const entries = units.codes.flatMap((code) =>
    units.texts(code).map((text) => ({ text, system: ucumSystem, code, display: code })),
  );
  return {
    vocabulary: 'medimax-unit',
    target: 'ucum',
    file: 'ucum-units.json',
    title: 'Units',
    columns: ['Lab_Finding.test_unit', 'Medication.dosage', 'Appointment_Symptom.duration'],
    elements: ['Observation.valueQuantity', 'MedicationStatement.dosage.doseAndRate', 'Observation.component.valueQuantity'],
    entries,
    version: units.version,
  };
}

/** Case counts in units only: elsewhere the column's own equality decides. */
function vocabularyOf(tables: readonly Described[]): Vocabulary {
  const [first] = tables;
  if (!first) throw new Error('a vocabulary is made of tables');
  const same = isExact(first) ? (text: string) => text : fold;
  const texts = new Map(
    tables
      .flatMap(({ entries }) => entries)
      .map(({ text }) => [same(text), text])
      .reverse() as [string, string][],
  );
  return {
    id: first.vocabulary,
    title: first.title,
    columns: first.columns,
    concepts: [...texts.values()].reverse().map((code) => ({ code })),
    isComplete: false,
    version: first.version,
  };
}

function isExact({ vocabulary }: Described): boolean {
  return vocabulary === 'medimax-unit';
}

function codeSetOf({ vocabulary, target, title, entries, version, file }: Described): CodeSet {
  const concepts = new Map<string, Concept>();
  for (const { code, display } of entries) if (!concepts.has(code)) concepts.set(code, { code, display });
  return {
    id: `${vocabulary}-${target}`,
    title: `${title}: their codes`,
    system: entries[0]?.system ?? '',
    concepts: [...concepts.values()],
    version,
    copyright: licenceOf(file),
  };
}

function codeMapOf({ vocabulary, target, title, columns, elements, entries, version, file }: Described): CodeMap {
  const rows = entries.map(({ text, system, code, display, measures }): MapRow => {
    const row = { from: { code: text }, to: { system, code, display } };
    return measures === undefined ? row : { ...row, measures };
  });
  return {
    id: `${vocabulary}-${target}`,
    title: `${title} to codes`,
    columns,
    elements,
    direction: 'read',
    fromSystem: vocabulary,
    rows,
    version,
    copyright: licenceOf(file),
  };
}

function licenceOf(file: string): string | undefined {
  const { licence } = readTermFile(file).content;
  return typeof licence === 'string' ? licence : undefined;
}
