/** The direction of imports: lower layers never know higher ones, and each outside library has one folder that may use it. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';

/** From the bottom up; the first prefix that fits a file is its layer. A file may import from its own layer and from those below. */
const layers: readonly (readonly string[])[] = [
  ['src/fhir/', 'src/plain-error.ts', 'src/log.ts', 'src/software.ts', 'src/config', 'src/free-port.ts'],
  ['src/mapping/'],
  ['mappings/'],
  ['src/db/', 'src/search/', 'src/terminology/', 'src/explain/', 'src/cache/', 'src/local/', 'migrations/'],
  ['src/interaction/', 'src/import/'],
  ['src/http/', 'src/listen.ts'],
  ['src/gateway.ts', 'src/assemble.ts', 'src/main.ts', 'src/worker.ts', 'src/import-thread.ts', 'src/cli/', 'knexfile.ts'],
];

/** Libraries and the only places that may import them. */
const owners: Readonly<Record<string, readonly string[]>> = {
  express: ['src/http/'],
  knex: ['src/db/', 'migrations/', 'knexfile.ts'],
  mysql2: ['src/db/', 'src/local/'],
  'mysql2/promise': ['src/db/', 'src/local/'],
  ioredis: ['src/cache/', 'src/import/'],
  bullmq: ['src/import/'],
  ajv: ['src/fhir/'],
};

const files = [...globSync('src/**/*.ts'), ...globSync('mappings/**/*.ts'), ...globSync('migrations/*.ts'), 'knexfile.ts'].map(
  (file) => normalize(file),
);

const importsOf = new Map(
  files.map((file) => [
    file,
    [...readFileSync(file, 'utf8').matchAll(/^(?:import|export)[^'"]*?from '([^']+)'|^import '([^']+)'/gm)].map(
      (match) => match[1] ?? match[2] ?? '',
    ),
  ]),
);

function layerOf(file: string): number {
  return layers.findIndex((prefixes) => prefixes.some((prefix) => file.startsWith(prefix)));
}

function local(from: string, specifier: string): string {
  return normalize(join(dirname(from), specifier));
}

test('every file belongs to a layer', () => {
  assert.deepEqual(
    files.filter((file) => layerOf(file) < 0),
    [],
  );
});

test('no file imports from a layer above its own', () => {
  const wrong: string[] = [];
  for (const [file, specifiers] of importsOf) {
    for (const specifier of specifiers.filter((one) => one.startsWith('.') && one.endsWith('.ts'))) {
      const target = local(file, specifier);
      if (layerOf(target) > layerOf(file)) wrong.push(`${file} → ${target}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('an outside library is imported only where it belongs', () => {
  const wrong: string[] = [];
  for (const [file, specifiers] of importsOf) {
    for (const specifier of specifiers) {
      const allowed = owners[specifier];
      if (allowed && !allowed.some((prefix) => file.startsWith(prefix))) wrong.push(`${file} → ${specifier}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test('mappings and interactions never see SQL, the repository never names a FHIR element', () => {
  const sql = /\b(SELECT|INSERT INTO|UPDATE|DELETE FROM)\s+[`\w]/;
  const speaking = files.filter(
    (file) =>
      /^(mappings|src\/interaction|src\/http|src\/fhir|src\/mapping)\//.test(file) && sql.test(readFileSync(file, 'utf8')),
  );
  assert.deepEqual(speaking, []);
});

test('there is no cycle of imports', () => {
  const state = new Map<string, 'open' | 'done'>();
  const cycles: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      cycles.push([...path.slice(path.indexOf(file)), file].join(' → '));
      return;
    }
    state.set(file, 'open');
    for (const specifier of importsOf.get(file) ?? []) {
      if (specifier.startsWith('.') && specifier.endsWith('.ts')) visit(local(file, specifier), [...path, file]);
    }
    state.set(file, 'done');
  };
  for (const file of files) visit(file, []);
  assert.deepEqual(cycles, []);
});
