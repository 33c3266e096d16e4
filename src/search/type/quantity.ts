/** Quantity parameters: a number with a unit, converted where both units are of one kind. https://hl7.org/fhir/R4/search.html#quantity */
import { decimalText, isDecimal, isJsonObject, type JsonObject } from '../../fhir/json.ts';
import { allOf, bytes, type Sql, sql } from '../condition.ts';
import { type SearchEnv, ucumSystem } from '../env.ts';
import type { Leaf } from '../expression.ts';
import { apart, digest, type IndexRows, keyText, type QuantityRow, systemDigest } from '../index-rows.ts';
import { type Prefix, splitEscaped, splitPrefix, unescapeValue } from '../values.ts';

/** `value` exactly; [low, high) is what it stands for with its precision, or within a tenth for `ap`. */
export interface NumberRange {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

export interface QuantityTest extends NumberRange {
  readonly kind: 'quantity';
  readonly prefix: Prefix;
  readonly unit:
    | { readonly by: 'any' }
    | { readonly by: 'canonical'; readonly code: string }
    | { readonly by: 'code'; readonly system: string; readonly code: string }
    | { readonly by: 'name'; readonly name: string };
}

const farthest = Number.MAX_VALUE;

export function indexQuantity(param: number, { value, type, place }: Leaf, rows: IndexRows, env: SearchEnv): void {
  if (!isJsonObject(value)) return;
  const found = type === 'Range' ? fromRange(value) : type === 'SampledData' ? fromSamples(value) : fromQuantity(value);
  if (!found) return;
  const { low, high, of } = found;
  const code = textOf(of['code']);
  const system = textOf(of['system']);
  const unit = textOf(of['unit']);
  const canonical = system === ucumSystem && code !== null ? env.toCanonical(code) : undefined;
  rows.quantity.push({
    param,
    place: type === 'SampledData' ? apart : place,
    edge: 0,
    ...closed(low, high, found, 1),
    system: system === null ? null : systemDigest(system),
    code: code === null ? null : keyText(code),
    unit: unit === null ? null : keyText(unit),
    canonical: canonical?.code ?? null,
    ...(canonical ? inCanonical(closed(low, high, found, canonical.factor)) : { canonicalLow: null, canonicalHigh: null }),
  } satisfies QuantityRow);
}

interface Bounds {
  readonly low: number;
  readonly high: number;
  readonly openLow?: boolean;
  readonly openHigh?: boolean;
  readonly of: JsonObject;
}

/** An open bound (`<5`) becomes the nearest number inside. */
function closed(low: number, high: number, { openLow, openHigh }: Bounds, factor: number): { low: number; high: number } {
  const to = (bound: number) => (Math.abs(bound) === farthest ? bound : scaled(bound, factor));
  return { low: openLow ? nextAfter(to(low), 1) : to(low), high: openHigh ? nextAfter(to(high), -1) : to(high) };
}

function inCanonical({ low, high }: { readonly low: number; readonly high: number }) {
  return { canonicalLow: low, canonicalHigh: high };
}

/** Without the last digits, which multiplication gets wrong. */
function scaled(value: number, factor: number): number {
  return factor === 1 ? value : Number((value * factor).toPrecision(13));
}

function nextAfter(value: number, direction: 1 | -1): number {
  if (value === 0) return direction * Number.MIN_VALUE;
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + BigInt(direction * Math.sign(value)));
  return view.getFloat64(0);
}

function fromQuantity(quantity: JsonObject): Bounds | undefined {
  const value = numberOf(quantity['value']);
  if (value === undefined) return undefined;
  const comparator = quantity['comparator'];
  if (comparator === '<' || comparator === '<=')
    return { low: -farthest, high: value, openHigh: comparator === '<', of: quantity };
  if (comparator === '>' || comparator === '>=') return { low: value, high: farthest, openLow: comparator === '>', of: quantity };
  return { low: value, high: value, of: quantity };
}

function fromRange(range: JsonObject): Bounds | undefined {
  const { low, high } = range;
  const from = isJsonObject(low) ? numberOf(low['value']) : undefined;
  const to = isJsonObject(high) ? numberOf(high['value']) : undefined;
  if (from === undefined && to === undefined) return undefined;
  const of = isJsonObject(low) && from !== undefined ? low : isJsonObject(high) ? high : {};
  return { low: from ?? -farthest, high: to ?? farthest, of };
}

