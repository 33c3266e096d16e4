/** Bundles as they should not be: every item of `entry` is a line, and what stands outside the Bundle is refused. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FhirError } from '../../src/fhir/outcome.ts';
import { parseLine } from '../../src/import/parse-line.ts';
import { splitBundle } from '../../src/import/split-bundle.ts';

/** In pieces of every size from one byte to the whole, which must come to the same. */
async function split(text: string, bytesMax = 1000): Promise<readonly (readonly [number, string])[]> {
  const bytes = Buffer.from(text);
  let first: readonly (readonly [number, string])[] | undefined;
  for (const size of [1, 2, 3, 7, 20, bytes.length]) {
    const stream = (async function* () {
      for (let start = 0; start < bytes.length; start += size) yield bytes.subarray(start, start + size);
    })();
    const lines: [number, string][] = [];
    for await (const line of splitBundle(stream, bytesMax)) lines.push([line.offset, line.fault ?? line.bytes.toString().trim()]);
    first ??= lines;
    assert.deepEqual(lines, first, `in pieces of ${size}`);
  }
  return first ?? [];
}

const whole = (entry: string) => `{"resourceType":"Bundle","type":"collection","entry":[${entry}]}`;
const start = whole('').length - 2;

test('items of entry that are no objects are lines as well, and no later one takes their number', async () => {
  assert.deepEqual(await split(whole('null, "a,]b" ,[{"a":1}],\n17\n, {"b": [2]} x ,{}')), [
    [start, 'null'],
    [start + 6, '"a,]b"'],
    [start + 14, '[{"a":1}]'],
    [start + 25, '17'],
    [start + 30, '{"b": [2]}'],
    [start + 41, 'x'],
    [start + 44, '{}'],
  ]);
  assert.deepEqual(await split(whole('')), []);
  assert.deepEqual(await split(whole(`{"a":"${'x'.repeat(100)}"},1`), 50), [
    [start, 'The line is longer than 50 bytes, the most that this gateway takes'],
    [start + 109, '1'],
  ]);
});

test('a List is one resource, although it has entries', async () => {
  const list = '{"resourceType":"List","entry":[{"item":{"reference":"Patient/1"}}]}';
  assert.deepEqual(await split(list), [[0, list]]);
});

test('what stands before or behind the Bundle is refused; a byte order mark is none of it', async () => {
  const bundle = whole('{"a":1}');
  assert.deepEqual(await split(`\ufeff${bundle}\n`), [[start + 3, '{"a":1}']]);
  for (const text of [`${bundle}"more"`, `${bundle},`, `${bundle}{}`, `abc${bundle}`, `"${bundle}`, `[${bundle}]`, `${bundle}]`])
    await assert.rejects(split(text), (thrown) => thrown instanceof FhirError && thrown.kind === 'malformed', text);
});

test('the id of a PUT is the one in its URL; a resource of another id is refused', () => {
  const parse = (entry: object) =>
    parseLine(0, { number: 1, offset: 0, bytes: Buffer.from(JSON.stringify(entry)) }, 'bundle', {
      depthMax: 20,
      isServed: () => true,
    });
  const request = { method: 'PUT', url: 'Patient/4' };
  const fullUrl = 'urn:uuid:5b3c';
  const named = parse({ fullUrl, request, resource: { resourceType: 'Patient' } });
  assert.ok('resource' in named && named.id === '4' && named.urn === '5b3c');
  const other = parse({ request, resource: { resourceType: 'Patient', id: '5' } });
  assert.ok('s' in other && other.s === 'failed' && other.i?.[0]?.expression === 'Bundle.entry.request.url');
  const same = parse({ request, resource: { resourceType: 'Patient', id: '4' } });
  assert.ok('resource' in same && same.id === '4');
});
