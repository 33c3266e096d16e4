/** Undo: also of what other lines of the import have changed, of what never got into the ledger, and of one import after the other. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runTurn } from '../../src/import/turn.ts';
import { workChunk } from '../../src/import/work-chunk.ts';
import { connectMedimax } from '../search/medimax.ts';
import { type ImportGateway, importLines, startImportGateway, summary } from './support.ts';

let given: ImportGateway;

before(async () => {
  given = await startImportGateway({ IMPORT_CHUNK_LINES: '2' });
});
after(() => given?.close());

const patient = (id: string, more: object = {}) => ({ resourceType: 'Patient', id, name: [{ text: 'Ada Example' }], ...more });
const condition = (id: string, text = 'Asthma') => ({
  resourceType: 'Condition',
  id,
  code: { text },
  subject: { reference: 'Patient/1' },
});
const result = (id: string) => ({
  resourceType: 'Observation',
  id,
  status: 'final',
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
  code: { text: 'Potassium' },
  subject: { reference: 'Patient/1' },
  effectiveDateTime: '2021-05-06',
  valueQuantity: { value: 4.1, unit: 'mmol/L' },
});
const report = (id: string, ...results: readonly string[]) => ({
  resourceType: 'DiagnosticReport',
  id,
  status: 'final',
  category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0074', code: 'LAB' }] }],
  code: { text: 'Electrolytes' },
  subject: { reference: 'Patient/1' },
  effectiveDateTime: '2021-05-06',
  result: results.map((one) => ({ reference: `Observation/${one}` })),
});
const appointment = {
  resourceType: 'Appointment',
  id: 'visit',
  status: 'fulfilled',
  start: '2021-05-06T10:00:00Z',
  end: '2021-05-06T10:30:00Z',
  participant: [{ actor: { reference: 'Patient/1' }, status: 'accepted' }],
};
const symptom = (canonicalBase: string) => ({
  resourceType: 'Observation',
  id: 'cough',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '75325-1' }] },
  subject: { reference: 'Patient/1' },
  valueCodeableConcept: { text: 'Cough' },
  extension: [
    {
      url: `${canonicalBase}/StructureDefinition/medimax-appointment`,
      valueReference: { reference: 'Appointment/visit' },
    },
  ],
});

async function undo(name: string) {
  const job = await given.desk.job(name);
  await given.desk.undo(job);
  await given.run(job);
  return given.desk.parts.store.undoResult(job.id);
}

async function medimaxRows(): Promise<Record<string, number>> {
  const all = await given.tables();
  return Object.fromEntries(Object.entries(all).filter(([table]) => !table.startsWith('fhir_')));
}

const stateOf = async (type: string, id: string) => (await given.gateway.repository.read(type, id))?.state;

test('reports and appointments go with their results and symptoms, whichever is taken back first', async () => {
  const before = await medimaxRows();
  const orders = [
    [report('r', 'a', 'b'), patient('1'), result('a'), result('b')],
    [patient('1'), result('a'), result('b'), report('r', 'a', 'b')],
    [patient('1'), appointment, symptom(given.config.clinic.canonicalBase)],
    [symptom(given.config.clinic.canonicalBase), patient('1'), appointment],
  ];
  for (const [at, lines] of orders.entries()) {
    const job = await importLines(given, `lab-${at}`, lines);
    const counts = await summary(given, job);
    assert.ok(
      Object.values(counts).every((byStatus) => Object.keys(byStatus).join() === 'created'),
      JSON.stringify(counts),
    );
    assert.deepEqual(await undo(job.name), { undone: lines.length, conflicts: [] }, `order ${at}`);
    assert.deepEqual(await medimaxRows(), before, `order ${at}`);
  }
});

test('two imports, taken back one after the other, leave nothing', async () => {
  const before = await medimaxRows();
  const first = await importLines(given, 'twice', [patient('1'), condition('c')]);
  const second = await importLines(given, 'twice', [condition('c', 'Gout')]);
  assert.deepEqual(await undo(second.name), { undone: 1, conflicts: [] });
  assert.deepEqual(await undo(first.name), { undone: 2, conflicts: [] });
  assert.deepEqual(await medimaxRows(), before);
  const again = await importLines(given, 'twice', [patient('1'), condition('c')]);
  assert.deepEqual(await summary(given, again), { Patient: { created: 1 }, Condition: { created: 1 } });
  await assert.rejects(undo(second.name), /only once/);
});

test('a merge that wrote nothing is no conflict; one that MediMax has worked on since is, and the same file goes in again', async () => {
  const identifier = [{ system: 'http://example.org/mrn', value: 'undo-1' }];
  await importLines(given, 'first', [patient('1', { identifier })]);
  const quiet = await importLines(given, 'quiet', [patient('x', { identifier })]);
  assert.deepEqual(await undo(quiet.name), { undone: 0, conflicts: [] });

  const line = patient('y', { identifier, maritalStatus: { text: 'married' } });
  const merged = await importLines(given, 'merges', [line]);
  assert.deepEqual(await undo(merged.name), { undone: 1, conflicts: [] });
  const record = await given.gateway.repository.read('Patient', 'first.1');
  assert.ok(record?.stored);
  assert.equal(given.gateway.repository.render(record)['maritalStatus'], undefined);
  const medimax = await connectMedimax(given.gateway.pool);
  await medimax.query('UPDATE Patient SET sex = ? WHERE patient_id = ?', ['Other', record.stored.row['patient_id']]);
  const again = await importLines(given, 'merges', [line]);
  assert.deepEqual(await summary(given, again), { Patient: { merged: 1 } });
  await medimax.query('UPDATE Patient SET sex = ? WHERE patient_id = ?', ['Female', record.stored.row['patient_id']]);
  await medimax.end();
  const left = await undo(again.name);
  assert.deepEqual([left?.undone, left?.conflicts.map(({ line: at, id }) => [at, id])], [0, [[1, 'first.1']]]);
  const [told] = await given.report(again, 'outcome');
  assert.match(told?.text ?? '', /Not taken back: .*changed since/);
});

test('what a dead worker had written before it could say so is taken back too', async () => {
  const before = await medimaxRows();
  const { desk, log } = given;
  const { store } = desk.parts;
  const stream = (async function* () {
    yield Buffer.from([patient('1'), condition('c')].map((one) => JSON.stringify(one)).join('\n'));
  })();
  const job = await desk.receive({ source: 'dead', dryRun: false }, [{ name: 'x', kind: 'ndjson', stream }]);
  const chunk = await store.take(job, 200);
  assert.ok(chunk);
  const dies = Promise.reject(new Error('killed'));
  dies.catch(() => undefined);
  const mortal = {
    ...desk.parts,
    store: { ...store, save: () => dies, transaction: store.transaction },
  };
  await workChunk(mortal, job, chunk, { setWise: false, alive: async () => {} }).catch(() => undefined);
  assert.equal(await stateOf('Patient', 'dead.1'), 'living');
  await desk.cancel(job);
  await desk.undo(await desk.job(job.name));
  assert.equal((await runTurn(desk.parts, job.id, 1000, log)).kind, 'busy');
  await given.run(job);
  assert.deepEqual(await medimaxRows(), before);
});

test('more conflicts than one answer should list are with their lines', async () => {
  const lines = [patient('1'), ...Array.from({ length: 60 }, (_, at) => condition(`c${at}`))];
  const job = await importLines(given, 'many', lines);
  const medimax = await connectMedimax(given.gateway.pool);
  await medimax.query("UPDATE Medical_History SET history_item = 'Gout' WHERE history_item = 'Asthma'");
  await medimax.end();
  const left = await undo(job.name);
  assert.deepEqual([left?.undone, left?.conflicts.length, left?.furtherConflicts], [0, 50, 11]);
  assert.equal((await given.report(job, 'outcome')).length, 61);
});
