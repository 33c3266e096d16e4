/** The laws a mapping keeps by itself, checked without a database: nothing lost, reading changes nothing, MediMax wins. */
import assert from 'node:assert/strict';
import { sameJson, stringifyJson } from '../../src/fhir/json.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import { validate } from '../../src/fhir/validate.ts';
import type { CompiledVariant } from '../../src/mapping/compile.ts';
import { isObject, type JsonObject } from '../../src/mapping/lift.ts';
import { mergeInto } from '../../src/mapping/paths.ts';
import { planColumns } from '../../src/mapping/plan.ts';
import { complement, liftedContentOf, renderContent, renderLifted } from '../../src/mapping/render.ts';
import type { Columns, ColumnValue, Env, Stored } from '../../src/mapping/types.ts';
import { writeResource } from './lens.ts';

/** What came of a write; a refusal must be 422 and name the element. */
export function written(variant: CompiledVariant, resource: JsonObject, env: Env): ReturnType<typeof writeResource> | null {
  try {
    return writeResource(variant, resource, env);
  } catch (fault) {
    if (!(fault instanceof FhirError)) throw fault;
    assert.equal(fault.kind, 'unprocessable');
    for (const issue of fault.issues.filter(({ severity }) => severity === 'error')) assert.ok(issue.expression?.[0], issue.text);
    return null;
  }
}

/** Law 1: what was accepted comes back the same. */
export function nothingIsLost(resource: JsonObject, read: JsonObject): void {
  if (sameJson(resource, read)) return;
  assert.fail(`sent ${stringifyJson(sorted(resource))}\nread ${stringifyJson(sorted(read))}`);
}

/** Law 2: sending back what was read plans no columns, and reads the same again. */
export function readingChangesNothing(variant: CompiledVariant, stored: Stored, read: JsonObject, env: Env): void {
  const lifted = liftedContentOf(variant, read, env);
  const plan = planColumns({
    variant,
    resource: read,
    lifted,
    current: { stored, lifted },
    env,
    timestamp: '2026-11-23 10:00:00',
    resolve: () => 1,
  });
  assert.deepEqual({ row: plan.row, parent: plan.parent, children: plan.children }, { row: {}, parent: null, children: null });
  const kept = complement(variant, lifted, stored, env);
  const again = renderLifted(variant, stored, kept.overlay, kept.refined, env);
  assert.ok(sameJson(lifted, liftedContentOf(variant, again, env)) || sameJson(lifted, again), 'reads differently');
}

/** The rows with one column changed, by where it is: `status`, `parent.lab_date`. */
export function withColumn(stored: Stored, column: string, value: ColumnValue): Stored {
  if (column.startsWith('parent.')) return { ...stored, parent: { ...stored.parent, [column.slice(7)]: value } as Columns };
  return { ...stored, row: { ...stored.row, [column]: value } };
}

/** Law 3: pairs of the changed column say what their columns say, all others what they said before. */
export function medimaxWins(
  variant: CompiledVariant,
  sent: ReturnType<typeof writeResource>,
  column: string,
  value: ColumnValue,
  env: Env,
): void {
  const changed = withColumn(sent.stored, column, value);
  if (sameJson(changed, sent.stored)) return;
  const expected: JsonObject = {};
  for (const { pair, name, reads } of variant.pairs) {
    const columns = [...reads.row, ...reads.parent.map((one) => `parent.${one}`), ...reads.child.map((one) => `child.${one}`)];
    const refinement = columns.includes(column) ? undefined : sent.overlay?.refined[name]?.el;
    mergeInto(expected, refinement ?? { ...pair.toFhir(changed, env) });
  }
  if (sent.overlay) mergeInto(expected, sent.overlay.rest);
  const after = renderLifted(variant, changed, sent.overlay, sent.refined, env);
  assertValid({ resourceType: variant.resourceType, ...renderContent(variant, changed, sent.overlay, sent.refined, env) });
  assert.ok(sameJson(after, expected), `${column}: ${stringifyJson(after)}\n${stringifyJson(expected)}`);
}

export function assertValid(resource: JsonObject): void {
  const faults = validate(resource, String(resource['resourceType'])).filter(({ severity }) => severity === 'error');
  assert.deepEqual(
    faults.map(({ text }) => text),
    [],
    stringifyJson(resource).slice(0, 2_000),
  );
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value) || JSON.isRawJSON(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}
