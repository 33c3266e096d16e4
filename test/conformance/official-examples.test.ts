/** Each official example comes back the same or is refused with an issue that names the element; docs/official-examples.md says which. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { documentExamples } from '../../scripts/document-examples.ts';
import { haveExamples } from '../support/official-examples.ts';

const skip = haveExamples() ? false : 'the official examples are not beside this checkout';

test('every official example comes back the same or is refused by name, as docs/official-examples.md says', {
  skip,
}, async () => {
  const { results, markdown } = await documentExamples();
  assert.ok(results.length > 0);
  assert.deepEqual(
    results.filter(({ outcome }) => outcome === 'different'),
    [],
  );
  for (const { file, outcome, issues } of results) {
    if (outcome !== 'refused') continue;
    assert.ok(issues.length > 0, file);
    for (const issue of issues) assert.ok(issue.expression?.[0], `${file}: ${issue.text} names no element`);
  }
  assert.equal(readFileSync('docs/official-examples.md', 'utf8'), markdown, 'run npm run docs');
});
