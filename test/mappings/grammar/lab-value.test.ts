import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type LabEnv, labValueFromFhir, labValueToFhir, type Observed } from '../../../mappings/grammar/lab-value.ts';
import { isRefused } from '../../../mappings/grammar/refused.ts';
import { loadTermTables } from '../../../mappings/terms/term-table.ts';
import { parseJson, stringifyJson } from '../../../src/fhir/json.ts';

const env: LabEnv = { canonicalBase: 'https://clinic.example/fhir', terms: loadTermTables() };
const raw = (text: string) => ({ url: 'https://clinic.example/fhir/StructureDefinition/medimax-raw-text', valueString: text });
const unitExtension = (text: string) => ({
  url: 'https://clinic.example/fhir/StructureDefinition/medimax-test-unit',
  valueString: text,
});

/** As it goes over the wire, so that the digits are seen. */
const json = (value: unknown) => stringifyJson(value);
const word = (code: string, display: string, text: string) => ({
  valueCodeableConcept: { coding: [{ system: 'http://snomed.info/sct', code, display }], text },
});

describe('test_value → value[x]', () => {
  const numbers: readonly (readonly [string, string])[] = [
    ['6.30', '{"valueQuantity":{"value":6.30}}'],
    ['0.000', '{"valueQuantity":{"value":0.000}}'],
    ['0', '{"valueQuantity":{"value":0}}'],
    ['-0', '{"valueQuantity":{"value":-0}}'],
    ['-4.50', '{"valueQuantity":{"value":-4.50}}'],
    ['1e3', '{"valueQuantity":{"value":1e3}}'],
    ['1e-7', '{"valueQuantity":{"value":1e-7}}'],
    ['100000000000000000', '{"valueQuantity":{"value":100000000000000000}}'],
    ['<5', '{"valueQuantity":{"value":5,"comparator":"<"}}'],
    ['>=5.0', '{"valueQuantity":{"value":5.0,"comparator":">="}}'],
    ['1:40', '{"valueRatio":{"numerator":{"value":1},"denominator":{"value":40}}}'],
    ['<1:40', '{"valueRatio":{"numerator":{"value":1,"comparator":"<"},"denominator":{"value":40}}}'],
  ];
  for (const [text, expected] of numbers) it(text, () => assert.equal(json(labValueToFhir(text, null, env)), expected));

  for (const [text, comparator] of [
    ['≤5', '<='],
    ['≥5', '>='],
    ['< 5', '<'],
    ['≤ 5', '<='],
  ] as const) {
    it(`${text} keeps its spelling in an extension`, () => {
      const expected = { valueQuantity: { extension: [raw(text)], value: 5, comparator } };
      assert.deepEqual(labValueToFhir(text, null, env), expected);
    });
  }

  const words: readonly (readonly [string, object])[] = [
    ['Positive', word('10828004', 'Positive', 'Positive')],
    ['POSITIVE', word('10828004', 'Positive', 'POSITIVE')],
    ['negative', word('260385009', 'Negative', 'negative')],
    ['Reactive', word('11214006', 'Reactive', 'Reactive')],
    ['Non-Reactive', word('131194007', 'Non-Reactive', 'Non-Reactive')],
    ['Detected', word('260373001', 'Detected', 'Detected')],
    ['not detected', word('260415000', 'Not detected', 'not detected')],
  ];
  for (const [text, expected] of words) it(text, () => assert.deepEqual(labValueToFhir(text, null, env), expected));

  const strings = [
    '5,2',
    '5.0 H',
    '+',
    '++',
    'trace',
    'pending',
    '120/80',
    '5-10',
    '.5',
    '5.',
    '05',
    '+5',
    ' 5 ',
    ' 5',
    '5 ',
    '−5',
    '5 mg',
    '1,000',
  ];
  const more = [
    '10:30',
    '1:0',
    '1:040',
    '2:1',
    '>',
    '<<5',
    '5e',
    '1e999',
    '1234567890123456789',
    '٥',
    'NaN',
    'Infinity',
    '0x1F',
    ' positive',
    'pos',
    '5\n',
  ];
  for (const text of [...strings, ...more]) {
    it(`${JSON.stringify(text)} is a string`, () => assert.deepEqual(labValueToFhir(text, null, env), { valueString: text }));
  }

  for (const text of ['', '  ']) {
    it(`${JSON.stringify(text)} says nothing`, () => {
      assert.equal(labValueToFhir(text, 'mg', env).dataAbsentReason?.coding?.[0]?.code, 'unknown');
    });
  }
  it('shows a forbidden control character as U+FFFD', () => {
    assert.deepEqual(labValueToFhir('a\u0001b', null, env), { valueString: 'a\ufffdb' });
  });
});

