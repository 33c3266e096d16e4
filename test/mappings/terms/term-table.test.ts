import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { plausibleCode } from '../../../mappings/terms/check-digits.ts';
import { fold } from '../../../mappings/terms/fold.ts';
import { loadTermTables } from '../../../mappings/terms/term-table.ts';

const terms = loadTermTables();
const loinc = 'http://loinc.org';

describe('lookup', () => {
  const tests: readonly (readonly [string, string | undefined, string | null])[] = [
    ['Hemoglobin', '718-7', null],
    ['HGB', '718-7', 'g/dL'],
    ['Hémoglobin  ', '718-7', null],
    ['HbA1c', '4548-4', '%'],
    ['HbA1c', '59261-8', 'mmol/mol'],
    ['WBC', '6690-2', 'K/uL'],
    ['Glucose (fasting)', '1558-6', 'mg/dL'],
    ['Glucose', '2345-7', null],
    ['Glucose', '2345-7', 'mg/dL'],
    ['Glucose', '14749-6', 'mmol/L'],
    ['Glucose', undefined, '%'],
    ['Glucose', '2345-7', 'blobs'],
    ['TSH', '3016-3', 'mIU/L'],
    ['Neutrophils', '770-8', '%'],
    ['Neutrophils', '751-8', '10^9/L'],
    [' Glucose', undefined, null],
    ['Gluc ose', undefined, null],
    ['', undefined, null],
  ];
  for (const [text, code, unit] of tests) {
    it(`${JSON.stringify(text)} in ${unit} is ${code}`, () => assert.equal(terms.tests.coding(text, unit)?.code, code));
  }
  it('gives system, code and display', () => {
    assert.deepEqual(terms.medicines.coding('metformin'), {
      system: 'http://www.nlm.nih.gov/research/umls/rxnorm',
      code: '6809',
      display: 'metformin',
    });
  });
  const others = [
    [terms.medicines.coding('Lisinopril'), '29046'],
    [terms.medicines.coding('Paracetamol'), '161'],
    [terms.findings.coding('HYPERTENSION'), '38341003'],
    [terms.findings.coding('Type 2 diabetes mellitus'), '44054006'],
    [terms.severity.coding('critical'), '442452003'],
    [terms.onset.coding('sudden'), '385315009'],
    [terms.results.coding('Not Detected'), '260415000'],
    [terms.lifestyle.coding('Smoking'), '72166-2'],
    [terms.noKnownAllergy.coding('nkda'), '716186003'],
    [terms.vitalSigns.coding('Heart Rate', 'bpm'), '8867-4'],
    [terms.reportCategories.loinc.coding('Radiology'), 'LP29684-5'],
    [terms.reportCategories.service.coding('Radiology'), 'RAD'],
    [terms.findings.coding('Anxiety'), undefined],
    [terms.medicines.coding('Metformin 500 mg'), undefined],
    [terms.medicines.coding(null), undefined],
  ] as const;
  for (const [coding, code] of others) it(`${code}`, () => assert.equal(coding?.code, code));
});

describe('reverse, for search', () => {
  it('gives every text of a code', () => {
    assert.deepEqual(terms.tests.texts(loinc, '718-7'), ['Hemoglobin', 'Haemoglobin', 'Hgb', 'Hb']);
    assert.deepEqual(terms.tests.texts(undefined, '718-7'), terms.tests.texts(loinc, '718-7'));
    assert.deepEqual(terms.tests.texts('http://snomed.info/sct', '718-7'), []);
    assert.deepEqual(terms.tests.texts(loinc, '0-0'), []);
  });
  it('finds exactly the rows whose text and unit give the code', () => {
    const units = [
      null,
      '',
      ...terms.units.texts('mg/dL'),
      'MG/DL',
      'mmol/L',
      'MMOL/L',
      '%',
      'g/L',
      'G/L',
      'K',
      'blobs',
      'µg/L',
      'seconds',
      'mmol/mol',
      'K/uL',
    ];
    for (const { text, code, system } of terms.tests.entries) {
      for (const unit of units) {
        const served = terms.tests.coding(text, unit)?.code === code;
        const equals = (other: string) => unit !== null && fold(other) === fold(unit);
        const found = terms.tests
          .matches(system, code)
          .filter((match) => fold(match.text) === fold(text))
          .some(({ unitIn, unitNotIn }) => (unitIn ? unitIn.some(equals) : !unitNotIn?.some(equals)));
        assert.equal(found, served, `${text} in ${unit} as ${code}`);
      }
    }
  });
});

describe('units', () => {
  const { units } = terms;
  it('reads what laboratories write', () => {
    const written = [
      'K/uL',
      'x10^3/µL',
      'mcg',
      'mmHg',
      'IU/L',
      'mIU/L',
      'MG/DL',
      'mg/dl',
      '10^9/L',
      'mEq/L',
      'mL/min/1.73m2',
      '°C',
      'sec',
      'bpm',
      '/hpf',
      'U/L',
      'cells/uL',
    ];
    const codes = [
      '10*3/uL',
      '10*3/uL',
      'ug',
      'mm[Hg]',
      '[IU]/L',
      'm[IU]/L',
      'mg/dL',
      'mg/dL',
      '10*9/L',
      'meq/L',
      'mL/min/{1.73_m2}',
      'Cel',
      's',
      '/min',
      '/[HPF]',
      'U/L',
      '{cells}/uL',
    ];
    assert.deepEqual(
      written.map((text) => units.code(text)),
      codes,
    );
  });
  it('says nothing where letters may mean something else', () => {
    assert.deepEqual(
      ['K', 'k', 'U', 'M', 'G/L', 'MIU/L', 'PA', 'm/uL', '', null].map((text) => units.code(text)),
      Array(10).fill(undefined),
    );
  });
  it('converts within a dimension only', () => {
    assert.deepEqual(units.toCanonical('g/dL'), { code: 'g/L', factor: 10 });
    assert.deepEqual(units.toCanonical('10*3/uL'), { code: '10*9/L', factor: 1 });
    assert.equal(units.dimension('K'), 'temperature');
    assert.notEqual(units.dimension('K'), units.dimension('10*3/uL'));
    assert.equal(units.toCanonical('Cel'), undefined);
    assert.equal(units.dimension('nonsense'), undefined);
    assert.notEqual(units.dimension('mmol/L'), units.dimension('mg/dL'));
    assert.notEqual(units.dimension('[IU]/L'), units.dimension('U/L'));
  });
});

