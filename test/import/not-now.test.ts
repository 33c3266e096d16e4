/** What a database answers that cannot take a statement for now: clients come again, imports wait, and no line is blamed for it. */
import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createApp } from '../../src/http/app.ts';
import { createImportDesk } from '../../src/import/desk.ts';
import { importParts } from '../../src/import/parts.ts';
import { type ImportGateway, importLines, startImportGateway, summary } from './support.ts';
import { linesOf, receive, waves } from './undisturbed.ts';

let given: ImportGateway;
let base: string;
const server = createServer();

before(async () => {
  given = await startImportGateway({ IMPORT_CHUNK_LINES: '20' });
  const { gateway, log } = given;
  const imports = createImportDesk(importParts(gateway), async () => {});
  const software = { name: 'MediMax FHIR Gateway', version: '0' };
  server.on('request', createApp({ ...gateway, log, software, imports, ready: async () => [] }));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/fhir`;
});
after(async () => {
  server.closeAllConnections();
  server.close();
  await given?.close();
});

type Answer = readonly [number: number, message: string, code: string];

const answers: readonly Answer[] = [
  [1114, "The table 'x' is full", 'no-store'],
  [1021, 'Disk full (/data/x); waiting for someone to free some space', 'no-store'],
  [3, 'Error writing file /data/x (Errcode: 28 "No space left on device")', 'no-store'],
  [1026, 'Error writing file /data/x (errno: 28 "No space left on device")', 'no-store'],
  [1030, 'Got error 28 "No space left on device" from storage engine InnoDB', 'no-store'],
  [1030, 'Got error 122 "Disk quota exceeded" from storage engine InnoDB', 'no-store'],
  [1290, 'The server is running with the --read-only option so it cannot execute this statement', 'transient'],
  [1836, 'Running in read-only mode', 'transient'],
  [1053, 'Server shutdown in progress', 'transient'],
  [1317, 'Query execution was interrupted', 'transient'],
  [1927, 'Connection was killed', 'transient'],
  [1969, 'Query execution was interrupted (max_statement_time exceeded)', 'timeout'],
];

/** The same numbers for other reasons. */
const bugs: readonly (readonly [number, string])[] = [
  [1030, 'Got error 175 "File too short; Expected more data in file" from storage engine InnoDB'],
  [1290, 'The server is running with the --secure-file-priv option so it cannot execute this statement'],
  [3, 'Error writing file /data/x (Errcode: 13 "Permission denied")'],
];

const sql = (text: string) => given.gateway.pool.query(text);

/** Every insert into the table is answered like this while `run` runs. */
async function answering<Result>(
  table: string,
  [number, message]: readonly [number, string, ...unknown[]],
  run: () => Promise<Result>,
  when = '',
) {
  const signal = `SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = ${number}, MESSAGE_TEXT = '${message.replaceAll("'", "''")}'`;
  await sql(
    `CREATE TRIGGER refusing BEFORE INSERT ON ${table} FOR EACH ROW ${when ? `IF ${when} THEN ${signal}; END IF` : signal}`,
  );
  try {
    return await run();
  } finally {
    await sql('DROP TRIGGER refusing');
  }
}

async function create() {
  const patient = { resourceType: 'Patient', name: [{ text: 'Ada Example' }], gender: 'female' };
  const headers = { 'Content-Type': 'application/fhir+json' };
  const answer = await fetch(`${base}/Patient`, { method: 'POST', headers, body: JSON.stringify(patient) });
  const { issue } = (await answer.json()) as { issue: { code: string }[] };
  return { status: answer.status, code: issue[0]?.code, again: answer.headers.get('retry-after') };
}

for (const answer of answers) {
  test(`${answer[0]} ${answer[1]}: the client is told to come again`, async () => {
    const { status, code, again } = await answering('fhir_resource', answer, create);
    assert.deepEqual([status, code], [503, answer[2]]);
    assert.ok(Number(again) > 0);
  });
}

for (const answer of bugs) {
  test(`${answer[0]} ${answer[1]}: that is a bug`, async () => {
    assert.equal((await answering('fhir_resource', answer, create)).status, 500);
  });
}

const [created = [], corrected = []] = waves(20, 20);

for (const [at, answer] of answers.filter(([number]) => [1021, 1290, 1969].includes(number)).entries()) {
  test(`${answer[0]} in an import, of new lines and of updates: no line fails, and it ends when that is over`, async () => {
    const source = `wait-${at}`;
    for (const [wave, table] of [
      [created, 'fhir_import_line'],
      [corrected, 'fhir_version'],
    ] as const) {
      const job = await receive(given, source, wave);
      const { ended } = await answering(table, answer, async () => {
        const running = given.run(job);
        await triedOften(job.id, answer[0] === 1969 ? 4 : 1);
        return { ended: running };
      });
      await ended;
      const statuses = Object.values(await summary(given, job)).flatMap(Object.keys);
      assert.ok(!statuses.includes('failed'), JSON.stringify(statuses));
    }
  });
}

/** Attempts that the database has hindered do not count, or not for long: with them the lines would be given up. */
async function triedOften(job: number, attemptsMax: number): Promise<void> {
  for (;;) {
    const [row] = await given.desk.parts.store.session.rows(
      `SELECT SUM(epoch), MAX(attempts), SUM(counts LIKE '%failed%') FROM fhir_import_chunk WHERE job_id = ${job}`,
    );
    assert.ok(Number(row?.[1]) <= attemptsMax);
    assert.ok(!Number(row?.[2]));
    if (Number(row?.[0]) >= 5) return;
    await sleep(20);
  }
}

test('an upload for which there is no room is a 503, also when its end is still to be sent, and leaves nothing', async () => {
  const jobs = async () => Number((await given.desk.parts.store.session.rows('SELECT COUNT(*) FROM fhir_import_job'))[0]?.[0]);
  const before = await jobs();
  const body = linesOf('large', waves(8000, 0)[0] ?? []).join('\n');
  const answer = await answering(
    'fhir_import_chunk',
    [1114, "The table 'fhir_import_chunk' is full"],
    () => fetch(`${base}/$import?source=large`, { method: 'POST', headers: { 'Content-Type': 'application/fhir+ndjson' }, body }),
    'NEW.chunk_no > 2',
  );
  const { issue } = (await answer.json()) as { issue: { code: string }[] };
  assert.deepEqual([answer.status, answer.headers.get('retry-after'), issue[0]?.code], [503, '60', 'no-store']);
  assert.equal(await jobs(), before);
  assert.deepEqual(await summary(given, await importLines(given, 'large', linesOf('large', created))), {
    Patient: { created: 1 },
    Observation: { created: 18 },
    DiagnosticReport: { created: 1 },
  });
});
