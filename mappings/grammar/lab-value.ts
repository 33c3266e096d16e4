/** Lab_Finding.test_value and test_unit ↔ Observation.value[x]: docs/mapping.md, section 7. The whole text must match, else it is a string. */
import type { CodeableConcept, ObservationComponent, Quantity, Ratio } from 'fhir/r4.js';
import type { TermTables } from '../terms/term-table.ts';
import { numberPattern, quantityNumber, readDecimal, unitOf } from './quantity.ts';
import { codePoints, type Refused, tooLong } from './refused.ts';
import { extensionText, textExtension } from './text-extension.ts';
import { validText } from './valid-text.ts';
import { conceptText, type ValueChoice, type ValueText, valueText } from './value-text.ts';

export const testValueMax = 255;
export const testUnitMax = 50;
/** test_value is NOT NULL; this stands for a value that FHIR says is absent. */
export const notAvailable = 'not available';

/** What the grammar needs of the installation; the kit's Env has it all. */
export interface LabEnv {
  readonly canonicalBase: string;
  readonly terms: Pick<TermTables, 'units' | 'results'>;
}

/** Exactly one value[x]; none only for the '' that a CHECK should have stopped. */
export type LabValue = Pick<
  ObservationComponent,
  'valueQuantity' | 'valueRatio' | 'valueCodeableConcept' | 'valueString' | '_valueString' | 'dataAbsentReason'
>;

export interface LabColumns {
  readonly test_value: string;
  readonly test_unit: string | null;
}

/** A unit beside a value that has no place for one (`120/80` mmHg) goes into an extension of the value. '' counts as no unit. */
export function labValueToFhir(text: string, unit: string | null, env: LabEnv): LabValue {
  const shown = validText(text);
  if (shown === undefined) return { dataAbsentReason: { coding: [absent] } };
  const quantity = quantityFrom(shown, env);
  if (quantity) return { valueQuantity: { ...quantity, ...unitOf(validText(unit), env.terms.units) } };
  const unitExtension = textExtension(env, 'medimax-test-unit', unit);
  const ratio = ratioFrom(shown);
  if (ratio) return { valueRatio: { ...unitExtension, ...ratio } };
  const concept = resultWord(shown, env);
  if (concept) return { valueCodeableConcept: { ...unitExtension, ...concept } };
  return unitExtension.extension ? { valueString: shown, _valueString: unitExtension } : { valueString: shown };
}

const absent = { system: 'http://terminology.hl7.org/CodeSystem/data-absent-reason', code: 'unknown', display: 'Unknown' };

const comparators: Readonly<Record<string, NonNullable<Quantity['comparator']>>> = {
  '<': '<',
  '<=': '<=',
  '>': '>',
  '>=': '>=',
  '≤': '<=',
  '≥': '>=',
};
const numberWithComparator = new RegExp(`^(?:(<=|>=|[<>≤≥]) ?)?(${numberPattern})$`);

/** `6.30`, `<5`, `≤ 5`. What would be written in another way carries its exact text in an extension. */
function quantityFrom(text: string, env: LabEnv): Quantity | undefined {
  const parsed = parseNumber(text);
  if (!parsed) return undefined;
  return { ...(quantityNumber(parsed) === text ? {} : textExtension(env, 'medimax-raw-text', text)), ...parsed };
}

function parseNumber(text: string): Quantity | undefined {
  const [, sign, digits] = numberWithComparator.exec(text) ?? [];
  const value = digits === undefined ? undefined : readDecimal(digits);
  if (value === undefined) return undefined;
  const comparator = sign === undefined ? undefined : comparators[sign];
  return comparator === undefined ? { value } : { value, comparator };
}

