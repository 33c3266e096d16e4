/** Workers for whom every chunk takes longer than its lease: they get on all the same, and no line is given up. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLeaseStretch } from '../../src/import/lease-stretch.ts';
import { runJob } from '../../src/import/turn.ts';
import { turnsHere } from '../../src/import/turns.ts';
import { type ImportGateway, startImportGateway, summary } from './support.ts';
import { receive, waves } from './undisturbed.ts';

const leaseMs = 100;
const [created = []] = waves(80, 0);

let given: ImportGateway;

before(async () => {
  given = await startImportGateway({ IMPORT_CHUNK_LINES: '20', IMPORT_LEASE_MS: String(leaseMs), IMPORT_CONCURRENCY: '8' });
});
after(async () => given?.close());

test('more workers than chunks, each slower than its lease: they do not take the chunks from each other for ever', async () => {
  const { parts } = given.desk;
  let begun = 0;
  const settle: typeof parts.parts.journal.settle = async (...asked) => {
    begun += 1;
    await sleep(3 * leaseMs);
    return parts.parts.journal.settle(...asked);
  };
  const slow = { ...parts, parts: { ...parts.parts, journal: { ...parts.parts.journal, settle } } };
  const job = await receive(given, 'slow', created);
  await runJob(turnsHere(slow, given.log), job.id, { atOnce: 8 });
  const counts = await summary(given, job);
  assert.deepEqual(counts, { Patient: { created: 4 }, Observation: { created: 72 }, DiagnosticReport: { created: 4 } });
  assert.ok(begun > 4, 'no chunk was taken from a worker');
  const attempts = await parts.store.session.rows('SELECT attempts FROM fhir_import_chunk WHERE job_id = ?', [job.id]);
  assert.ok(attempts.every(([count]) => Number(count) === 0));
});

test('leases are longer while they are too short, and the usual ones when they are long enough', () => {
  const stretch = createLeaseStretch();
  for (let round = 0; round < 10; round += 1) stretch.tooShort();
  assert.equal(stretch.of(leaseMs), 64 * leaseMs);
  stretch.longEnough(17 * leaseMs, 64 * leaseMs);
  assert.equal(stretch.of(leaseMs), 64 * leaseMs);
  for (let round = 0; round < 10; round += 1) stretch.longEnough(leaseMs, stretch.of(leaseMs));
  assert.equal(stretch.of(leaseMs), 4 * leaseMs);
  for (let round = 0; round < 10; round += 1) stretch.longEnough(1, stretch.of(leaseMs));
  assert.equal(stretch.of(leaseMs), leaseMs);
});
