/** Plain texts are folded by a shorter way, which comes to the same. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { foldAny, foldText } from '../../src/search/fold-text.ts';

test('what is plain ASCII folds as any other text', () => {
  for (let code = 0; code < 256; code += 1) {
    const text = `A ${String.fromCharCode(code)}b`;
    assert.equal(foldText(text), foldAny(text), `character ${code}`);
  }
  fc.assert(fc.property(fc.string({ unit: 'grapheme-ascii' }), (text) => foldText(text) === foldAny(text)));
});
