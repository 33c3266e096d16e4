/** One version a statement and resource, in its right place, however much of MediMax's waits in the journal. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type TwoWriters, twoWriters } from './legacy.ts';

let writers: TwoWriters;

before(async () => {
  writers = await twoWriters();
});

after(() => writers.close());

const patient = (name = 'Ann') => writers.run("INSERT INTO Patient (name, sex) VALUES (?, 'Female')", [name]);
const report = (patientKey: number, type = 'Blood') =>
  writers.run("INSERT INTO Lab_Report (patient_id, lab_date, lab_type) VALUES (?, '2026-01-05', ?)", [patientKey, type]);
const appointment = (patientKey: number) =>
  writers.run("INSERT INTO Appointment (patient_id, appointment_date, status) VALUES (?, '2026-01-05', 'Scheduled')", [
    patientKey,
  ]);
const symptom = (appointmentKey: number) =>
  writers.run("INSERT INTO Appointment_Symptom (appointment_id, symptom_name) VALUES (?, 'cough')", [appointmentKey]);
const settle = () => writers.gateway.parts.journal.settle();

/** So many findings by one statement. */
const findings = (reportKey: number, count: number) =>
  writers.run(
    `INSERT INTO Lab_Finding (lab_report_id, test_name, test_value) SELECT ?, CONCAT('test ', seq), '1' FROM seq_1_to_${count}`,
    [reportKey],
  );

async function read(type: string, id: string) {
  const record = await writers.gateway.repository.read(type, id);
  if (!record) return null;
  return { version: record.version, state: record.state, body: record.stored ? writers.gateway.repository.render(record) : null };
}

async function past(type: string, id: string, version: number) {
  const record = await writers.gateway.repository.readVersion(type, id, version);
  assert.ok(record?.stored, `${type}/${id} ${version}`);
  return writers.gateway.repository.render(record);
}

/** `version state` → how many resources of that type under a report of the patient's are so. */
async function tally(type: string, patientKey: number, prefix: string) {
  const rows = await writers.rows(
    'SELECT version, state, COUNT(*) AS n FROM fhir_resource WHERE type = ? AND patient_key = ? AND id LIKE ? GROUP BY version, state',
    [type, patientKey, `${prefix}-%`],
  );
  return Object.fromEntries(rows.map(({ version, state, n }) => [`${version} ${state === 0 ? 'living' : 'deleted'}`, Number(n)]));
}

const namesOf = (body: unknown) => ((body as { result?: readonly unknown[] } | null)?.result ?? []).length;

test('statements of more rows than a batch ever holds: one version each of all that they concern', async () => {
  const count = 5600;
  const key = await patient();
  const [one, other] = [await report(key), await report(key, 'Urine')];
  await settle();
  await findings(one, count);
  assert.equal((await read('DiagnosticReport', `lr-${one}`))?.version, 2);
  assert.deepEqual(await tally('Observation', key, 'lf'), { '1 living': count });

  await writers.run("UPDATE Lab_Finding SET test_value = '2' WHERE lab_report_id = ?", [one]);
  assert.deepEqual(await tally('Observation', key, 'lf'), { '2 living': count });
  assert.equal((await read('DiagnosticReport', `lr-${one}`))?.version, 2);

  await writers.run('UPDATE Lab_Finding SET lab_report_id = ? WHERE lab_report_id = ?', [other, one]);
  assert.deepEqual(await tally('Observation', key, 'lf'), { '3 living': count });
  assert.equal((await read('DiagnosticReport', `lr-${one}`))?.version, 3);
  assert.equal((await read('DiagnosticReport', `lr-${other}`))?.version, 2);
  assert.equal(namesOf(await past('DiagnosticReport', `lr-${one}`, 1)), 0);
  assert.equal(namesOf(await past('DiagnosticReport', `lr-${one}`, 2)), count);
  assert.equal(namesOf(await past('DiagnosticReport', `lr-${other}`, 1)), 0);

  await writers.run("UPDATE Lab_Report SET lab_date = '2026-02-06' WHERE lab_report_id = ?", [other]);
  await writers.run('DELETE FROM Patient WHERE patient_id = ?', [key]);
  assert.deepEqual(await tally('Observation', key, 'lf'), { '5 deleted': count });
  assert.deepEqual(await tally('DiagnosticReport', key, 'lr'), { '4 deleted': 2 });
  assert.equal(namesOf(await past('DiagnosticReport', `lr-${other}`, 3)), count);
  const versions = await writers.rows(
    'SELECT COUNT(*) AS n, COUNT(DISTINCT rid) AS resources FROM fhir_version JOIN fhir_resource r USING (rid) WHERE r.patient_key = ?',
    [key],
  );
  assert.deepEqual(versions, [{ n: 4 * count + 2 * 3 + 1, resources: count + 3 }]);
});

/** More entries than one batch holds, of rows that have nothing to do with the others; made so that the next entry is the first but `before`. */
async function manyEntries(count: number): Promise<void> {
  await writers.run(`UPDATE Patient SET name = CONCAT(name, '.') WHERE name LIKE 'Filler%' LIMIT ${count}`);
}

