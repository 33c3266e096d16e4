/** JSON in and out: nothing malformed gets in, nothing valid is changed. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { decimalFrom, decimalText, isDecimal, parseJson, plain, sameJson, stringifyJson } from '../../src/fhir/json.ts';
import { FhirError } from '../../src/fhir/outcome.ts';

const badInput = new URL('../../../shared/data/bad-input/', import.meta.url);
const skip = existsSync(badInput) ? false : 'the shared test data are not beside the project';

/** What RFC 8259 lets pass and FHIR or this gateway does not. */
const refusedOnPurpose = new Set([
  'y_object_duplicated_key.json',
  'y_object_duplicated_key_and_value.json',
  'y_object_escaped_null_in_key.json',
  'y_string_null_escape.json',
]);

function refusal(text: string | Uint8Array, limits?: { depthMax: number }): FhirError {
  try {
    parseJson(text, limits);
  } catch (thrown) {
    assert.ok(thrown instanceof FhirError, `a ${String(thrown)} instead of a FhirError`);
    assert.equal(thrown.kind, 'malformed');
    assert.equal(thrown.issues.length, 1);
    return thrown;
  }
  assert.fail('it was accepted');
}

describe('parseJson', () => {
  it('decides every text of JSONTestSuite as RFC 8259 and FHIR do', { skip }, () => {
    const folder = fileURLToPath(new URL('json-parsing/', badInput));
    const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
    assert.ok(files.length > 300);
    for (const name of files) {
      const bytes = readFileSync(join(folder, name));
      if (name.startsWith('n_') || refusedOnPurpose.has(name)) assert.doesNotThrow(() => refusal(bytes), name);
      else if (name.startsWith('y_')) assert.deepEqual(plain(parseJson(bytes)), JSON.parse(bytes.toString()), name);
      else {
        try {
          parseJson(bytes);
        } catch (thrown) {
          assert.ok(thrown instanceof FhirError, name);
        }
      }
    }
  });

  it('keeps the naughty strings, or refuses what FHIR strings forbid', { skip }, () => {
    const text = readFileSync(new URL('blns.json', badInput), 'utf8');
    const strings: unknown = JSON.parse(text);
    assert.deepEqual(parseJson(text), strings);
    assert.deepEqual(parseJson(stringifyJson(strings, true)), strings);
  });

  it('says where a fault is', () => {
    assert.match(refusal('{\n  "a": 1,\n  "b": ,\n}').message, /a value was expected, but "," was found. \(line 3, column 8\)/);
    assert.match(
      refusal('{"name":[{"given":["A"]},{"family":"B","fam\\u0069ly":"C"}]}').message,
      /name\[1\]\.family is written twice.*column 40/,
    );
    assert.match(refusal('{"a":{"__proto__":{"x":1}}}').message, /a\.__proto__/);
    assert.match(refusal('{"a":{"__pr\\u006fto__":1}}').message, /a\.__proto__/);
    assert.match(refusal('{"a"').message, /ends too early/);
    assert.match(refusal('{} x').message, /column 4/);
    assert.match(refusal('').message, /no JSON/);
    assert.match(refusal('NaN').message, /line 1, column 1/);
    assert.match(refusal(new Uint8Array([0x22, 0xff, 0x22])).message, /UTF-8/);
  });

  it('refuses half surrogate pairs and U+0000, escaped or not', () => {
    for (const text of [
      '"\\ud800"',
      '"\\udc00"',
      '"\\ud800\\ud800"',
      '"\\ud800x"',
      '"\ud800"',
      '{"\\udfff":1}',
      '"\\u0000"',
      '"\u0000"',
    ])
      refusal(text);
    assert.equal(parseJson('"\\ud83d\\ude00 😀"'), '😀 😀');
  });

  it('survives nesting bombs', () => {
    for (const bomb of ['['.repeat(1e5), '{"a":'.repeat(1e5), `${'['.repeat(1e6)}${']'.repeat(1e6)}`]) {
      assert.match(refusal(bomb).message, /more than 64 levels/);
    }
    parseJson(`${'['.repeat(64)}${']'.repeat(64)}`);
    refusal('[[[]]]', { depthMax: 2 });
    parseJson('[[]]', { depthMax: 2 });
  });

  it('skips a byte order mark', () => {
    assert.deepEqual(parseJson('\ufeff{}'), {});
    assert.deepEqual(parseJson(new Uint8Array([0xef, 0xbb, 0xbf, 0x7b, 0x7d])), {});
  });

  it('keeps the digits of every decimal', () => {
    for (const text of [
      '6.30',
      '1e-7',
      '0.000',
      '-0',
      '1E5',
      '12345678901234567890.10',
      '1e400',
      '-1.0e-400',
      '6.3',
      '0',
      '100',
    ]) {
      const value = parseJson(text);
      assert.ok(isDecimal(value));
      assert.equal(decimalText(value), text);
      assert.ok(sameJson(value, decimalFrom(text)));
      assert.equal(stringifyJson(parseJson(`{"a":[${text}]}`)), `{"a":[${text}]}`);
    }
    assert.throws(() => decimalFrom('+1'), TypeError);
    assert.equal(typeof parseJson('6.3'), 'number');
  });

  it('returns what JSON.parse returns, and writes it back the same', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false, maxDepth: 6 }), fc.boolean(), (value, pretty) => {
        const text = JSON.stringify(value, undefined, pretty ? 3 : undefined);
        if (/"__proto__":|\\u0000|\\ud[89a-f]/.test(text)) return;
        const parsed = parseJson(text);
        assert.deepEqual(plain(parsed), JSON.parse(text));
        assert.ok(sameJson(parsed, parseJson(stringifyJson(parsed, !pretty))));
      }),
      { numRuns: 500 },
    );
  });

  it('never fails in any other way, and takes only what JSON.parse takes', () => {
    const pieces = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      '"a"',
      '"b":',
      ':',
      ',',
      '1',
      '-',
      '.5',
      'e1',
      ' ',
      '\n',
      'true',
      'nul',
      '\\u00',
      '"',
      '\\',
      '\u0001',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        let parsed: unknown;
        try {
          parsed = parseJson(text);
        } catch (thrown) {
          assert.ok(thrown instanceof FhirError, text);
          return;
        }
        assert.deepEqual(plain(parsed), JSON.parse(text));
      }),
      { numRuns: 3000 },
    );
  });
});

