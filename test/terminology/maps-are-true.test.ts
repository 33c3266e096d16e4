/** What our maps and extension definitions say is what the mappings render, row by row. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { mappings } from '../../mappings/index.ts';
import { isExtension } from '../../mappings/local-terms.ts';
import type { CodeMap, MapRow } from '../../mappings/terminology/declared.ts';
import { extensionDefinitions } from '../../mappings/terminology/extensions.ts';
import { declaredTerminology } from '../../mappings/terminology/index.ts';
import { loadTermTables } from '../../mappings/terms/term-table.ts';
import { leavesOf } from '../../src/explain/leaves.ts';
import { shapeOf } from '../../src/fhir/structure.ts';
import { type CompiledVariant, compileMapping } from '../../src/mapping/compile.ts';
import { isObject } from '../../src/mapping/lift.ts';
import type { Stored } from '../../src/mapping/types.ts';
import { anyStored } from '../support/generators/rows.ts';
import { readRow, testEnv } from '../support/lens.ts';

const terms = loadTermTables();
const env = { ...testEnv(terms), showDefaultAllergySeverity: true, appointmentMinutes: { consultation: 30 } };
const variants = mappings.map(compileMapping).flatMap((mapping) => mapping.variants);
const { codeMaps } = declaredTerminology(terms);

/** Where other columns must agree before the table speaks. */
const beside: Readonly<Record<string, Record<string, string | number | null>>> = {
  'medimax-interpretation': { is_abnormal: 1 },
  'medimax-test-name-loinc': { test_unit: null },
  'medimax-medication-status': { prescribed_date: '2020-01-01' },
};

/** Said by the vital signs mapping only where its profile fits, and by the grammar of doses and durations. */
const others = ['medimax-test-name-vital-signs', 'medimax-unit-ucum'];

for (const map of codeMaps.filter(({ id, direction }) => direction === 'read' && !others.includes(id))) {
  test(`${map.id} says what is rendered`, () => {
    const rows = map.rows.length > 40 ? map.rows.filter((_row, index) => index % 20 === 0) : map.rows;
    for (const row of rows) assert.ok(isRendered(map, row), `${row.from.code} → ${row.to.code}`);
  });
}

/** In some element of some variant; a text with several codes has the first of them. */
function isRendered(map: CodeMap, { from, to }: MapRow): boolean {
  const first = map.rows.find((row) => row.from.code === from.code);
  if (first?.to.code !== to.code) return true;
  return variants.some((variant) => {
    const stored = storedWith(variant, map, from.code);
    if (!stored) return false;
    return map.elements.some((element) => {
      if (!element.startsWith(`${variant.resourceType}.`)) return false;
      return leavesOf(readRow(variant, stored, env)).some(({ value }) => value === to.code);
    });
  });
}

function storedWith(variant: CompiledVariant, map: CodeMap, value: string): Stored | undefined {
  const { source } = variant.variant;
  const fixed = (table: string) =>
    Object.fromEntries(
      map.columns.filter((path) => path.startsWith(`${table}.`)).map((path) => [path.split('.')[1] ?? '', value]),
    );
  const [stored] = fc.sample(anyStored(source, { loose: false, checked: true }), { seed: 7, numRuns: 1 });
  const [own, above] = [fixed(source.table), fixed(source.parent?.table ?? '-')];
  if (!stored || Object.keys(own).length + Object.keys(above).length === 0) return undefined;
  if (source.where && source.where.column in own && own[source.where.column] !== source.where.value) return undefined;
  return {
    ...stored,
    row: { ...stored.row, ...beside[map.id], ...own },
    parent: stored.parent && { ...stored.parent, ...above },
  };
}

for (const variant of variants) {
  test(`${variant.resourceType}/${variant.name}: extensions stand where their definitions say`, () => {
    fc.assert(
      fc.property(anyStored(variant.variant.source), (stored) => {
        visit(readRow(variant, stored, env), variant.resourceType, variant.resourceType);
      }),
      { numRuns: 100, seed: 7 },
    );
  });
}

/** `path` of the element in the resource, `type` of what stands there. */
function visit(value: unknown, path: string, type: string): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, path, type);
    return;
  }
  if (!isObject(value)) return;
  for (const extension of Array.isArray(value['extension']) ? value['extension'] : []) check(extension, path, type);
  for (const [key, below] of Object.entries(value)) {
    if (key === 'extension') continue;
    const name = key.startsWith('_') ? key.slice(1) : key;
    const slot = shapeOf(type)?.slots.get(name);
    visit(below, `${path}.${slot?.element ?? name}`, slot?.type ?? '');
  }
}

function check(extension: unknown, path: string, type: string): void {
  if (!isObject(extension)) return;
  for (const [name, { context, type: valueType }] of Object.entries(extensionDefinitions)) {
    if (!isExtension(String(extension['url']), name as keyof typeof extensionDefinitions)) continue;
    assert.ok(context.includes(path) || context.includes(type), `${name} on ${path} (${type})`);
    const key = `value${valueType.charAt(0).toUpperCase()}${valueType.slice(1)}`;
    assert.deepEqual(Object.keys(extension).toSorted(), ['url', key]);
  }
}