describe('check digits', () => {
  const good = [
    [loinc, '718-7'],
    [loinc, '4548-4'],
    [loinc, 'LP29684-5'],
    ['http://snomed.info/sct', '38341003'],
    ['urn:x', 'any'],
  ] as const;
  const bad = [
    [loinc, '718-8'],
    [loinc, '30934-9'],
    [loinc, 'x'],
    ['http://snomed.info/sct', '38341004'],
    ['http://snomed.info/sct', '83341003'],
  ] as const;
  for (const [system, code] of good) it(`${code} is possible`, () => assert.ok(plausibleCode(system, code)));
  for (const [system, code] of bad) it(`${code} is not`, () => assert.ok(!plausibleCode(system, code)));
});

describe("a site's overrides", () => {
  const directory = mkdtempSync(join(tmpdir(), 'terms-'));
  after(() => rmSync(directory, { recursive: true }));
  const write = (name: string, content: unknown) => writeFileSync(join(directory, name), JSON.stringify(content));
  const head = { version: '7', source: 'St. Example' };
  const loadWith = (name: string, content: unknown) => {
    write(name, content);
    try {
      return loadTermTables(directory);
    } finally {
      rmSync(join(directory, name));
    }
  };

  it('win, add and remove', () => {
    const entries = {
      'HGB-X': { code: '718-7', display: 'Hemoglobin [Mass/volume] in Blood', measures: 'mass/volume' },
      glucose: { code: '2339-0', display: 'Glucose [Mass/volume] in Blood' },
      PT: null,
    };
    const { tests } = loadWith('loinc-tests.json', { ...head, entries });
    assert.equal(tests.coding('hgb-x')?.code, '718-7');
    assert.equal(tests.coding('Glucose', 'mmol/L')?.code, '2339-0');
    assert.equal(tests.coding('PT'), undefined);
    assert.equal(tests.coding('TSH')?.code, '3016-3');
    assert.ok(tests.texts(loinc, '718-7').includes('HGB-X'));
    assert.ok(!tests.texts(loinc, '2345-7').includes('Glucose'));
    assert.equal(tests.version, `${terms.tests.version}+site-7`);
  });
  it('work for units and groups', () => {
    const { units } = loadWith('ucum-units.json', { ...head, entries: { THSD: '10*3/uL', 'mg/dL': null } });
    assert.deepEqual([units.code('THSD'), units.code('mg/dL'), units.code('K/uL')], ['10*3/uL', undefined, '10*3/uL']);
    const groups = { results: { entries: { pos: { code: '10828004', display: 'Positive' } } } };
    assert.equal(loadWith('qualifiers.json', { ...head, groups }).results.coding('POS')?.code, '10828004');
  });

  const faults: readonly (readonly [string, unknown, RegExp])[] = [
    [
      'loinc-tests.json',
      { ...head, entries: { X: { code: '718-8', display: 'x' } } },
      /loinc-tests\.json: entries\."X"\.code 718-8 .*check digit/,
    ],
    ['loinc-tests.json', { ...head, entries: { X: { code: '718-7' } } }, /entries\."X"\.display must be text/],
    ['loinc-tests.json', { ...head, entries: { ' X': null } }, /must be text without spaces around it/],
    ['loinc-tests.json', { ...head, entries: { X: { code: '718-7', display: 'x', measures: 'joy' } } }, /measures "joy"/],
    ['loinc-tests.json', { ...head, entries: [] }, /entries must be an object/],
    ['loinc-tests.json', { entries: {} }, /source must be text/],
    ['ucum-units.json', { ...head, entries: { X: 'furlong' } }, /maps to furlong/],
    ['qualifiers.json', { ...head, groups: { joy: {} } }, /unknown group "joy"/],
  ];
  for (const [name, content, message] of faults)
    it(`are refused: ${message.source}`, () => assert.throws(() => loadWith(name, content), message));
  it('that are not JSON are refused by name', () => {
    writeFileSync(join(directory, 'ucum-units.json'), '{');
    assert.throws(() => loadTermTables(directory), /ucum-units\.json: is not JSON/);
    rmSync(join(directory, 'ucum-units.json'));
  });
  it('that are absent change nothing', () => assert.equal(loadTermTables(directory).tests.version, terms.tests.version));
});

describe('files', () => {
  const folder = new URL('../../../mappings/terms/', import.meta.url);
  it('are all described in the README', () => {
    const readme = readFileSync(new URL('README.md', folder), 'utf8');
    for (const name of readdirSync(folder).filter((file) => file.endsWith('.json')))
      assert.ok(readme.includes(`\`${name}\``), name);
  });
});
