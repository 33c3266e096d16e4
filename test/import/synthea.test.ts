/**
 * A hundred synthetic patients, as another system exports them: every line accounted for, nothing twice, read back as they were sent.
 * A few of them in the suite; all with `npm run hunt:synthea-import`.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createReadStream, existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { isJsonObject, sameJson } from '../../src/fhir/json.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import { type ImportGateway, startImportGateway, summary } from './support.ts';

const archive = join('..', 'shared', 'data', 'synthea-100-patients.tar.xz');
const all = process.env['HUNT'] === 'synthea-import';
const skip = existsSync(archive) ? false : `${archive} is not there`;

/** What the whole archive must come to. */
const expected: Readonly<Record<string, number>> = {
  Patient: 100,
  Observation: 16_315,
  Condition: 639,
  Procedure: 2351,
  DiagnosticReport: 897,
  AllergyIntolerance: 38,
};

test('Synthea: every line accounted for, again unchanged, read back equal', { skip }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'synthea-'));
  const given = await startImportGateway();
  try {
    execFileSync('tar', ['-xJf', archive, '-C', folder]);
    const found = globSync('*.json', { cwd: folder }).sort();
    const files = all ? found : found.filter((name) => /^[A-D]/.test(name)).slice(0, 6);
    const sent = files.flatMap((name) => resourcesOf(join(folder, name)));
    const byType = Map.groupBy(sent, (resource) => String(resource['resourceType']));
    const first = await summary(given, await importFiles(given, folder, files));
    for (const [type, resources] of byType) {
      const served = given.gateway.registry.get(type) !== undefined;
      assert.deepEqual([type, first[type]], [type, { [served ? 'created' : 'no-table']: resources.length }]);
      if (all && expected[type] !== undefined) assert.equal(resources.length, expected[type]);
    }
    assert.equal(Object.keys(first).length, byType.size);

    const before = await checksums(given);
    const second = await summary(given, await importFiles(given, folder, files));
    for (const [type, counts] of Object.entries(first)) {
      const same = counts['created'] === undefined ? counts : { unchanged: counts['created'] };
      assert.deepEqual([type, second[type]], [type, same]);
    }
    assert.deepEqual(await checksums(given), before);
    await readBack(given, sent);
  } finally {
    await given.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

async function importFiles(given: ImportGateway, folder: string, files: readonly string[]) {
  const incoming = files.map((name) => ({
    name: basename(name),
    kind: 'bundle' as const,
    stream: createReadStream(join(folder, name)),
  }));
  const job = await given.desk.receive({ source: 'synthea', dryRun: false }, incoming);
  await given.run(job);
  return job;
}

function resourcesOf(path: string): JsonObject[] {
  const json = JSON.parse(readFileSync(path, 'utf8'));
  return json.resourceType === 'Bundle' ? json.entry.map(({ resource }: { resource: JsonObject }) => resource) : [json];
}

/** Of MediMax's tables and the books: rows and content. */
async function checksums(given: ImportGateway) {
  const tables = [...Object.keys(await given.tables())];
  const rows = await given.desk.parts.store.session.once(`CHECKSUM TABLE ${tables.join(', ')}`, []);
  return rows.map(([table, sum]) => [String(table).replace(/^.*\./, ''), sum]);
}

/** Two hundred of them, evenly taken, equal but for ids, references and what the server adds. */
async function readBack({ gateway }: ImportGateway, sent: readonly JsonObject[]): Promise<void> {
  const served = sent.filter((resource) => gateway.registry.get(String(resource['resourceType'])));
  const step = Math.max(1, Math.floor(served.length / 200));
  let compared = 0;
  for (let at = 0; at < served.length; at += step) {
    const resource = served[at];
    assert.ok(resource);
    const type = String(resource['resourceType']);
    const record = await gateway.repository.read(type, `synthea.${resource['id']}`);
    assert.ok(record, `${type}/synthea.${resource['id']} is not there`);
    const read = gateway.repository.render(record);
    const identifiers = Array.isArray(read['identifier'])
      ? { identifier: read['identifier'].filter(({ system }) => system !== gateway.config.clinic.identifierSystem) }
      : {};
    const plain = JSON.parse(JSON.stringify({ ...read, ...identifiers, meta: resource['meta'] }));
    const [a, b] = [withoutReferences(plain), withoutReferences(resource)];
    if (!sameJson(a, b)) assert.deepEqual(a, b);
    compared += 1;
  }
  assert.ok(compared >= Math.min(200, served.length));
}

function withoutReferences(value: unknown, depth = 0): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutReferences(item, depth + 1));
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, item]) => item !== undefined && !(key === 'id' && depth === 0))
      .map(([key, item]) => [key, key === 'reference' ? '' : withoutReferences(item, depth + 1)]),
  );
}