describe('test_unit', () => {
  const ucum = 'http://unitsofmeasure.org';
  const units: readonly (readonly [string, string | undefined])[] = [
    ['K/uL', '10*3/uL'],
    ['mcg/mL', 'ug/mL'],
    ['mmHg', 'mm[Hg]'],
    ['IU/L', '[IU]/L'],
    ['MG/DL', 'mg/dL'],
    ['g/dL', 'g/dL'],
    ['K', undefined],
    ['G/L', undefined],
    ['furlong', undefined],
  ];
  for (const [unit, code] of units) {
    it(`${unit} → ${code ?? 'unit only'}`, () => {
      const expected = code === undefined ? { value: 5, unit } : { value: 5, unit, system: ucum, code };
      assert.deepEqual(labValueToFhir('5', unit, env), { valueQuantity: expected });
    });
  }
  it('of a string, a ratio and a word goes into an extension', () => {
    const mmHg = { extension: [unitExtension('mmHg')] };
    assert.deepEqual(labValueToFhir('120/80', 'mmHg', env), { valueString: '120/80', _valueString: mmHg });
    assert.deepEqual(labValueToFhir('1:40', 'titer', env).valueRatio?.extension, [unitExtension('titer')]);
    assert.deepEqual(labValueToFhir('Positive', 'S/CO', env).valueCodeableConcept?.extension, [unitExtension('S/CO')]);
  });
  it("'' is no unit", () => assert.deepEqual(labValueToFhir('5', '', env), { valueQuantity: { value: 5 } }));
});

