/** A MariaDB that has no room left: imports wait for it, uploads and creates are refused for now, and nothing of a transaction stays. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import request from 'supertest';
import { createApp } from '../../src/http/app.ts';
import { type PrivateServer, startPrivateMariadb } from '../support/private-servers.ts';
import { type ImportGateway, startImportGateway } from './support.ts';
import { assertAsUndisturbed, importInPeace, isOver, receive, until, waves } from './undisturbed.ts';
import { startWorkerProcess, type WorkerProcess } from './worker-process.ts';

const all = waves(400, 100);
const env = { IMPORT_CHUNK_LINES: '200', IMPORT_SWEEP_MS: '100', IMPORT_CONCURRENCY: '2', IMPORT_THREADS: '1' };

/** The system's tablespace may not grow beyond 20 MB; after a start with `within` the tables that are made lie in it. */
const narrow = ['--innodb-undo-tablespaces=2', '--innodb-data-file-path=ibdata1:12M:autoextend:max:20M'];
const within = '--innodb-file-per-table=0';

let mariadb: PrivateServer;
let given: ImportGateway;
let worker: WorkerProcess | undefined;

before(async () => {
  mariadb = await startPrivateMariadb({ undoTablespaces: 2, options: narrow });
  given = await startImportGateway({ ...env, ...mariadb.env });
});
after(async () => {
  await worker?.kill();
  await given?.close();
  await mariadb?.remove();
});

const sql = (text: string) => given.gateway.pool.query(text);

test('no room for rows: the import waits, creates are refused, and when there is room again it ends as if nothing had been', async () => {
  const expected = await importInPeace(given, all);
  await mariadb.stop();
  await mariadb.start([...narrow, within]);
  await sql('ALTER TABLE Lab_Finding FORCE, ALGORITHM = COPY');
  await fill();
  const rows = await given.tables();
  worker = startWorkerProcess(given.config, env);
  const [created = [], corrected = []] = all;
  const first = await receive(given, 'storm', created);
  const tries = async () => Number((await one(`SELECT SUM(epoch) FROM fhir_import_chunk WHERE job_id = ${first.id}`))[0]);
  await until(worker, async () => {
    assert.ok(!(await isOver(given, first)), 'there was room');
    return (await tries()) >= 4;
  });

  const { state } = await given.desk.job(first.name);
  assert.equal(state, 'running');
  assert.deepEqual(
    await one(`SELECT MAX(attempts) <= 1, MAX(state) < 2 FROM fhir_import_chunk WHERE job_id = ${first.id}`),
    [1, 1],
  );
  const told = worker.logged().filter(({ event }) => event === 'import-waits');
  assert.match(String(told[0]?.['text']), /The disk of the database is full/);
  assert.ok(told.length <= 2 * given.config.import.threads, 'it says so at every try');
  await refusesTransactions();
  assert.deepEqual(await given.tables(), rows);

  await sql('DROP TABLE ballast');
  await until(worker, () => isOver(given, first));
  const second = await receive(given, 'storm', corrected);
  await until(worker, () => isOver(given, second));
  await assertAsUndisturbed(given, expected, 'storm', [first, second], rows);
  assert.deepEqual(
    worker.logged().filter(({ level }) => level === 'error'),
    [],
  );
  assert.equal(await worker.stop(), 0);
});

/** Rows without anything that lies apart from them: MariaDB 10.11 itself ends when it cannot take back a large value in a full tablespace. */
async function fill(): Promise<void> {
  await sql('CREATE TABLE ballast (id INT AUTO_INCREMENT PRIMARY KEY, weight VARCHAR(4000) CHARACTER SET latin1)');
  const ballast = "INSERT INTO ballast (weight) SELECT REPEAT('x', 4000)";
  // What is left in the pages that the table has.
  const finding = `INSERT INTO Lab_Finding (lab_report_id, test_name, test_value) SELECT (SELECT MAX(lab_report_id) FROM Lab_Report), CONCAT('Weight ', RAND()), '1'`;
  for (const [insert, many] of [
    [ballast, 100],
    [ballast, 1],
    [finding, 50],
    [finding, 1],
  ] as const) {
    let times = 0;
    while (await sql(`${insert} FROM seq_1_to_${many}`).catch((failure) => assert.equal(failure.errno, 1114))) {
      times += 1;
      assert.ok(times < 1000, 'the tables lie elsewhere, where there is room without end');
    }
  }
}

async function one(text: string): Promise<readonly (string | number | null)[]> {
  return (await given.desk.parts.store.session.rows(text))[0] ?? [];
}

/** More results than there is room for in the pages that the table has. */
async function refusesTransactions(): Promise<void> {
  const { gateway, log } = given;
  const app = createApp({ ...gateway, log, software: { name: 'MediMax FHIR Gateway', version: '0' }, ready: async () => [] });
  const patient = 'urn:uuid:11111111-1111-4111-8111-111111111111';
  const result = (at: number) => ({
    resourceType: 'Observation',
    status: 'final',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
    code: { text: `Test ${at} ${'of something '.repeat(12)}` },
    subject: { reference: patient },
    effectiveDateTime: '2021-05-06',
    valueQuantity: { value: at, unit: 'mmol/L' },
  });
  const person = { resourceType: 'Patient', name: [{ text: 'Ada Example' }], gender: 'female' };
  const entry = [
    { fullUrl: patient, resource: person, request: { method: 'POST', url: 'Patient' } },
    ...Array.from({ length: 400 }, (_, at) => ({ resource: result(at), request: { method: 'POST', url: 'Observation' } })),
  ];
  const { status, headers, body } = await request(app)
    .post('/fhir')
    .set('Content-Type', 'application/fhir+json')
    .send(JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }));
  assert.deepEqual(
    [status, body.issue[0].code, headers['retry-after']],
    [503, 'no-store', '60'],
    JSON.stringify(body).slice(0, 500),
  );
}
