/** Explanations are true: whatever they say decides an element does, and the overlay is told from the columns. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { familyMemberHistory } from '../../mappings/family-member-history.ts';
import { mappings } from '../../mappings/index.ts';
import { patient } from '../../mappings/patient.ts';
import { declaredTerminology } from '../../mappings/terminology/index.ts';
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import { explain } from '../../src/explain/explain.ts';
import { leavesOf } from '../../src/explain/leaves.ts';
import { ownersOf } from '../../src/explain/owners.ts';
import { parseJson, sameJson, stringifyJson } from '../../src/fhir/json.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import { compileMapping } from '../../src/mapping/compile.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import { renderContent } from '../../src/mapping/render.ts';
import { lawCases } from '../support/law-cases.ts';
import { testEnv, variantOf, writeResource } from '../support/lens.ts';

const terms = loadTermTables();
const env = testEnv(terms);
const { codeMaps } = declaredTerminology(terms);

const write = (resource: JsonObject) => {
  const written = writeResource(variantOf(patient), resource, env);
  return { variant: variantOf(patient), stored: written.stored, overlay: written.overlay, refined: written.refined };
};

test('each element of a Patient has its origin, each column its readers', () => {
  const explained = write({
    resourceType: 'Patient',
    name: [{ text: 'Ada Lovelace', family: 'Lovelace', given: ['Ada'] }],
    gender: 'unknown',
    birthDate: '1915-12',
    telecom: [{ system: 'phone', value: '1' }],
  });
  const { elements, columns } = explain(explained, env, codeMaps);
  const of = (path: string) => elements.find((element) => element.path === path);
  assert.deepEqual(of('Patient.name[0].text')?.from, 'columns');
  assert.deepEqual(of('Patient.name[0].text')?.columns, [{ table: 'Patient', column: 'name', key: 1 }]);
  assert.deepEqual(of('Patient.gender'), {
    path: 'Patient.gender',
    value: 'unknown',
    from: 'overlay',
    pair: 'gender',
    columns: [{ table: 'Patient', column: 'sex', key: 1 }],
  });
  assert.equal(of('Patient.birthDate')?.from, 'overlay');
  assert.deepEqual(of('Patient.telecom[0].value'), {
    path: 'Patient.telecom[0].value',
    value: '1',
    from: 'overlay',
    pair: null,
    columns: [],
  });
  assert.equal(of('Patient.identifier[0].system')?.from, 'mapping');
  assert.deepEqual(of('Patient.identifier[0].value')?.columns, [{ table: 'Patient', column: 'patient_id', key: 1 }]);
  const sex = columns.find(({ column }) => column === 'sex');
  assert.deepEqual([sex?.says, sex?.ends, sex?.writtenBy, sex?.role], [[], ['Patient.gender'], ['Patient.gender'], 'content']);
  assert.equal(columns.find(({ column }) => column === 'created_at')?.role, 'not shown');
});

test('a code names the row of its code table', () => {
  const { elements } = explain(write({ resourceType: 'Patient', name: [{ text: 'A' }], gender: 'female' }), env, codeMaps);
  const gender = elements.find(({ path }) => path === 'Patient.gender');
  assert.deepEqual(gender?.codeMap, { id: 'medimax-sex-gender', from: 'Female', to: 'female' });
});

test('of a list, what MediMax changed is told from what the client said', () => {
  const variant = variantOf(familyMemberHistory);
  const named = (text: string) => ({ code: { text }, outcome: { text: 'well' } });
  const written = writeResource(
    variant,
    {
      resourceType: 'FamilyMemberHistory',
      status: 'partial',
      patient: { reference: 'Patient/pt-1' },
      relationship: { text: 'aunt' },
      condition: [named('Bad luck'), named('Worse luck'), named('Gout')],
    },
    env,
  );
  const [first, ...others] = written.stored.children;
  assert.ok(first);
  const stored = { ...written.stored, children: [{ ...first, row: { ...first.row, history_item: 'Luck' } }, ...others] };
  const explained = { variant, stored, overlay: written.overlay, refined: written.refined };
  const { elements } = explain(explained, env, codeMaps);
  const of = (path: string) => {
    const found = elements.find((element) => element.path === `FamilyMemberHistory.condition${path}`);
    return found && [found.value, found.from, ...found.columns.map(({ column, key }) => `${column} ${key}`)];
  };
  assert.deepEqual(of('[1].code.text'), ['Luck', 'columns', 'history_item 1']);
  assert.deepEqual(of('[1].outcome.text'), ['well', 'overlay']);
  assert.deepEqual(of('[2].code.text'), ['Gout', 'columns', 'history_item 2']);
  assert.equal(of('[2].code.coding[0].code'), undefined);
  const content = renderContent(variant, stored, written.overlay, written.refined, env);
  assert.deepEqual(ownersOf(variant, stored, written.overlay, written.refined, env).content, content);
});

for (const compiled of mappings.map(compileMapping)) {
  for (const variant of compiled.variants) {
    const lawCase = lawCases[`${variant.resourceType}/${variant.name}`];
    if (!lawCase) continue;
    test(`${variant.resourceType}/${variant.name}: every leaf has exactly one origin, and its content is what is served`, () => {
      fc.assert(
        fc.property(lawCase.resources('pt-1', 'ap-1'), (resource) => {
          const sent = parseJson(stringifyJson(resource)) as JsonObject;
          let written: ReturnType<typeof writeResource>;
          try {
            written = writeResource(variant, sent, env);
          } catch (refused) {
            assert.ok(refused instanceof FhirError);
            return;
          }
          const explained = { variant, stored: written.stored, overlay: written.overlay, refined: written.refined };
          const { content } = ownersOf(variant, written.stored, written.overlay, written.refined, env);
          assert.ok(sameJson(content, renderContent(variant, written.stored, written.overlay, written.refined, env)));
          const { elements, columns } = explain(explained, env, codeMaps);
          assert.equal(elements.length, leavesOf(content).length);
          for (const { from, columns: of } of elements) assert.equal(from === 'columns', of.length > 0 && from !== 'overlay');
          const said = new Set(elements.filter(({ from }) => from === 'columns').map(({ path }) => path));
          const told = new Set(columns.flatMap(({ says }) => says));
          assert.deepEqual([...told].toSorted(), [...said].toSorted());
        }),
        { numRuns: 40 },
      );
    });
  }
}
