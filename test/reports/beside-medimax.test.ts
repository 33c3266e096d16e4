/** MediMax adds findings to a patient's report while clients send reports and results of the same patient: nobody is refused anything. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ResultSetHeader } from 'mysql2/promise';
import request from 'supertest';
import { type TwoWriters, twoWriters } from '../other-writer/legacy.ts';

let two: TwoWriters;
let patient = '';

before(async () => {
  two = await twoWriters();
  const made = await send('post', 'Patient', { resourceType: 'Patient', name: [{ text: 'Bea Beside' }] });
  patient = made.body.id;
});
after(() => two?.close());

function send(method: 'post' | 'put', path: string, body: object) {
  return request(two.app)[method](`/fhir/${path}`).set('Content-Type', 'application/fhir+json').send(JSON.stringify(body));
}

async function putAll(resources: readonly { readonly resourceType: string; readonly id: string }[]) {
  for (const resource of resources) {
    const { status, text } = await send('put', `${resource.resourceType}/${resource.id}`, resource);
    assert.ok(status < 300, text);
  }
}

async function client(name: string): Promise<void> {
  const subject = { reference: `Patient/${patient}` };
  const always = { subject, effectiveDateTime: '2026-01-05' };
  const laboratory = (system: string, code: string) => [
    { coding: [{ system: `http://terminology.hl7.org/CodeSystem/${system}`, code }] },
  ];
  const result = (id: string, status = 'final') => {
    const category = laboratory('observation-category', 'laboratory');
    return { resourceType: 'Observation', id, status, category, code: { text: id }, valueString: 'x', ...always };
  };
  for (let round = 0; round < 8; round += 1) {
    const ids = ['a', 'b', 'c'].map((letter) => `${name}${round}-${letter}`);
    const [a = '', b = '', c = ''] = ids;
    const category = laboratory('v2-0074', 'LAB');
    const code = { text: 'Panel' };
    const named = ids.map((id) => ({ reference: `Observation/${id}` }));
    const report = {
      resourceType: 'DiagnosticReport',
      id: `R${name}${round}`,
      status: 'final',
      category,
      code,
      ...always,
      result: named,
    };
    await putAll([result(a), report, result(b), result(c), result(a, 'entered-in-error'), result(a)]);
    await putAll([{ ...report, result: named.slice(1) } as typeof report, result(`${name}${round}-free`)]);
  }
}

async function medimax(report: number, name: string): Promise<void> {
  const own = await two.connect();
  for (let round = 0; round < 40; round += 1) {
    const [{ insertId }] = await own.query<ResultSetHeader>(
      "INSERT INTO Lab_Finding (lab_report_id, test_name, test_value) VALUES (?, ?, '1')",
      [report, `${name} ${round}`],
    );
    if (round % 3 === 0) await own.query('UPDATE Lab_Finding SET test_value = 2 WHERE lab_finding_id = ?', [insertId]);
    if (round % 5 === 0) await own.query('DELETE FROM Lab_Finding WHERE lab_finding_id = ?', [insertId]);
  }
}

test('no deadlock for MediMax, no error for clients, and every row has its resource', async () => {
  const report = await two.run("INSERT INTO Lab_Report (patient_id, lab_date, lab_type) VALUES (?, '2026-01-05', 'Laboratory')", [
    Number(patient.slice(3)),
  ]);
  await Promise.all([medimax(report, 'one'), medimax(report, 'two'), client('x'), client('y')]);
  const [lost] = await two.rows(
    "SELECT COUNT(*) AS n FROM Lab_Finding f LEFT JOIN fhir_resource r ON r.type = 'Observation' AND r.variant = 'Lab_Finding' AND r.source_key = f.lab_finding_id AND r.state = 0 WHERE r.rid IS NULL",
  );
  assert.equal(Number(lost?.['n']), 0);
  const { body } = await request(two.app).get(`/fhir/DiagnosticReport/lr-${report}`).expect(200);
  const [rows] = await two.rows('SELECT COUNT(*) AS n FROM Lab_Finding WHERE lab_report_id = ?', [report]);
  assert.equal(body.result.length, Number(rows?.['n']));
  assert.deepEqual(await two.rows('SELECT * FROM fhir_trouble'), []);
});

test('a row made for a result goes with the last result that MediMax deletes under it, not before', async () => {
  const day = { effectiveDateTime: '2025-07-08', subject: { reference: `Patient/${patient}` } };
  const category = [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }];
  const result = { resourceType: 'Observation', status: 'final', category, code: { text: 'Sodium' }, valueString: '140', ...day };
  const [one, other] = [(await send('post', 'Observation', result)).body.id, (await send('post', 'Observation', result)).body.id];
  const rows = () => two.rows("SELECT lab_report_id FROM Lab_Report WHERE lab_date = '2025-07-08'");
  const keyOf = (id: string) => Number(id.slice(3));
  assert.equal((await rows()).length, 1);
  await two.run('DELETE FROM Lab_Finding WHERE lab_finding_id = ?', [keyOf(one)]);
  await request(two.app).get(`/fhir/Observation/${one}`).expect(410);
  assert.equal((await rows()).length, 1);
  await two.run('DELETE FROM Lab_Finding WHERE lab_finding_id = ?', [keyOf(other)]);
  await request(two.app).get(`/fhir/Observation/${other}`).expect(410);
  assert.deepEqual(await rows(), []);
  const left = 'SELECT * FROM fhir_resource WHERE state = 2 AND source_key NOT IN (SELECT lab_report_id FROM Lab_Report)';
  assert.deepEqual(await two.rows(left), []);
});