describe('sameJson', () => {
  it('knows what is the same to FHIR', () => {
    assert.ok(sameJson({ a: 1, b: [1, { c: 2 }] }, { b: [1, { c: 2 }], a: 1 }));
    assert.ok(sameJson({ a: undefined, b: 1 }, { b: 1 }));
    assert.ok(sameJson(JSON.rawJSON('6.30'), JSON.rawJSON('6.30')));
    for (const [a, b] of [
      [
        [1, 2],
        [2, 1],
      ],
      [JSON.rawJSON('6.30'), 6.3],
      [JSON.rawJSON('6.30'), JSON.rawJSON('6.3')],
      [{ a: 1 }, { b: 1 }],
      [{ a: null }, {}],
      [[], {}],
      [{ toString: undefined }, { toString: 1 }],
      [{ rawJSON: '6.30' }, JSON.rawJSON('6.30')],
    ]) {
      assert.equal(sameJson(a, b), false);
      assert.equal(sameJson(b, a), false);
    }
  });
});

describe('plain', () => {
  it('copies only where there is something to change', () => {
    const untouched = { a: [1, { b: 'x' }] };
    assert.equal(plain(untouched), untouched);
    const raw = { kept: untouched, value: JSON.rawJSON('6.30'), list: [1, JSON.rawJSON('1e2')] };
    const copy = plain(raw);
    assert.deepEqual(copy, { kept: untouched, value: 6.3, list: [1, 100] });
    assert.equal(copy.kept, untouched);
    assert.ok(JSON.isRawJSON(raw.value));
  });
});
