/** Numbers, units and ranges between text and Quantity; every digit is kept. https://hl7.org/fhir/R4/datatypes.html#Quantity */
import type { Quantity, Range } from 'fhir/r4.js';
import { decimalFrom, decimalText } from '../../src/fhir/json.ts';
import { type UnitTable, ucumSystem } from '../terms/unit-table.ts';

/** A FHIR decimal: no leading zeros, no bare point, no plus sign. Anything else could not be written back as it was. */
export const numberPattern = '-?(?:0|[1-9][0-9]*)(?:\\.[0-9]+)?(?:[eE][+-]?[0-9]+)?';
const wholeNumber = new RegExp(`^${numberPattern}$`);

/** R4 promises 18 digits; longer ones (identifiers, mostly) and far exponents stay text. */
const digitsMax = 18;
const exponentMax = 30;

/** The decimal of exactly this text, or undefined. Typed as the R4 types have it, a RawJson where a number would lose digits. */
export function readDecimal(text: string): number | undefined {
  if (!wholeNumber.test(text)) return undefined;
  const [mantissa = '', exponent = '0'] = text.toLowerCase().split('e');
  const digits = mantissa.replace(/[-.]/g, '').replace(/^0+/, '');
  if (digits.length > digitsMax || mantissa.length > 2 * digitsMax || Math.abs(Number(exponent)) > exponentMax) return undefined;
  return decimalFrom(text) as number; // marked place: the R4 types know no RawJson
}

/** `unit` exactly as the column has it; system and code only where the table is sure. */
export function unitOf(unit: string | null | undefined, units: UnitTable): Pick<Quantity, 'unit' | 'system' | 'code'> {
  if (!unit) return {};
  const code = units.code(unit);
  return code === undefined ? { unit } : { unit, system: ucumSystem, code };
}

/** The digits of a Quantity with its comparator: `<=5.0`; '' without a value. */
export function quantityNumber(quantity: Quantity | undefined): string {
  return quantity?.value === undefined ? '' : `${quantity.comparator ?? ''}${decimalText(quantity.value)}`;
}

/** What a person reads as the unit: the text, else the code. */
export function quantityUnit(quantity: Quantity | undefined): string | null {
  return quantity?.unit ?? quantity?.code ?? null;
}

/** `5 mg`, `<5 mg`, `5`. */
export function quantityText(quantity: Quantity | undefined): string {
  return [quantityNumber(quantity), quantityUnit(quantity)].filter(Boolean).join(' ');
}

/** `5-10`, `>=5`, `<=10`, with the unit apart where both ends share it. */
export function rangeText(range: Range): { readonly text: string; readonly unit: string | null } {
  const { low, high } = range;
  const units = new Set([low, high].filter((end) => end?.value !== undefined).map(quantityUnit));
  const shared = units.size <= 1;
  const end = (quantity: Quantity | undefined) => (shared ? quantityNumber(quantity) : quantityText(quantity));
  const unit = shared ? ([...units][0] ?? null) : null;
  if (low?.value === undefined) return { text: high?.value === undefined ? '' : `<=${end(high)}`, unit };
  return { text: high?.value === undefined ? `>=${end(low)}` : `${end(low)}${shared ? '-' : ' - '}${end(high)}`, unit };
}
