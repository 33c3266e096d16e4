/** Appointment_Symptom.duration ↔ the value of the duration component: `3 days` is a Quantity, anything else a string. */
import type { ObservationComponent } from 'fhir/r4.js';
import { ucumSystem } from '../terms/unit-table.ts';
import { numberPattern, quantityNumber, quantityText, readDecimal } from './quantity.ts';
import { type Refused, tooLong } from './refused.ts';
import { extensionText, textExtension } from './text-extension.ts';
import { validText } from './valid-text.ts';
import { type ValueChoice, valueText } from './value-text.ts';

export const durationMax = 100;

/** Words for units of time; `m` alone could be minutes or months and is no unit here. */
const unitCodes: ReadonlyMap<string, string> = new Map(
  (
    [
      ['s', 's sec secs second seconds'],
      ['min', 'min mins minute minutes'],
      ['h', 'h hr hrs hour hours'],
      ['d', 'd day days'],
      ['wk', 'wk wks week weeks'],
      ['mo', 'mo mos month months'],
      ['a', 'a yr yrs year years'],
    ] as const
  ).flatMap(([code, words]) => words.split(' ').map((word) => [word, code] as const)),
);
const numberAndUnit = new RegExp(`^(${numberPattern}) ?([a-z]+)$`, 'i');

/** `3 days` → 3 d with unit "days"; `3days` the same with the exact text in an extension. Negative durations are text. */
export function durationToFhir(
  text: string | null,
  env: { readonly canonicalBase: string },
): Pick<ObservationComponent, 'valueQuantity' | 'valueString'> | undefined {
  const shown = validText(text);
  if (shown === undefined) return undefined;
  const parsed = parse(shown);
  if (!parsed) return { valueString: shown };
  const exact = quantityText(parsed) === shown ? {} : textExtension(env, 'medimax-raw-text', shown);
  return { valueQuantity: { ...exact, ...parsed } };
}

function parse(text: string) {
  const [, digits, word] = numberAndUnit.exec(text) ?? [];
  if (digits === undefined || word === undefined || digits.startsWith('-')) return undefined;
  const code = unitCodes.get(word.toLowerCase());
  const value = readDecimal(digits);
  return code === undefined || value === undefined ? undefined : { value, unit: word, system: ucumSystem, code };
}

/** The text of any value a client may send; UCUM codes without a unit text read as words (`3 wk` → `3 weeks`). NULL without a value. */
export function durationFromFhir(component: ValueChoice | undefined, path = 'Observation.component'): string | null | Refused {
  const value = component && valueText(component);
  if (!component || !value || value.text === '') return null;
  const text = exactText(component) ?? written(component, value);
  return tooLong(text, durationMax, `${path}.${value.textPath}`) ?? text;
}

function exactText({ valueQuantity }: ValueChoice): string | undefined {
  const raw = extensionText(valueQuantity?.extension, 'medimax-raw-text');
  const parsed = raw === undefined ? undefined : parse(raw);
  return parsed && quantityNumber(parsed) === quantityNumber(valueQuantity) && parsed.code === valueQuantity?.code
    ? raw
    : undefined;
}

const words: ReadonlyMap<string | undefined, string> = new Map([
  ['s', 'seconds'],
  ['min', 'minutes'],
  ['h', 'hours'],
  ['d', 'days'],
  ['wk', 'weeks'],
  ['mo', 'months'],
  ['a', 'years'],
]);

function written({ valueQuantity }: ValueChoice, value: { readonly text: string; readonly unit: string | null }): string {
  const unit = valueQuantity && valueQuantity.unit === undefined ? (words.get(valueQuantity.code) ?? value.unit) : value.unit;
  return [value.text, unit].filter(Boolean).join(' ');
}