test('the end of a batch comes between the two entries of a row that moves', async () => {
  await writers.run("INSERT INTO Patient (name, sex) SELECT 'Filler', 'Other' FROM seq_1_to_1100");
  const key = await patient();
  const [one, other] = [await appointment(key), await appointment(key)];
  const moving = await symptom(one);
  await settle();
  await manyEntries(999);
  await writers.run('UPDATE Appointment_Symptom SET appointment_id = ? WHERE symptom_id = ?', [other, moving]);
  assert.equal((await read('Appointment', `ap-${one}`))?.version, 3);
  assert.equal((await read('Appointment', `ap-${other}`))?.version, 2);
  assert.equal((await past('Appointment', `ap-${other}`, 1))['reasonCode'], undefined);
});

test('the end of a batch comes between a row and those that fall with it', async () => {
  const key = await patient();
  const falling = await appointment(key);
  for (let each = 0; each < 3; each += 1) await symptom(falling);
  await settle();
  await manyEntries(999);
  await writers.run('DELETE FROM Appointment WHERE appointment_id = ?', [falling]);
  assert.deepEqual(await tally('Observation', key, 'sy'), { '2 deleted': 3 });
  const told = await writers.rows(
    "SELECT COUNT(*) AS n FROM fhir_change c JOIN fhir_resource r USING (rid) WHERE c.patient_key = ? AND r.id LIKE 'sy-%' AND c.version = 2",
    [key],
  );
  assert.deepEqual(told, [{ n: 3 }]);
});

test('a row that is to come and go behind the batch is not there yet', async () => {
  const key = await patient();
  const [away, here, gone] = [await appointment(key), await appointment(key), await appointment(key)];
  const [passing, removed] = [await symptom(away), await symptom(away)];
  await settle();
  await writers.run("UPDATE Appointment SET appointment_date = '2026-03-07', notes = 'later' WHERE appointment_id = ?", [here]);
  await manyEntries(1050);
  for (const target of [here, gone])
    await writers.run('UPDATE Appointment_Symptom SET appointment_id = ? WHERE symptom_id = ?', [target, passing]);
  await writers.run('UPDATE Appointment_Symptom SET appointment_id = ? WHERE symptom_id = ?', [here, removed]);
  await writers.run('DELETE FROM Appointment_Symptom WHERE symptom_id = ?', [removed]);
  assert.equal((await read('Observation', `sy-${passing}`))?.version, 3);
  assert.equal((await read('Observation', `sy-${removed}`))?.version, 3);
  assert.equal((await read('Appointment', `ap-${here}`))?.version, 6);
  for (const version of [1, 2, 4])
    assert.equal((await past('Appointment', `ap-${here}`, version))['reasonReference'], undefined, `${version}`);
  assert.ok((await past('Appointment', `ap-${here}`, 3))['reasonReference']);
});

test('an entry that cannot be read is set aside, the others of the same rows get through', async () => {
  const key = await patient();
  const lab = await report(key);
  const [first, second] = [await findings(lab, 1), await findings(lab, 1)];
  await settle();
  await writers.run("UPDATE Lab_Finding SET test_value = '7' WHERE lab_finding_id = ?", [first]);
  await writers.run("UPDATE Lab_Finding SET test_value = '8' WHERE lab_finding_id = ?", [second]);
  await writers.run(
    "INSERT INTO fhir_journal (place, op, row_key, above, made, conn, doc) VALUES (8, 1, ?, ?, UTC_TIMESTAMP(6), CONNECTION_ID(), 'odd')",
    [second, lab],
  );
  await writers.run("UPDATE Lab_Finding SET test_value = '9' WHERE lab_finding_id = ?", [first]);
  assert.equal((await read('Observation', `lf-${first}`))?.version, 3);
  assert.equal((await read('Observation', `lf-${second}`))?.version, 2);
  assert.equal((await writers.rows('SELECT * FROM fhir_trouble')).length, 1);
  assert.deepEqual(await writers.rows('SELECT * FROM fhir_journal'), []);
  await writers.run('DELETE FROM fhir_trouble');
});

test('an open transaction keeps nobody from what the others have committed', async () => {
  const [key, held] = [await patient(), await patient()];
  await settle();
  const own = await writers.connect();
  await own.query('START TRANSACTION');
  await own.query("UPDATE Patient SET name = 'held' WHERE patient_id = ?", [held]);
  for (let round = 1; round <= 40; round += 1)
    await writers.run('UPDATE Patient SET name = ? WHERE patient_id = ?', [`round ${round}`, key]);
  await own.query("UPDATE Patient SET name = 'held on' WHERE patient_id = ?", [held]);
  assert.equal((await read('Patient', `pt-${key}`))?.version, 41);
  assert.equal((await read('Patient', `pt-${held}`))?.version, 1);
  await own.query('COMMIT');
  assert.equal((await read('Patient', `pt-${held}`))?.version, 3);
});

test('what is no fault of an entry sets none aside: it waits in the journal until the books can be kept again', async () => {
  const key = await patient();
  await settle();
  await writers.run("UPDATE Patient SET name = 'Waits' WHERE patient_id = ?", [key]);
  await writers.medimax.query('RENAME TABLE fhir_version TO fhir_version_away');
  await assert.rejects(settle());
  await writers.medimax.query('RENAME TABLE fhir_version_away TO fhir_version');
  assert.equal((await read('Patient', `pt-${key}`))?.version, 2);
  assert.deepEqual(await writers.rows('SELECT * FROM fhir_trouble'), []);
});
