import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { ObservationReferenceRange } from 'fhir/r4.js';
import { referenceRangeFromFhir, referenceRangeToFhir } from '../../../mappings/grammar/reference-range.ts';
import { isRefused } from '../../../mappings/grammar/refused.ts';
import { loadTermTables } from '../../../mappings/terms/term-table.ts';
import { parseJson, stringifyJson } from '../../../src/fhir/json.ts';

const env = { terms: loadTermTables() };

/** low and high as they go over the wire, the unit left out. */
function seen(text: string, unit: string | null = null): string {
  const { low, high } = referenceRangeToFhir(text, unit, env) ?? {};
  const digits = (bound: unknown) => /"value":([^,}]+)/.exec(stringifyJson(bound ?? {}))?.[1] ?? '';
  return `${digits(low)}..${digits(high)}`;
}

describe('reference_range → referenceRange', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['3.50-5.10', '3.50..5.10'],
    ['3.5 - 5.1', '3.5..5.1'],
    ['3.5–5.1', '3.5..5.1'],
    ['3.5 – 5.1', '3.5..5.1'],
    ['3.5 to 5.1', '3.5..5.1'],
    ['3.5-5.1 mmol/L', '3.5..5.1'],
    ['70-99mg/dL', '70..99'],
    ['-2-2', '-2..2'],
    ['-2 - -1', '-2..-1'],
    ['0-0', '0..0'],
    ['0-40', '0..40'],
    ['<5', '..5'],
    ['< 200 mg/dL', '..200'],
    ['≤5', '..5'],
    ['<=5', '..5'],
    ['up to 5.0', '..5.0'],
    ['Up to 40 U/L', '..40'],
    ['>0', '0..'],
    ['≥ 60', '60..'],
    ['>=60 mL/min', '60..'],
  ];
  for (const [text, expected] of cases) it(`${text} → ${expected}`, () => assert.equal(seen(text), expected));

  const prose = [
    '10-5',
    'negative',
    'Male: 13-17',
    '3,5-5,1',
    '3.5-5.1 bananas',
    '<5 years',
    '5',
    '1-2-3',
    ' 3-5',
    '3-5 ',
    '3--5',
    '05-10',
    '.5-1',
    '12-16 g/dL (adult)',
    '-',
    '<',
    'see comment',
    '1e999-2',
    '1-12345678901234567890',
  ];
  for (const text of prose)
    it(`${JSON.stringify(text)} is text only`, () => assert.deepEqual(referenceRangeToFhir(text, 'mg/dL', env), { text }));

  it('gives the bounds the unit of the finding', () => {
    const unit = { unit: 'K/uL', system: 'http://unitsofmeasure.org', code: '10*3/uL' };
    assert.deepEqual(referenceRangeToFhir('4-11', 'K/uL', env), {
      low: { value: 4, ...unit },
      high: { value: 11, ...unit },
      text: '4-11',
    });
    assert.deepEqual(referenceRangeToFhir('4-11 blobs', 'blobs', env)?.low, { value: 4, unit: 'blobs' });
    assert.deepEqual(referenceRangeToFhir('4-11', null, env)?.high, { value: 11 });
  });
  it('lets the text name its own unit', () => assert.equal(referenceRangeToFhir('4-11 g/L', 'g/dL', env)?.low?.code, 'g/L'));
  for (const text of [null, '', ' '])
    it(`${JSON.stringify(text)} gives nothing`, () => assert.equal(referenceRangeToFhir(text, 'mg', env), undefined));
});

describe('referenceRange → reference_range', () => {
  const cases: readonly (readonly [readonly ObservationReferenceRange[] | undefined, string | null])[] = [
    [undefined, null],
    [[], null],
    [[{ text: 'x' }, { text: 'y' }], 'x'],
    [[{ low: { value: 3 }, text: 'about 3' }], 'about 3'],
    [[{ low: { value: 0, unit: 'mg' }, high: { value: 5, unit: 'mg' } }], '0-5 mg'],
    [[{ low: { value: 3, code: 'mg' } }], '>=3 mg'],
    [[{ high: { value: 5 } }], '<=5'],
    [[{ low: { value: 5, unit: 'mg' }, high: { value: 1, unit: 'g' } }], '5 mg - 1 g'],
    [[{ age: { low: { value: 18 } } }], null],
  ];
  for (const [ranges, expected] of cases)
    it(`${stringifyJson(ranges ?? null)} → ${expected}`, () => assert.equal(referenceRangeFromFhir(ranges), expected));

  it('refuses more than 100 code points', () => {
    assert.equal(referenceRangeFromFhir([{ text: '𠮷'.repeat(100) }]), '𠮷'.repeat(100));
    const result = referenceRangeFromFhir([{ text: 'x'.repeat(101) }]);
    assert.ok(isRefused(result));
    assert.deepEqual([result.refuse.code, result.refuse.expression], ['too-long', ['Observation.referenceRange[0].text']]);
  });
});

describe('properties', () => {
  const piece = fc.constantFrom('0', '3.50', '-2', '10', '-', ' - ', '–', ' to ', '<', '≥', 'up to ', ' ', 'mg/dL', 'K/uL', 'x');
  const text = fc.oneof(
    fc.array(piece, { minLength: 1, maxLength: 5 }).map((all) => all.join('')),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
  );
  it('text → range → text is identical, and bounds are in order', () => {
    fc.assert(
      fc.property(text, fc.constantFrom(null, 'mg/dL', 'x'), (shown, unit) => {
        fc.pre(shown.trim() !== '');
        const range = parseJson(stringifyJson(referenceRangeToFhir(shown, unit, env))) as ObservationReferenceRange;
        assert.equal(referenceRangeFromFhir([range]), shown);
      }),
      { numRuns: 3000 },
    );
  });
  it('bounds → text → bounds is identical', () => {
    const bound = fc.integer({ min: -1000, max: 1000 });
    fc.assert(
      fc.property(bound, bound, (a, b) => {
        const unit = { unit: 'mg/dL', system: 'http://unitsofmeasure.org', code: 'mg/dL' };
        const range = { low: { value: Math.min(a, b), ...unit }, high: { value: Math.max(a, b), ...unit } };
        const written = referenceRangeFromFhir([range]);
        assert.ok(typeof written === 'string');
        assert.deepEqual(referenceRangeToFhir(written, null, env), { ...range, text: written });
      }),
    );
  });
});
