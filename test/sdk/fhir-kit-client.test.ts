/** fhir-kit-client speaks with a listening gateway; docs/sdk-transcript.md is what was said. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { documentConversation } from '../../scripts/document-sdk.ts';

test('a client SDK creates, reads, updates, searches, pages and deletes each of the five types', async () => {
  assert.equal(readFileSync('docs/sdk-transcript.md', 'utf8'), await documentConversation(), 'run npm run docs');
});
