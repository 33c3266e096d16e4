/** MediMax's sessions never meet a deadlock that they would not have had without the triggers: a report changed while results are added to it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ResultSetHeader } from 'mysql2/promise';
import { connectMedimax } from '../search/medimax.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
const rounds = 120;

before(async () => {
  gateway = await startTestGateway();
});
after(() => gateway.close());

test('a report is changed and results are added by two sessions at once', async () => {
  const [changing, adding] = [await connectMedimax(gateway.pool), await connectMedimax(gateway.pool)];
  await changing.query("INSERT INTO Patient (patient_id, name, sex) VALUES (1, 'Busy Chart', 'Other')");
  const insert = "INSERT INTO Lab_Report (patient_id, lab_date, lab_type) VALUES (1, '2026-01-01', 'Panel')";
  const [{ insertId }] = await changing.query<ResultSetHeader>(insert);
  const refused: string[] = [];
  const tell = (failure: { code?: string }) => refused.push(String(failure.code));
  const change = async () => {
    for (let round = 0; round < rounds; round += 1)
      await changing
        .query('UPDATE Lab_Report SET lab_facility = ? WHERE lab_report_id = ?', [`Lab ${round}`, insertId])
        .catch(tell);
  };
  const add = async () => {
    for (let round = 0; round < rounds; round += 1)
      await adding
        .query("INSERT INTO Lab_Finding (lab_report_id, test_name, test_value) VALUES (?, 'Sodium', '140')", [insertId])
        .catch(tell);
  };
  await Promise.all([change(), add()]);
  await Promise.all([changing.end(), adding.end()]);
  assert.deepEqual(refused, []);
});
