/** Lines that are loaded together come to the same as lines that are written one by one, which is the repository's own way. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { labLines } from '../../bench/import-lines.ts';
import type { PoolConnection } from '../../src/db/pool.ts';
import { createImportDesk } from '../../src/import/desk.ts';
import { importParts } from '../../src/import/parts.ts';
import { runJob } from '../../src/import/turn.ts';
import { turnsHere } from '../../src/import/turns.ts';
import { workChunk } from '../../src/import/work-chunk.ts';
import { contentOf, type ImportGateway, importLines, startImportGateway, summary } from './support.ts';

let given: ImportGateway;

before(async () => {
  given = await startImportGateway();
});
after(() => given?.close());

const subject = { reference: 'Patient/p0' };
const medication = {
  resourceType: 'MedicationStatement',
  id: 'm',
  status: 'active',
  medicationCodeableConcept: { text: 'Metformin' },
  subject,
  effectivePeriod: { start: '2020-01-02' },
  reasonCode: [{ text: 'Diabetes' }, { text: 'Weight' }],
  dosage: [{ text: '500 mg twice daily' }],
};
const others = [
  medication,
  { resourceType: 'Condition', id: 'c', code: { text: 'Asthma' }, subject, note: [{ text: 'since school' }] },
  {
    resourceType: 'AllergyIntolerance',
    id: 'a',
    clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] },
    code: { text: 'Nuts' },
    patient: subject,
  },
  { resourceType: 'Procedure', id: 'x', status: 'completed', code: { text: 'Appendectomy' }, subject, performedDateTime: '2001' },
  {
    resourceType: 'Observation',
    id: 'alone',
    status: 'final',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
    code: { text: 'Potassium' },
    subject,
    effectiveDateTime: '2021-05-06',
    valueQuantity: { value: 4.1, unit: 'mmol/L' },
    text: { status: 'generated', div: '<div xmlns="http://www.w3.org/1999/xhtml">4.1</div>' },
  },
];
const linesOf = (source: string) =>
  [...labLines(40), ...others.map((one) => JSON.stringify(one))].map((line) => line.replaceAll('LAB-', `${source}-`));

test('set-wise and one by one come to the same resources, rows and versions', async () => {
  await importLines(given, 'together', linesOf('together'));
  const { parts } = given.desk;
  const stream = (async function* () {
    yield Buffer.from(linesOf('alone').join('\n'));
  })();
  const job = await given.desk.receive({ source: 'alone', dryRun: false }, [{ name: 'x', kind: 'ndjson', stream }]);
  const chunk = await parts.store.take(job, 60_000);
  assert.ok(chunk);
  await workChunk(parts, job, chunk, { setWise: false, alive: async () => {} });
  await given.run(job);
  assert.deepEqual(Object.values(await summary(given, job)).flatMap(Object.keys), Array(7).fill('created'));
  const alone = await contentOf(given, 'alone');
  assert.deepEqual(
    (await contentOf(given, 'together')).split('\n'),
    alone.replaceAll('alone.', 'together.').replaceAll('alone-', 'together-').split('\n').sort(),
  );
});

test('no statement of an import carries many rows: MediMax may be waiting for the processor', async () => {
  const sizes: number[] = [];
  const bound = <Target extends object>(target: Target, name: string | symbol) => {
    const value: unknown = Reflect.get(target, name);
    return typeof value === 'function' ? value.bind(target) : value;
  };
  const watched = (connection: PoolConnection) =>
    new Proxy(connection, {
      get(target, name) {
        if (name !== 'query') return bound(target, name);
        return (asked: string | { readonly sql: string; readonly values?: readonly (readonly unknown[])[] }) => {
          if (typeof asked === 'object' && / VALUES \?/.test(asked.sql)) sizes.push(asked.values?.[0]?.length ?? 0);
          return target.query(asked as Parameters<typeof target.query>[0]);
        };
      },
    });
  const pool = new Proxy(given.gateway.pool, {
    get: (target, name) => (name === 'getConnection' ? async () => watched(await target.getConnection()) : bound(target, name)),
  });
  const desk = createImportDesk(importParts({ ...given.gateway, pool }), async () => {});
  await importLines({ ...given, desk, run: (job) => runJob(turnsHere(desk.parts, given.log), job.id, { atOnce: 1 }) }, 'brief', [
    ...labLines(300),
  ]);
  assert.equal(Math.max(...sizes), 50);
});
