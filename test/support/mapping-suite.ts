/** The laws a mapping keeps by itself, as node:test cases over random rows and random resources. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { sameJson, stringifyJson } from '../../src/fhir/json.ts';
import { validate } from '../../src/fhir/validate.ts';
import type { CompiledVariant } from '../../src/mapping/compile.ts';
import { isObject, type JsonObject } from '../../src/mapping/lift.ts';
import { renderContent } from '../../src/mapping/render.ts';
import { tables } from '../../src/mapping/tables.ts';
import type { ColumnValue, Env } from '../../src/mapping/types.ts';
import { anyStored, anyValue } from './generators/rows.ts';
import { readRow } from './lens.ts';
import { medimaxWins, nothingIsLost, readingChangesNothing, withColumn, written } from './mapping-laws.ts';

export interface LawSuite {
  readonly variant: CompiledVariant;
  readonly env: Env;
  readonly resources: fc.Arbitrary<JsonObject>;
  /** Invariants of this type that the JSON schema does not know. */
  readonly invariants?: (resource: JsonObject) => void;
  /** At least this share of the resources is accepted, of 1; a generator whose resources are all refused tests nothing. */
  readonly acceptedMin: number;
  /** Takes out what the server says on its own, before a comparison with what was sent. */
  readonly ignore?: (resource: JsonObject) => JsonObject;
}

/** Cases a law; the long hunt sets more. */
const runs = Number(process.env['LAW_RUNS'] ?? 300);

/** Laws 1, 2, 3 and 5 without a database. */
export function mappingLaws(suite: LawSuite): void {
  const { variant, env, resources, invariants, acceptedMin, ignore = (resource) => resource } = suite;
  const assertValid = (resource: JsonObject) => {
    const errors = validate(resource, variant.resourceType).filter(({ severity }) => severity === 'error');
    assert.deepEqual(errors, [], stringifyJson(resource));
    assertContainedReferredTo(resource);
    invariants?.(resource);
  };

  test(`${variant.name}: random resources are themselves valid`, () => {
    fc.assert(fc.property(resources, assertValid), { numRuns: runs });
  });

  test(`${variant.name}, law 1: what is accepted comes back the same`, () => {
    let accepted = 0;
    fc.assert(
      fc.property(resources, (resource) => {
        const sent = written(variant, resource, env);
        if (!sent) return;
        accepted++;
        nothingIsLost(resource, ignore(sent.read()));
      }),
      { numRuns: runs },
    );
    assert.ok(accepted >= runs * acceptedMin, `only ${accepted} of ${runs} were accepted`);
  });

  test(`${variant.name}, law 2: sending back what was read changes nothing`, () => {
    fc.assert(
      fc.property(resources, (resource) => {
        const sent = written(variant, resource, env);
        if (sent) readingChangesNothing(variant, sent.stored, sent.read(), env);
      }),
      { numRuns: runs },
    );
    fc.assert(
      fc.property(anyStored(variant.variant.source), (stored) =>
        readingChangesNothing(variant, stored, readRow(variant, stored, env), env),
      ),
      { numRuns: runs },
    );
  });

  test(`${variant.name}, law 3: MediMax's change shows, and only it; the resource stays valid`, () => {
    fc.assert(
      fc.property(resources, anyChange(variant), (resource, [column, value]) => {
        const sent = written(variant, resource, env);
        if (!sent) return;
        medimaxWins(variant, sent, column, value, env);
        const after = renderContent(variant, withColumn(sent.stored, column, value), sent.overlay, sent.refined, env);
        assertValid({ resourceType: variant.resourceType, ...after });
      }),
      { numRuns: runs * 2 },
    );
  });

  test(`${variant.name}, law 5: every row is shown, valid`, () => {
    fc.assert(
      fc.property(anyStored(variant.variant.source), (stored) => {
        const resource = readRow(variant, stored, env);
        assertValid(resource);
        assert.ok(sameJson(resource, readRow(variant, stored, env)));
      }),
      { numRuns: runs * 2 },
    );
  });
}

/** One column of the row and a value that MediMax might give it. */
function anyChange({ variant: { source } }: CompiledVariant): fc.Arbitrary<readonly [string, ColumnValue]> {
  const { columns, key } = tables[source.table];
  const changeable = Object.entries(columns).filter(
    ([name, column]) => ![key, source.where?.column, 'patient_id'].includes(name) && column.type !== 'timestamp',
  );
  return fc
    .constantFrom(...changeable)
    .chain(([name, column]) => anyValue(column).map((value): readonly [string, ColumnValue] => [name, value]));
}

/** dom-3 and its other half: each contained resource is referred to, each local reference leads to one. */
function assertContainedReferredTo(resource: JsonObject): void {
  const contained = Array.isArray(resource['contained']) ? resource['contained'].filter(isObject) : [];
  const ids = contained.map((one) => `#${one['id']}`);
  const references = new Set(
    stringifyJson(resource)
      .match(/"reference":"#[^"]*"/g)
      ?.map((one) => one.slice(13, -1)),
  );
  assert.equal(new Set(ids).size, ids.length, 'two contained resources with one id');
  for (const id of ids) assert.ok(references.has(id), `contained ${id} is not referred to`);
  for (const reference of references) assert.ok(ids.includes(reference), `${reference} leads nowhere`);
}
