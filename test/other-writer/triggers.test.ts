/** What the triggers do with statements and sessions of every kind, and what they never do to them. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { migrateCheck, migrateDown, migrateUp } from '../../src/db/migrate.ts';
import { createGatewayRegistry } from '../../src/gateway.ts';
import { type TwoWriters, twoWriters } from './legacy.ts';

let writers: TwoWriters;

before(async () => {
  writers = await twoWriters();
});

after(() => writers.close());

async function versionOf(name: string): Promise<number> {
  const [type, id] = name.split('/');
  const [row] = await writers.rows('SELECT version FROM fhir_resource WHERE type = ? AND id = ?', [type, id]);
  return Number(row?.['version'] ?? 0);
}

const patient = () => writers.run("INSERT INTO Patient (name, sex) VALUES ('Ann', 'Female')");
const appointment = (key: number) =>
  writers.run("INSERT INTO Appointment (patient_id, appointment_date) VALUES (?, '2026-01-05')", [key]);
const symptom = (key: number, name = 'cough') =>
  writers.run('INSERT INTO Appointment_Symptom (appointment_id, symptom_name) VALUES (?, ?)', [key, name]);

test('several rows of one statement make one version of the resource above', async () => {
  const key = await appointment(await patient());
  await writers.run("INSERT INTO Appointment_Symptom (appointment_id, symptom_name) VALUES (?, 'a'), (?, 'b'), (?, 'c')", [
    key,
    key,
    key,
  ]);
  assert.equal(await versionOf(`Appointment/ap-${key}`), 2);
  await writers.run("UPDATE Appointment_Symptom SET symptom_name = CONCAT(symptom_name, '!') WHERE appointment_id = ?", [key]);
  assert.equal(await versionOf(`Appointment/ap-${key}`), 3);
  await writers.run('DELETE FROM Appointment_Symptom WHERE appointment_id = ?', [key]);
  assert.equal(await versionOf(`Appointment/ap-${key}`), 4);
});

test('two statements are two versions, however close', async () => {
  const key = await patient();
  await writers.run(`CREATE PROCEDURE rename_often(IN p INT) BEGIN
    DECLARE n INT DEFAULT 0;
    WHILE n < 50 DO UPDATE Patient SET name = CONCAT('Ann ', n) WHERE patient_id = p; SET n = n + 1; END WHILE;
  END`);
  await writers.run('CALL rename_often(?)', [key]);
  assert.equal(await versionOf(`Patient/pt-${key}`), 51);
  const times = await writers.rows('SELECT v.last_updated FROM fhir_version v JOIN fhir_resource r USING (rid) WHERE r.id = ?', [
    `pt-${key}`,
  ]);
  assert.equal(times.length, 50);
});

test('a statement that joins the tables below does its work: no trigger writes to a table of MediMax', async () => {
  const key = await appointment(await patient());
  const below = await symptom(key);
  await writers.run('DELETE a FROM Appointment a JOIN Appointment_Symptom s USING (appointment_id) WHERE s.symptom_id = ?', [
    below,
  ]);
  assert.deepEqual(await writers.rows('SELECT * FROM Appointment_Symptom WHERE symptom_id = ?', [below]), []);
  assert.equal(await versionOf(`Appointment/ap-${key}`), 3);
  assert.equal(await versionOf(`Observation/sy-${below}`), 2);
  assert.deepEqual(await writers.rows('SELECT * FROM fhir_trouble'), []);
});

test('one statement over two tables makes one version of what both show', async () => {
  const key = await appointment(await patient());
  const below = await symptom(key);
  await writers.run(
    "UPDATE Appointment a JOIN Appointment_Symptom s USING (appointment_id) SET a.appointment_date = '2026-02-06', s.symptom_name = 'fever' WHERE a.appointment_id = ?",
    [key],
  );
  assert.equal(await versionOf(`Appointment/ap-${key}`), 3);
  assert.equal(await versionOf(`Observation/sy-${below}`), 2);
});

const modes = [
  '',
  'ANSI_QUOTES',
  'NO_BACKSLASH_ESCAPES',
  'ANSI',
  'ORACLE',
  'TRADITIONAL',
  'PAD_CHAR_TO_FULL_LENGTH,HIGH_NOT_PRECEDENCE,PIPES_AS_CONCAT',
];
for (const mode of modes) {
  test(`sessions with sql_mode '${mode}', other zones and character sets leave the same books`, async () => {
    const session = await writers.connect();
    await session.query(`SET NAMES latin1, time_zone = '+11:00', group_concat_max_len = 4, sql_mode = '${mode}', autocommit = 0`);
    await session.query("INSERT INTO Patient (name, sex, created_at) VALUES ('J\\\\o', 'Male', '2026-03-04 05:06:07')");
    const [[found]] = (await session.query('SELECT MAX(patient_id) AS id FROM Patient')) as unknown as [[{ id: number }]];
    await session.query(`INSERT INTO Appointment (patient_id, appointment_date) VALUES (${found.id}, '2026-01-05')`);
    const [[made]] = (await session.query('SELECT MAX(appointment_id) AS id FROM Appointment')) as unknown as [[{ id: number }]];
    for (const name of ['one', 'two']) {
      await session.query(`INSERT INTO Appointment_Symptom (appointment_id, symptom_name) VALUES (${made.id}, '${name}')`);
    }
    await session.query(`DELETE FROM Patient WHERE patient_id = ${found.id}`);
    await session.query('COMMIT');
    const [limit] = (await session.query('SELECT @@group_concat_max_len AS room')) as unknown as [{ room: number }[]];
    assert.equal(limit[0]?.room, 4);
    assert.equal(await versionOf(`Patient/pt-${found.id}`), 2);
    assert.equal(await versionOf(`Appointment/ap-${made.id}`), 4);
    const patientBefore = await writers.gateway.repository.readVersion('Patient', `pt-${found.id}`, 1);
    assert.equal(patientBefore?.stored?.row['created_at'], '2026-03-03 18:06:07');
    const before = await writers.gateway.repository.readVersion('Appointment', `ap-${made.id}`, 3);
    assert.deepEqual(
      before?.stored?.children.map(({ row }) => row['symptom_name']),
      ['one', 'two'],
    );
    assert.deepEqual(await writers.rows('SELECT * FROM fhir_trouble'), []);
  });
}

test('a document is what the driver would have given, type for type', async () => {
  const session = await writers.connect();
  await session.query("SET sql_mode = '', time_zone = '-07:00'");
  const key = await patient();
  await session.query(
    "INSERT INTO Medical_History (patient_id, history_type, history_item, history_details, history_date, severity, is_active) VALUES (?, 'condition', ?, ?, '1985-00-00', 'nonsense', 1)",
    [key, 'quote " back\\ slash \u0001 tab\t é 😀', '{"json": [1]}\u2028'],
  );
  const [[row]] = (await session.query('SELECT MAX(history_id) AS id FROM Medical_History')) as unknown as [[{ id: number }]];
  const name = `mh-${row.id}`;
  const current = await writers.gateway.repository.read('Condition', name);
  await session.query(
    "UPDATE Medical_History SET history_item = 'x', severity = NULL, is_active = NULL, history_date = '0000-00-00' WHERE history_id = ?",
    [row.id],
  );
  const second = await writers.gateway.repository.read('Condition', name);
  await session.query('DELETE FROM Medical_History WHERE history_id = ?', [row.id]);
  const past = async (version: number) => (await writers.gateway.repository.readVersion('Condition', name, version))?.stored;
  assert.deepEqual(await past(1), current?.stored);
  assert.deepEqual(await past(2), second?.stored);
});

test('rolled back is never seen; a savepoint takes back only its part', async () => {
  const key = await patient();
  await writers.run('START TRANSACTION');
  await writers.run("UPDATE Patient SET name = 'one' WHERE patient_id = ?", [key]);
  await writers.run('SAVEPOINT here');
  await writers.run("UPDATE Patient SET name = 'two' WHERE patient_id = ?", [key]);
  await writers.run('ROLLBACK TO here');
  await writers.run('COMMIT');
  assert.equal(await versionOf(`Patient/pt-${key}`), 2);
});

test('when the gateway cannot keep its books, MediMax goes on, and the trouble is noted', async () => {
  const key = await patient();
  await writers.run(
    "CREATE TRIGGER odd_journal BEFORE INSERT ON fhir_journal FOR EACH ROW IF NEW.op = 1 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no room'; END IF",
  );
  await writers.run("UPDATE Patient SET name = 'still here' WHERE patient_id = ?", [key]);
  await writers.run('DROP TRIGGER odd_journal');
  const [row] = await writers.rows('SELECT name FROM Patient WHERE patient_id = ?', [key]);
  assert.equal(row?.['name'], 'still here');
  const troubles = await writers.rows('SELECT place, source_key, errno FROM fhir_trouble');
  assert.deepEqual(
    troubles.map((trouble) => ({ ...trouble })),
    [{ place: 'Patient', source_key: key, errno: 1644 }],
  );
  await writers.run('DELETE FROM fhir_trouble');
});

test('writers of relatives do not meet in deadlocks', async () => {
  const key = await appointment(await patient());
  const [one, two] = [await symptom(key, 'one'), await symptom(key, 'two')];
  const sessions = await Promise.all([0, 1, 2].map(() => writers.connect()));
  const statements: readonly (readonly [string, number])[] = [
    ["UPDATE Appointment_Symptom SET symptom_name = CONCAT('a', RAND()) WHERE symptom_id = ?", one],
    ["UPDATE Appointment_Symptom SET symptom_name = CONCAT('b', RAND()) WHERE symptom_id = ?", two],
    ['UPDATE Appointment SET appointment_date = DATE_ADD(appointment_date, INTERVAL 1 DAY) WHERE appointment_id = ?', key],
  ];
  await Promise.all(
    sessions.map(async (session, index) => {
      for (let round = 0; round < 60; round += 1) await session.query(statements[index]?.[0] ?? '', [statements[index]?.[1]]);
    }),
  );
  assert.equal(await versionOf(`Appointment/ap-${key}`), 3 + 180);
});

test('missing and outdated triggers are said, and migrate puts them right', async () => {
  const registry = createGatewayRegistry();
  assert.deepEqual((await migrateCheck(writers.config, registry)).triggers, []);
  await writers.run('DROP TRIGGER fhir_Patient_update');
  await writers.run('CREATE OR REPLACE TRIGGER fhir_Report_old AFTER INSERT ON Report FOR EACH ROW BEGIN END');
  await writers.run(
    'CREATE OR REPLACE TRIGGER fhir_Patient_insert AFTER INSERT ON Patient FOR EACH ROW BEGIN /* MediMax FHIR gateway 0123456789abcdef */ END',
  );
  const { triggers } = await migrateCheck(writers.config, registry);
  assert.match(
    triggers.join('\n'),
    /missing.*fhir_Patient_update[\s\S]*another release.*fhir_Patient_insert[\s\S]*any more: fhir_Report_old/,
  );
  const report = await migrateUp(writers.config, registry);
  assert.deepEqual(report.triggers, ['fhir_Report_old', 'fhir_Patient_update', 'fhir_Patient_insert']);
  assert.deepEqual((await migrateUp(writers.config, registry)).triggers, []);
  assert.equal(await versionOf(`Patient/pt-${await patient()}`), 1);
});

test('down takes the triggers away before the tables they write to', async () => {
  const own = await twoWriters();
  try {
    await migrateDown(own.config, false);
    const names = (await own.rows('SHOW TRIGGERS')).map(({ Trigger }) => String(Trigger));
    assert.deepEqual(
      names.filter((name) => name.startsWith('fhir_')),
      [],
    );
    await own.run("INSERT INTO Patient (name, sex) VALUES ('Ann', 'Female')");
  } finally {
    await own.close();
  }
});
