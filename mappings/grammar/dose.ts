/** A dose in words ↔ dosage.doseAndRate: `500 mg`, `1 tablet`, `10-20 mg`. https://hl7.org/fhir/R4/dosage.html */
import type { DosageDoseAndRate, Quantity } from 'fhir/r4.js';
import type { UnitTable } from '../terms/unit-table.ts';
import { numberPattern, quantityText, quantityUnit, rangeText, readDecimal, unitOf } from './quantity.ts';
import { ratioText } from './value-text.ts';

/** Things that are counted, not measured: they are units of a dose without a UCUM code. */
const forms = new Set(
  (
    'tablet tablets tab tabs capsule capsules cap caps caplet caplets pill pills puff puffs spray sprays drop drops patch patches ' +
    'unit units suppository suppositories sachet sachets ampoule ampoules vial vials lozenge lozenges inhalation inhalations ' +
    'application applications injection injections dose doses tsp tbsp teaspoon teaspoons tablespoon tablespoons scoop scoops packet packets'
  ).split(' '),
);

const dose = new RegExp(`^(${numberPattern})(?:(?:-| - |–| – | to )(${numberPattern}))? ?(\\D.*)$`);

/** Undefined unless the whole text is a number (or two) and one known unit; two numbers must be in order. */
export function doseFromText(text: string, units: UnitTable): DosageDoseAndRate | undefined {
  const [, first, second, unit] = dose.exec(text) ?? [];
  if (first === undefined || unit === undefined || first.startsWith('-') || second?.startsWith('-')) return undefined;
  if (units.code(unit) === undefined && !forms.has(unit.toLowerCase())) return undefined;
  const low = quantity(first, unit, units);
  if (second === undefined) return low && { doseQuantity: low };
  const high = quantity(second, unit, units);
  return low && high && Number(first) <= Number(second) ? { doseRange: { low, high } } : undefined;
}

function quantity(digits: string, unit: string, units: UnitTable): Quantity | undefined {
  const value = readDecimal(digits);
  return value === undefined ? undefined : { value, ...unitOf(unit, units) };
}

/** The dose, else the rate, written out: `500 mg`, `10-20 mg`, `5 mL : 1 h`; '' when neither says anything. */
export function doseText(dosed: DosageDoseAndRate | undefined): string {
  if (!dosed) return '';
  const { doseQuantity, doseRange, rateQuantity, rateRange, rateRatio } = dosed;
  if (doseQuantity?.value !== undefined) return quantityText(doseQuantity);
  const range = doseRange ?? (rateQuantity || rateRatio ? undefined : rateRange);
  if (range) return [rangeText(range).text, rangeText(range).unit].filter(Boolean).join(' ');
  if (rateQuantity?.value !== undefined) return quantityText(rateQuantity);
  return rateRatio ? ratioText(rateRatio) : '';
}

/** Whether two doses say the same number of the same thing; how it is spelled or coded does not matter. */
export function sameDose(a: DosageDoseAndRate | undefined, b: DosageDoseAndRate | undefined): boolean {
  const keys = [a, b].map((one) => one && doseText(one));
  const codes = [a, b].map((one) => one?.doseQuantity?.code ?? one?.doseRange?.low?.code ?? quantityUnit(one?.doseQuantity));
  return keys[0] === keys[1] && codes[0] === codes[1];
}