describe('value[x] → test_value, test_unit', () => {
  const bp = (code: string, value?: number) => ({
    code: { coding: [{ system: 'http://loinc.org', code }] },
    ...(value === undefined ? { dataAbsentReason: { text: 'x' } } : { valueQuantity: { value, unit: 'mmHg' } }),
  });
  const cases: readonly (readonly [Observed, string, string | null])[] = [
    [{ valueQuantity: { value: 5, comparator: '<', unit: 'mg' } }, '<5', 'mg'],
    [{ valueQuantity: { value: 5, system: 'http://unitsofmeasure.org', code: 'mg' } }, '5', 'mg'],
    [{ valueQuantity: { unit: 'mg' } }, 'not available', 'mg'],
    [{ valueQuantity: { value: 6, comparator: '<=', extension: [raw('≤5')] } }, '<=6', null],
    [{ valueCodeableConcept: { text: 'Pos', coding: [{ display: 'Positive' }] } }, 'Pos', null],
    [{ valueCodeableConcept: { coding: [{ code: 'x' }, { code: 'y', display: 'Positive' }] } }, 'Positive', null],
    [{ valueCodeableConcept: { coding: [{ system: 's', code: 'x' }] } }, 'x', null],
    [{ valueString: '5.0 H' }, '5.0 H', null],
    [{ valueBoolean: false }, 'false', null],
    [{ valueInteger: 0 }, '0', null],
    [{ valueRange: { low: { value: 5, unit: 'mg' }, high: { value: 10, unit: 'mg' } } }, '5-10', 'mg'],
    [{ valueRange: { low: { value: 5 } } }, '>=5', null],
    [{ valueRange: { high: { value: 5, code: 'mg' } } }, '<=5', 'mg'],
    [{ valueRange: { low: { value: 5, unit: 'mg' }, high: { value: 1, unit: 'g' } } }, '5 mg - 1 g', null],
    [{ valueRatio: { numerator: { value: 1 }, denominator: { value: 128 } } }, '1:128', null],
    [{ valueRatio: { numerator: { value: 5, unit: 'mg' }, denominator: { value: 1, unit: 'mL' } } }, '5 mg : 1 mL', null],
    [
      { valueSampledData: { origin: { value: 0, unit: 'mV' }, period: 10, dimensions: 1, data: '1 2 3' } },
      'sampled data, 3 values',
      'mV',
    ],
    [{ valueTime: '12:30:00' }, '12:30:00', null],
    [{ valueDateTime: '2020-02' }, '2020-02', null],
    [{ valuePeriod: { start: '2020', end: '2021' } }, '2020 to 2021', null],
    [{ valuePeriod: { start: '2020' } }, 'from 2020', null],
    [{ valuePeriod: { end: '2021' } }, 'until 2021', null],
    [{ component: [bp('8462-4', 80), bp('8480-6', 120)] }, '120/80', 'mmHg'],
    [{ component: [bp('8480-6', 107), bp('8462-4')] }, '107/-', 'mmHg'],
    [{ component: [bp('8480-6'), bp('8462-4')] }, 'not available', null],
    [
      {
        component: [
          { code: { text: 'Color' }, valueString: 'pink' },
          { code: { text: 'Pulse' }, valueQuantity: { value: 90, unit: '/min' } },
        ],
      },
      'Color: pink; Pulse: 90 /min',
      null,
    ],
    [{ component: Array.from({ length: 90 }, () => ({ code: { text: 'part' }, valueInteger: 1 })) }, '90 components', null],
    [{ dataAbsentReason: { coding: [{ code: 'not-performed' }] } }, 'not available', null],
    [{}, 'not available', null],
  ];
  for (const [observed, value, unit] of cases) {
    it(`${json(observed).slice(0, 90)} → ${value} ${unit ?? ''}`, () => {
      assert.deepEqual(labValueFromFhir(observed), { test_value: value, test_unit: unit });
    });
  }

  it('keeps the digits of what was parsed from JSON', () => {
    const observed = parseJson('{"valueQuantity":{"value":6.30,"unit":"mmol/L"}}') as Observed;
    assert.deepEqual(labValueFromFhir(observed), { test_value: '6.30', test_unit: 'mmol/L' });
  });

  const long: readonly (readonly [Observed, string])[] = [
    [{ valueString: 'x'.repeat(256) }, 'Observation.value.ofType(string)'],
    [{ valueCodeableConcept: { text: '𠮷'.repeat(256) } }, 'Observation.value.ofType(CodeableConcept)'],
    [{ valueQuantity: { value: 1, unit: 'u'.repeat(51) } }, 'Observation.value.ofType(Quantity).unit'],
  ];
  for (const [observed, expression] of long) {
    it(`refuses a too long ${expression}`, () => {
      const result = labValueFromFhir(observed);
      assert.ok(isRefused(result));
      assert.deepEqual([result.refuse.code, result.refuse.expression], ['too-long', [expression]]);
    });
  }
  it('counts code points', () => {
    assert.deepEqual(labValueFromFhir({ valueString: '𠮷'.repeat(255) }), { test_value: '𠮷'.repeat(255), test_unit: null });
  });
});

describe('text → value[x] → text', () => {
  const piece = fc.constantFrom(
    '<',
    '>',
    '=',
    '≤',
    '≥',
    ' ',
    '-',
    '+',
    '.',
    ',',
    ':',
    '/',
    '0',
    '1',
    '40',
    '6.30',
    '1e3',
    'E-7',
    'H',
    'mg',
    'positive',
    'Not detected',
    '٣',
  );
  const nearGrammar = fc.array(piece, { minLength: 1, maxLength: 6 }).map((pieces) => pieces.join(''));
  const anything = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });
  const unit = fc.option(
    fc.oneof(
      fc.constantFrom('mg/dL', 'K/uL', 'K', 'mmHg', 'titer'),
      fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
    ),
  );
  it('is identical, through JSON, and gives exactly one value', () => {
    fc.assert(
      fc.property(fc.oneof(nearGrammar, nearGrammar, anything), unit, (text, unitText) => {
        fc.pre(text.trim() !== '' && unitText?.trim() !== '');
        const served = parseJson(json(labValueToFhir(text, unitText, env))) as Observed;
        assert.equal(Object.keys(served).filter((key) => key.startsWith('value')).length, 1);
        assert.deepEqual(labValueFromFhir(served), { test_value: text, test_unit: unitText });
      }),
      { numRuns: 5000 },
    );
  });
});
