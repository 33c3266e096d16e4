/** Lab_Finding.reference_range ↔ Observation.referenceRange[0]: docs/mapping.md, section 7. The text is always exact. */
import type { ObservationReferenceRange, Quantity } from 'fhir/r4.js';
import type { TermTables } from '../terms/term-table.ts';
import { numberPattern, rangeText, readDecimal, unitOf } from './quantity.ts';
import { type Refused, tooLong } from './refused.ts';
import { validText } from './valid-text.ts';

export const referenceRangeMax = 100;

export interface RangeEnv {
  readonly terms: Pick<TermTables, 'units'>;
}

/** The bounds of a range text and the unit it names; undefined for prose. */
interface Bounds {
  readonly low?: string;
  readonly high?: string;
  readonly unit: string | undefined;
}

const number = `(${numberPattern})`;
const unit = '(?: ?([^\\s\\d].*))?';
const between = new RegExp(`^${number}(?:-| - |–| – | to )${number}${unit}$`);
const below = new RegExp(`^(?:(?:<=|[<≤]) ?|up to )${number}${unit}$`, 'i');
const above = new RegExp(`^(?:>=|[>≥]) ?${number}${unit}$`);

/**
 * `findingUnit` is test_unit, the unit of the bounds unless the text names one. low and high are added when the whole text parses,
 * its unit (if any) is the finding's own or a known one of the same dimension, and low is not above high. 0 is a bound.
 */
export function referenceRangeToFhir(
  text: string | null,
  findingUnit: string | null,
  env: RangeEnv,
): ObservationReferenceRange | undefined {
  const shown = validText(text);
  if (shown === undefined) return undefined;
  return { ...bounds(shown, validText(findingUnit), env), text: shown };
}

function bounds(text: string, findingUnit: string | undefined, env: RangeEnv): Pick<ObservationReferenceRange, 'low' | 'high'> {
  const parsed = parse(text);
  if (!parsed) return {};
  if (parsed.unit !== undefined && parsed.unit !== findingUnit && !couldBeUnit(parsed.unit, findingUnit, env)) return {};
  const unitPart = unitOf(parsed.unit ?? findingUnit, env.terms.units);
  const low = quantity(parsed.low, unitPart);
  const high = quantity(parsed.high, unitPart);
  if (low === null || high === null) return {};
  if (low && high && Number(parsed.low) > Number(parsed.high)) return {};
  return { ...(low ? { low } : {}), ...(high ? { high } : {}) };
}

/** A known unit, of the finding's own dimension where that is known: `<5 years` beside mg/dL is about the patient's age. */
function couldBeUnit(named: string, findingUnit: string | undefined, { terms: { units } }: RangeEnv): boolean {
  const own = units.dimension(units.code(findingUnit) ?? '');
  const other = units.dimension(units.code(named) ?? '');
  return other !== undefined && (own === undefined || own === other);
}

function parse(text: string): Bounds | undefined {
  const range = between.exec(text);
  if (range?.[1] !== undefined && range[2] !== undefined) return { low: range[1], high: range[2], unit: range[3] };
  const most = below.exec(text);
  if (most?.[1] !== undefined) return { high: most[1], unit: most[2] };
  const least = above.exec(text);
  return least?.[1] === undefined ? undefined : { low: least[1], unit: least[2] };
}

/** Null when the digits are no decimal that can be kept (too many of them). */
function quantity(digits: string | undefined, unitPart: Pick<Quantity, 'unit' | 'system' | 'code'>): Quantity | undefined | null {
  if (digits === undefined) return undefined;
  const value = readDecimal(digits);
  return value === undefined ? null : { value, ...unitPart };
}

/** The column: the first range's text, else its bounds written out (`3.5-5.1 mmol/L`); NULL when it gives neither. */
export function referenceRangeFromFhir(
  ranges: readonly ObservationReferenceRange[] | undefined,
  path = 'Observation',
): string | null | Refused {
  const first = ranges?.[0];
  if (!first) return null;
  const text = first.text ?? boundsText(first);
  return (
    tooLong(text, referenceRangeMax, `${path}.referenceRange[0]${first.text === undefined ? '' : '.text'}`) ?? (text || null)
  );
}

function boundsText({ low, high }: ObservationReferenceRange): string {
  const { text, unit: shared } = rangeText({ ...(low ? { low } : {}), ...(high ? { high } : {}) });
  return [text, shared].filter(Boolean).join(' ');
}
