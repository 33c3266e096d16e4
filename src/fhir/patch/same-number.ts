/** Whether two JSON numbers have the same value, however they are written. */
import { decimalText, type RawJson } from '../json.ts';

export function sameNumber(a: number | RawJson, b: number | RawJson): boolean {
  return canonical(decimalText(a)) === canonical(decimalText(b));
}

/** Digits without zeros at either end, and the power of ten they stand at; exact for any length. */
function canonical(text: string): string {
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  const digits = (whole + fraction).replace(/^0+/, '');
  const kept = digits.replace(/0+$/, '');
  if (kept === '') return '0';
  return `${sign}${kept}e${BigInt(exponent) - BigInt(fraction.length) + BigInt(digits.length - kept.length)}`;
}