/** Titres only: `1:40`, `<1:40`. Other pairs of numbers may be a time of day or a score. */
function ratioFrom(text: string): Ratio | undefined {
  const [, sign, digits] = /^(<=|>=|[<>])?1:([1-9][0-9]{0,17})$/.exec(text) ?? [];
  const value = digits === undefined ? undefined : readDecimal(digits);
  if (value === undefined) return undefined;
  const comparator = sign === undefined ? undefined : comparators[sign];
  return { numerator: comparator === undefined ? { value: 1 } : { value: 1, comparator }, denominator: { value } };
}

/** A code in addition to the exact text, for the words of qualifiers.json in any case; not with spaces around them. */
function resultWord(text: string, env: LabEnv): CodeableConcept | undefined {
  const coding = text === text.trim() ? env.terms.results.coding(text) : undefined;
  return coding && { coding: [coding], text };
}

/** The parts of an Observation that say its value. */
export interface Observed extends ValueChoice {
  readonly component?: readonly ObservationComponent[] | undefined;
}

/** The columns for any value a client may send. `path` is the FHIRPath of the holder, for issues. */
export function labValueFromFhir(observed: Observed, path = 'Observation'): LabColumns | Refused {
  const value = valueText(observed);
  if (!value || value.text === '') {
    const components = observed.component ?? [];
    const summary =
      components.length > 0 && !value ? componentSummary(components) : { text: notAvailable, unit: value?.unit ?? null };
    return columns({ textPath: 'component', unitPath: value?.unitPath ?? 'component', ...summary }, path);
  }
  return columns({ ...value, text: rawText(observed) ?? value.text }, path);
}

function columns(value: ValueText, path: string): LabColumns | Refused {
  return (
    tooLong(value.text, testValueMax, `${path}.${value.textPath}`) ??
    tooLong(value.unit ?? '', testUnitMax, `${path}.${value.unitPath}`) ?? {
      test_value: value.text,
      test_unit: value.unit || null,
    }
  );
}

/** The exact text of a Quantity that this grammar made, as long as it still says the same. */
function rawText({ valueQuantity }: ValueChoice): string | undefined {
  const raw = extensionText(valueQuantity?.extension, 'medimax-raw-text');
  const parsed = raw === undefined ? undefined : parseNumber(raw);
  return parsed && quantityNumber(parsed) === quantityNumber(valueQuantity) ? raw : undefined;
}

interface Summary {
  readonly text: string;
  readonly unit: string | null;
}

/** Systolic over diastolic as everyone writes it, `120/80`; else `name: value unit; …`. It only informs: the components themselves are kept. */
function componentSummary(components: readonly ObservationComponent[]): Summary {
  const systolic = components.find(isLoinc('8480-6'));
  const diastolic = components.find(isLoinc('8462-4'));
  const summary = systolic && diastolic && components.length <= 3 ? bloodPressure(systolic, diastolic) : listed(components);
  return fitting(summary) ? summary : { text: `${components.length} components`, unit: null };
}

const isLoinc = (code: string) => (component: ObservationComponent) =>
  component.code.coding?.some((coding) => coding.system === 'http://loinc.org' && coding.code === code) ?? false;

function bloodPressure(systolic: ObservationComponent, diastolic: ObservationComponent): Summary {
  const [above, below] = [valueText(systolic), valueText(diastolic)];
  const units = new Set([above, below].flatMap((value) => (value?.unit ? [value.unit] : [])));
  if (!above?.text && !below?.text) return { text: notAvailable, unit: null };
  return { text: `${above?.text || '-'}/${below?.text || '-'}`, unit: units.size === 1 ? ([...units][0] ?? null) : null };
}

function listed(components: readonly ObservationComponent[]): Summary {
  const lines = components.map((component) => {
    const value = valueText(component);
    const said = [value?.text, value?.unit].filter(Boolean).join(' ') || notAvailable;
    return `${conceptText(component.code) || 'component'}: ${said}`;
  });
  return { text: lines.join('; '), unit: null };
}

function fitting({ text, unit }: Summary): boolean {
  return codePoints(text) <= testValueMax && codePoints(unit ?? '') <= testUnitMax;
}
