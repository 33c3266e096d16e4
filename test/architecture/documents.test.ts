/** Generated pages say what the code says, and every registered mapping is in step with its file, its tests and its generator. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { mappingPage } from '../../scripts/document-mapping.ts';
import { createGatewayRegistry } from '../../src/gateway.ts';
import { lawCases } from '../support/law-cases.ts';

const registry = createGatewayRegistry();

test('docs/mapping.md is what the mappings say', () => {
  assert.equal(readFileSync('docs/mapping.md', 'utf8'), mappingPage(registry), 'run npm run docs');
});

test('every registered mapping has its file, its tests and its generator of resources', () => {
  for (const { resourceType, variants } of registry.mappings) {
    const file = resourceType.replaceAll(/(?<!^)[A-Z]/g, (letter) => `-${letter}`).toLowerCase();
    assert.ok(existsSync(`mappings/${file}.ts`), `mappings/${file}.ts`);
    assert.ok(globSync(`test/mappings/**/${file}*.test.ts`).length > 0, `test/mappings/${file}.test.ts`);
    for (const { name } of variants)
      assert.ok(lawCases[`${resourceType}/${name}`], `${resourceType}/${name} in test/support/law-cases.ts`);
  }
});

test('every link between our pages leads somewhere', () => {
  const broken: string[] = [];
  for (const page of [...globSync('*.md'), ...globSync('docs/**/*.md'), ...globSync('mappings/**/*.md')]) {
    for (const [, target = ''] of readFileSync(page, 'utf8').matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      if (!existsSync(join(dirname(page), target))) broken.push(`${page} → ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});
