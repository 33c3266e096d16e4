/** `check` finds what is wrong, mends only the gateway's own tables, and the mode without triggers finds changes by itself. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkAll } from '../../src/cli/check-all.ts';
import { sweepAll } from '../../src/db/sweep.ts';
import { type TwoWriters, twoWriters } from './legacy.ts';

const patient = (writers: TwoWriters) => writers.run("INSERT INTO Patient (name, sex) VALUES ('Ann', 'Female')");

async function versions(writers: TwoWriters, type: string, id: string): Promise<readonly string[]> {
  const page = await writers.gateway.history.read({ resourceType: type, id, count: 100 });
  return (page?.entries ?? []).map(({ record }) => `${record.version} ${record.state} ${record.stored ? 'known' : '-'}`);
}

test('a sound database: nothing is wrong', async () => {
  const writers = await twoWriters();
  try {
    const key = await patient(writers);
    await writers.run("UPDATE Patient SET name = 'Bea' WHERE patient_id = ?", [key]);
    assert.deepEqual(await checkAll(writers.config, { fix: false }), { ok: true, findings: [], fixed: [] });
  } finally {
    await writers.close();
  }
});

test("what is wrong is found; what is the gateway's own is mended, MediMax's rows are left alone", async () => {
  const writers = await twoWriters();
  try {
    const [lost, gone] = [await patient(writers), await patient(writers)];
    await writers.gateway.parts.journal.settle();
    await writers.run("SET @fhir_gateway = 1, foreign_key_checks = 0, sql_mode = ''");
    const unseen = await patient(writers);
    await writers.run('DELETE FROM Patient WHERE patient_id = ?', [gone]);
    await writers.run(
      "INSERT INTO Medical_History (patient_id, history_type, history_item) VALUES (987654, 'condition', 'orphan')",
    );
    await writers.run(
      "INSERT INTO Medical_History (patient_id, history_type, history_item, history_date) VALUES (?, 'nonsense', 'x', '1985-00-00')",
      [lost],
    );
    await writers.run('SET @fhir_gateway = NULL');
    await writers.run(
      "CREATE TRIGGER odd_journal BEFORE INSERT ON fhir_journal FOR EACH ROW IF NEW.op = 1 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'no room'; END IF",
    );
    await writers.run("UPDATE Patient SET name = 'not entered' WHERE patient_id = ?", [lost]);
    await writers.run('DROP TRIGGER odd_journal');
    await writers.run(
      "INSERT INTO fhir_version (rid, version, variant, last_updated, state, refined, origin) VALUES (987654, 1, 'x', NOW(6), 0, 0, 'x')",
    );
    await writers.run('INSERT INTO fhir_linked_row (place, row_key, owner_key) VALUES (2, 987654, 987655)');
    await writers.run('DROP TRIGGER fhir_Patient_insert');

    const before = await checkAll(writers.config, { fix: false });
    assert.equal(before.ok, false);
    const names = before.findings.map(({ check }) => check);
    for (const name of [
      'orphan-Medical_History',
      'enum-Medical_History.history_type',
      'date-Medical_History.history_date',
      'row-without-resource-Patient-Patient',
      'resource-without-row-Patient-Patient',
      'versions-without-resource',
      'linked-rows-loose',
      'troubles',
      'triggers',
    ]) {
      assert.ok(names.includes(name), `${name} in ${names.join(' ')}`);
    }
    const rows = await writers.rows('SELECT * FROM Medical_History');
    const { fixed, findings } = await checkAll(writers.config, { fix: true });
    assert.ok(fixed.length >= 4, fixed.join('; '));
    assert.deepEqual(
      findings.filter(({ isFixable }) => isFixable),
      [],
    );
    assert.deepEqual(await writers.rows('SELECT * FROM Medical_History'), rows);
    assert.deepEqual(await versions(writers, 'Patient', `pt-${gone}`), ['2 deleted -', '1 living -']);
    assert.deepEqual(await versions(writers, 'Patient', `pt-${lost}`), ['2 living known', '1 living -']);
    assert.deepEqual(await versions(writers, 'Patient', `pt-${unseen}`), ['1 living known']);
  } finally {
    await writers.close();
  }
});

test('without triggers, sweeps and reads find what MediMax changed', async () => {
  const writers = await twoWriters({ DB_TRIGGERS: 'false' });
  const { repository, parts } = writers.gateway;
  const sweep = () => sweepAll(parts, { compareContent: true });
  try {
    const names = (await writers.rows('SHOW TRIGGERS')).map(({ Trigger }) => String(Trigger));
    assert.deepEqual(
      names.filter((name) => name.startsWith('fhir_')),
      [],
    );
    const key = await patient(writers);
    assert.equal((await repository.read('Patient', `pt-${key}`))?.version, 1);
    await writers.run("UPDATE Patient SET name = 'read' WHERE patient_id = ?", [key]);
    assert.equal((await repository.read('Patient', `pt-${key}`))?.version, 2);
    await writers.run("UPDATE Patient SET name = 'swept' WHERE patient_id = ?", [key]);
    const history = await writers.run(
      "INSERT INTO Medical_History (patient_id, history_type, history_item) VALUES (?, 'lifestyle', 'x')",
      [key],
    );
    assert.equal((await sweep()).changed, 1);
    await sweep();
    await writers.run("UPDATE Medical_History SET history_type = 'other' WHERE history_id = ?", [history]);
    assert.equal((await sweep()).retyped, 1);
    assert.deepEqual(await sweep(), { adopted: 0, gone: 0, back: 0, retyped: 0, changed: 0 });
    await writers.run('DELETE FROM Patient WHERE patient_id = ?', [key]);
    assert.equal((await sweep()).gone, 2);
    assert.deepEqual(await versions(writers, 'Patient', `pt-${key}`), [
      '4 deleted -',
      '3 living known',
      '2 living known',
      '1 living known',
    ]);
    assert.deepEqual(await versions(writers, 'Observation', `mh-${history}`), [
      '3 deleted -',
      '2 living known',
      '1 living known',
    ]);
    await writers.run("INSERT INTO Patient (patient_id, name, sex) VALUES (?, 'back', 'Male')", [key]);
    assert.equal((await sweep()).back, 1);
    assert.equal((await repository.read('Patient', `pt-${key}`))?.version, 5);
  } finally {
    await writers.close();
  }
});
