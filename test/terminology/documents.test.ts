/** The generated pages on codes and on round trips are what runs. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { roundTripPage } from '../../scripts/document-round-trip.ts';
import { documentedTerminology, terminologyPage } from '../../scripts/document-terminology.ts';
import { createGatewayRegistry } from '../../src/gateway.ts';

test('docs/terminology.md is what is served', () => {
  assert.equal(readFileSync('docs/terminology.md', 'utf8'), terminologyPage(documentedTerminology()), 'run npm run docs');
});

test('docs/round-trip.md is what the mappings do', () => {
  assert.equal(readFileSync('docs/round-trip.md', 'utf8'), roundTripPage(createGatewayRegistry()), 'run npm run docs');
});