/** Only the bounds of the samples count. */
function fromSamples(data: JsonObject): Bounds | undefined {
  const { origin, data: text } = data;
  if (!isJsonObject(origin) || typeof text !== 'string') return undefined;
  const zero = numberOf(origin['value']) ?? 0;
  const factor = numberOf(data['factor']) ?? 1;
  const samples = text.split(/\s+/).flatMap((sample) => (/^[-+]?[\d.]+(?:[eE][-+]?\d+)?$/.test(sample) ? [Number(sample)] : []));
  if (samples.length === 0) return undefined;
  const values = samples.map((sample) => zero + sample * factor);
  return { low: values.reduce((a, b) => Math.min(a, b)), high: values.reduce((a, b) => Math.max(a, b)), of: origin };
}

function numberOf(value: unknown): number | undefined {
  return isDecimal(value) ? Math.max(-farthest / 2, Math.min(farthest / 2, Number(decimalText(value)))) : undefined;
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

const numberPattern = /^([-+]?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d{1,3}))?$/;

/**
 * What a number stands for: half a unit of its last digit to both sides. As the specification's example has it (1e2 is 95 to 105), an
 * exponent makes it one digit more precise.
 */
export function parseNumber(text: string, prefix: Prefix): NumberRange | undefined {
  const match = numberPattern.exec(text);
  if (!match) return undefined;
  const [, sign, whole = '', fraction = '', exponent] = match;
  const value = Number(text);
  if (!Number.isFinite(value)) return undefined;
  if (prefix === 'ap') {
    const tenth = Math.abs(value) / 10;
    return { value, low: value - tenth, high: value + tenth };
  }
  const digits = BigInt(`${sign === '-' ? '-' : ''}${whole}${fraction}`);
  const power = Number(exponent ?? 0) - fraction.length;
  const [fine, half] = exponent === undefined ? [10n, 5n] : [100n, 5n];
  const at = (shift: bigint) => Number(`${digits * fine + shift}e${power - (fine === 10n ? 1 : 2)}`);
  return { value, low: at(-half), high: at(half) };
}

export function parseQuantity(text: string, env: SearchEnv): QuantityTest | undefined {
  const parts = splitEscaped(text, '|').map(unescapeValue);
  const [first = '', system = '', code = ''] = parts;
  if (parts.length > 3 || parts.length === 2) return undefined;
  const [prefix, number] = splitPrefix(first);
  const range = parseNumber(number, prefix);
  if (!range) return undefined;
  if (code === '') return system === '' ? { kind: 'quantity', prefix, ...range, unit: { by: 'any' } } : undefined;
  if (system === '') return { kind: 'quantity', prefix, ...range, unit: { by: 'name', name: code } };
  const canonical = system === ucumSystem ? env.toCanonical(code) : undefined;
  if (!canonical) return { kind: 'quantity', prefix, ...range, unit: { by: 'code', system, code } };
  const { factor } = canonical;
  return {
    kind: 'quantity',
    prefix,
    value: scaled(range.value, factor),
    low: scaled(range.low, factor),
    high: scaled(range.high, factor),
    unit: { by: 'canonical', code: canonical.code },
  };
}

type Compare = (low: string, high: string, test: NumberRange) => Sql;

/** One row a prefix. The target is [low, high], closed; beside eq, ne and ap the search value is exact. */
export const numberConditions: Readonly<Record<Prefix, Compare>> = {
  eq: (low, high, test) => sql(`(${low} >= ? AND ${low} < ? AND ${high} < ?)`, test.low, test.high, test.high),
  ne: (low, high, test) => sql(`(${low} < ? OR ${high} >= ?)`, test.low, test.high),
  gt: (_low, high, { value }) => sql(`${high} > ?`, value),
  lt: (low, _high, { value }) => sql(`${low} < ?`, value),
  ge: (_low, high, { value }) => sql(`${high} >= ?`, value),
  le: (low, _high, { value }) => sql(`${low} <= ?`, value),
  sa: (low, _high, { value }) => sql(`${low} > ?`, value),
  eb: (_low, high, { value }) => sql(`${high} < ?`, value),
  ap: (low, high, test) => sql(`(${low} <= ? AND ${high} >= ?)`, test.high, test.low),
};

export function quantityCondition(test: QuantityTest): Sql {
  const { unit, prefix } = test;
  const compare = numberConditions[prefix];
  if (unit.by === 'canonical')
    return allOf([sql('i.canonical = ?', bytes(unit.code)), compare('i.canonical_low', 'i.canonical_high', test)]);
  const value = compare('i.low', 'i.high', test);
  if (unit.by === 'any') return value;
  if (unit.by === 'name')
    return allOf([sql('(i.unit = ? OR i.code = ?)', bytes(keyText(unit.name)), bytes(keyText(unit.name))), value]);
  return allOf([sql('i.code = ? AND i.system = ?', bytes(keyText(unit.code)), bytes(digest(unit.system))), value]);
}
