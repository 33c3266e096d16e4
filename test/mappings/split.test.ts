/** Splitting a lifted resource among its pairs in one pass is picking with each of them, and omitting with all. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mappings } from '../../mappings/index.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import { splitter } from '../../src/mapping/paths.ts';
import { createRegistry } from '../../src/mapping/registry.ts';

const registry = createRegistry(mappings, []);
const variants = registry.resourceTypes.flatMap((type) => registry.get(type)?.all ?? []);

test('a split is every pick, and all that is left', () => {
  const value = fc.oneof(
    fc.string(),
    fc.constant(undefined),
    fc.dictionary(fc.constantFrom('status', '_status', 'actor', 'end'), fc.string()),
  );
  for (const variant of variants) {
    const paths = variant.pairs.flatMap(({ pair }) => pair.elements);
    const keys = ['language', '_language', 'toString', ...paths.flatMap(keysOf)];
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...keys), value), (lifted) => {
        const sets = variant.pairs.map((pair) => pair.paths);
        const { parts, rest } = splitter(sets)(lifted);
        assert.deepEqual(
          parts,
          sets.map((set) => set.pick(lifted)),
        );
        assert.deepEqual(
          rest,
          sets.reduce<JsonObject>((left, set) => set.omit(left), lifted),
        );
      }),
      { numRuns: 50 },
    );
  }
});

/** A path as keys that it owns, and some that it does not. */
function keysOf(path: string): string[] {
  const key = path.replace(/\..*$/, '').replace(/\[x\]$/, '');
  return [key, `_${key}`, `${key}String`, `${key}x`];
}
