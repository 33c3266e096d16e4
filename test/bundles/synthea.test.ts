/** Whole charts of synthetic patients, each one transaction: every reference resolves, every resource is read back as it was sent. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { reduceSynthea } from '../../scripts/reduce-synthea.ts';
import { parseJson, sameJson, stringifyJson } from '../../src/fhir/json.ts';
import { forEachReference, parseReference } from '../../src/fhir/references.ts';
import { createGatewayRegistry } from '../../src/gateway.ts';
import { isObject, type JsonObject } from '../../src/mapping/lift.ts';
import { type ListeningGateway, startListeningGateway } from '../support/listening.ts';

/** Beside the project; a newcomer's checkout does not have it. */
const archive = join(import.meta.dirname, '../../../shared/data/synthea-100-patients.tar.xz');
/** Bundles in the suite; `npm run hunt:synthea` sends all. */
const bundlesMax = Number(process.env['SYNTHEA_BUNDLES'] ?? 4);

test('Synthea charts', { skip: existsSync(archive) ? false : 'the Synthea Bundles are not beside the project' }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'synthea-'));
  const gateway = await startListeningGateway({ BODY_MAX_BYTES: '50000000' });
  try {
    execFileSync('tar', ['-xJf', archive, '-C', folder]);
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.json') && !file.startsWith('groupInformation'))
      .toSorted()
      .slice(0, bundlesMax);
    assert.ok(files.length > 0);
    for (const file of files) await sendChart(gateway, file, readFileSync(join(folder, file)));
  } finally {
    rmSync(folder, { recursive: true, force: true });
    await gateway.close();
  }
});

async function sendChart(gateway: ListeningGateway, file: string, bytes: Uint8Array): Promise<void> {
  const bundle = reduceSynthea(parseJson(bytes) as JsonObject, createGatewayRegistry().resourceTypes);
  const entries = entriesOf(bundle);
  const response = await fetch(gateway.url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/fhir+json', Prefer: 'return=minimal' },
    body: stringifyJson(bundle),
  });
  const text = await response.text();
  assert.equal(response.status, 200, `${file}: ${text.slice(0, 2000)}`);
  const addresses = entriesOf(parseJson(text) as JsonObject).map(({ response: answer }) =>
    isObject(answer) ? (/\/fhir\/([^/]+\/[^/]+)\/_history\/1$/.exec(String(answer['location']))?.[1] ?? '') : '',
  );
  assert.equal(new Set(addresses).size, entries.length, file);
  const addressOf = new Map(entries.map(({ fullUrl }, at) => [String(fullUrl), addresses[at] ?? '']));
  await inTurns(entries, 8, async ({ resource }, at) => {
    const served = parseJson(await (await fetch(`${gateway.url}/${addresses[at]}`)).text()) as JsonObject;
    assert.equal(`${served['resourceType']}/${served['id']}`, addresses[at], file);
    forEachReference(served, ({ reference = '' }, expression) => {
      const parsed = parseReference(reference);
      if (parsed?.kind === 'urn') assert.fail(`${addresses[at]} ${expression} ${reference} leads nowhere`);
      if (parsed?.kind === 'relative')
        assert.ok(addresses.includes(`${parsed.type}/${parsed.id}`), `${addresses[at]} ${expression}`);
    });
    const sent = parseJson(
      stringifyJson(resource).replaceAll(
        /"reference":"(urn:[^"]+)"/g,
        (_all, urn: string) => `"reference":"${addressOf.get(urn)}"`,
      ),
    );
    const same = sameJson(content(sent as JsonObject), content(served));
    assert.ok(same, `${addresses[at]}\n${stringifyJson(content(sent as JsonObject))}\n${stringifyJson(content(served))}`);
  });
}

/** All but id, the server's part of meta, and MediMax's key. */
function content({ id: _id, meta, identifier, ...rest }: JsonObject): JsonObject {
  const { versionId: _version, lastUpdated: _updated, source: _source, ...said } = isObject(meta) ? meta : {};
  const own = (one: unknown) => isObject(one) && String(one['system']).endsWith('/sid/medimax-patient');
  const identifiers = Array.isArray(identifier) ? identifier.filter((one) => !own(one)) : [];
  return {
    ...rest,
    ...(Object.keys(said).length > 0 ? { meta: said } : {}),
    ...(identifiers.length > 0 ? { identifier: identifiers } : {}),
  };
}

function entriesOf(bundle: JsonObject): readonly JsonObject[] {
  return Array.isArray(bundle['entry']) ? bundle['entry'].filter(isObject) : [];
}

async function inTurns<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item, at: number) => Promise<void>,
): Promise<void> {
  const waiting = items.entries();
  const worker = async () => {
    for (const [at, item] of waiting) await work(item, at);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}
