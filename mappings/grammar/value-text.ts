/** Any value[x] of an Observation as one line of text, for columns that hold text only. https://hl7.org/fhir/R4/observation.html */
import type { CodeableConcept, Element, ObservationComponent, Period, Ratio, SampledData } from 'fhir/r4.js';
import { quantityNumber, quantityText, quantityUnit, rangeText } from './quantity.ts';
import { extensionText } from './text-extension.ts';

/** The elements that carry a value, alike in Observation and in its components. */
export type ValueChoice = Pick<
  ObservationComponent,
  | 'valueQuantity'
  | 'valueCodeableConcept'
  | 'valueString'
  | '_valueString'
  | 'valueBoolean'
  | 'valueInteger'
  | 'valueRange'
  | 'valueRatio'
  | 'valueSampledData'
  | 'valueTime'
  | 'valueDateTime'
  | 'valuePeriod'
  | 'dataAbsentReason'
>;

export interface ValueText {
  /** '' where the value says nothing (a Quantity of a unit only). */
  readonly text: string;
  readonly unit: string | null;
  /** FHIRPath behind the resource, for issues: of the text and of the unit. */
  readonly textPath: string;
  readonly unitPath: string;
}

/** Undefined when there is no value[x] at all. */
export function valueText(choice: ValueChoice): ValueText | undefined {
  for (const read of readers) {
    const found = read(choice);
    if (found) return found;
  }
  return undefined;
}

function says(type: string, text: string, unit: string | null = null, textPart = '', unitPart = '.unit'): ValueText {
  const path = `value.ofType(${type})`;
  return { text, unit, textPath: `${path}${textPart}`, unitPath: `${path}${unitPart}` };
}

/** One reader a type; R4 allows one value[x], so their order means nothing. */
const readers: readonly ((choice: ValueChoice) => ValueText | undefined)[] = [
  ({ valueQuantity: it }) => it && says('Quantity', quantityNumber(it), quantityUnit(it), '.value'),
  ({ valueCodeableConcept: it }) => it && says('CodeableConcept', conceptText(it), ownUnit(it)),
  ({ valueString: it, _valueString: more }) => (it === undefined ? undefined : says('string', it, ownUnit(more))),
  ({ valueBoolean: it }) => (it === undefined ? undefined : says('boolean', String(it))),
  ({ valueInteger: it }) => (it === undefined ? undefined : says('integer', String(it))),
  ({ valueRange: it }) => it && says('Range', rangeText(it).text, rangeText(it).unit, '', '.low.unit'),
  ({ valueRatio: it }) => it && says('Ratio', ratioText(it), ownUnit(it)),
  ({ valueSampledData: it }) => it && says('SampledData', sampledText(it), quantityUnit(it.origin), '', '.origin.unit'),
  ({ valueTime: it }) => (it === undefined ? undefined : says('time', it)),
  ({ valueDateTime: it }) => (it === undefined ? undefined : says('dateTime', it)),
  ({ valuePeriod: it }) => it && says('Period', periodText(it)),
];

function ownUnit(value: Element | undefined): string | null {
  return extensionText(value?.extension, 'medimax-test-unit') ?? null;
}

/** Text, else the first display, else the first code. */
export function conceptText(concept: CodeableConcept | undefined): string {
  const codings = concept?.coding ?? [];
  return concept?.text ?? codings.find(({ display }) => display)?.display ?? codings.find(({ code }) => code)?.code ?? '';
}

/** `1:40`; with units both are written out: `5 mg : 1 mL`. */
export function ratioText({ numerator, denominator }: Ratio): string {
  if (!quantityUnit(numerator) && !quantityUnit(denominator)) {
    const [above, below] = [quantityNumber(numerator), quantityNumber(denominator)];
    return above === '' && below === '' ? '' : `${above}:${below}`;
  }
  return `${quantityText(numerator)} : ${quantityText(denominator)}`;
}

/** A summary: the samples themselves never fit a column. */
function sampledText({ data }: SampledData): string {
  const count = data?.split(' ').filter(Boolean).length ?? 0;
  return count === 0 ? '' : `sampled data, ${count} values`;
}

function periodText({ start, end }: Period): string {
  if (start === undefined) return end === undefined ? '' : `until ${end}`;
  return end === undefined ? `from ${start}` : `${start} to ${end}`;
}
