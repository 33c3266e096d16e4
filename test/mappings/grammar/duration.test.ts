import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { durationFromFhir, durationToFhir } from '../../../mappings/grammar/duration.ts';
import { isRefused } from '../../../mappings/grammar/refused.ts';
import { parseJson, stringifyJson } from '../../../src/fhir/json.ts';

const env = { canonicalBase: 'https://clinic.example/fhir' };

describe('duration → value[x]', () => {
  const quantities = [
    ['3 days', '3', 'days', 'd'],
    ['2 weeks', '2', 'weeks', 'wk'],
    ['1 month', '1', 'month', 'mo'],
    ['1.50 years', '1.50', 'years', 'a'],
    ['30 min', '30', 'min', 'min'],
    ['6 Hours', '6', 'Hours', 'h'],
    ['3days', '3', 'days', 'd'],
  ] as const;
  for (const [text, value, unit, code] of quantities) {
    it(text, () => {
      const json = stringifyJson(durationToFhir(text, env));
      assert.ok(json.includes(`"value":${value},"unit":"${unit}","system":"http://unitsofmeasure.org","code":"${code}"`), json);
      assert.equal(json.includes('medimax-raw-text'), text === '3days');
    });
  }
  for (const text of [
    'since Monday',
    'three days',
    '2-3 days',
    '3 m',
    '-3 days',
    '3  days',
    ' 3 days',
    '3 days ago',
    '3',
    'days',
    '03 days',
    '3 constructor',
  ]) {
    it(`${JSON.stringify(text)} is a string`, () => assert.deepEqual(durationToFhir(text, env), { valueString: text }));
  }
  for (const text of [null, '', ' '])
    it(`${JSON.stringify(text)} gives nothing`, () => assert.equal(durationToFhir(text, env), undefined));
});

describe('value[x] → duration', () => {
  const cases = [
    [{ valueQuantity: { value: 3, system: 'http://unitsofmeasure.org', code: 'wk' } }, '3 weeks'],
    [{ valueQuantity: { value: 3, unit: 'Tage', code: 'd' } }, '3 Tage'],
    [{ valueQuantity: { value: 3, comparator: '>' as const, unit: 'days' } }, '>3 days'],
    [{ valueRange: { low: { value: 2, unit: 'days' }, high: { value: 3, unit: 'days' } } }, '2-3 days'],
    [{ valueString: 'since Monday' }, 'since Monday'],
    [{ valuePeriod: { start: '2020-01-01' } }, 'from 2020-01-01'],
    [{}, null],
    [undefined, null],
  ] as const;
  for (const [value, expected] of cases)
    it(`${stringifyJson(value ?? null)} → ${expected}`, () => assert.equal(durationFromFhir(value), expected));

  it('forgets the exact text of a value that was changed', () => {
    const made = durationToFhir('3days', env)?.valueQuantity;
    assert.equal(durationFromFhir({ valueQuantity: { ...made, value: 4 } }), '4 days');
  });
  it('refuses more than 100 code points', () => {
    const result = durationFromFhir({ valueString: 'x'.repeat(101) }, 'Observation.component[0]');
    assert.ok(isRefused(result));
    assert.deepEqual(result.refuse.expression, ['Observation.component[0].value.ofType(string)']);
  });
});

describe('text → value[x] → text', () => {
  const piece = fc.constantFrom('3', '1.50', ' ', '-', 'days', 'wk', 'Month', 'h', 'x', '0');
  const text = fc.oneof(
    fc.array(piece, { minLength: 1, maxLength: 4 }).map((all) => all.join('')),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }),
  );
  it('is identical', () => {
    fc.assert(
      fc.property(text, (shown) => {
        fc.pre(shown.trim() !== '');
        const value = parseJson(stringifyJson(durationToFhir(shown, env))) as Parameters<typeof durationFromFhir>[0];
        assert.equal(durationFromFhir(value), shown);
      }),
      { numRuns: 3000 },
    );
  });
});
