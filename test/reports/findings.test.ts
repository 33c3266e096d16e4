/** A DiagnosticReport and its Observations, in whatever order they come: one Lab_Report, its findings under it, everything as it was sent. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import request from 'supertest';
import { type Row, type TwoWriters, twoWriters } from '../other-writer/legacy.ts';

const runs = Number(process.env['LAW_RUNS'] ?? 100) / 10;
const labCategory = [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/v2-0074', code: 'LAB' }] }];

let two: TwoWriters;
let serial = 0;

before(async () => {
  two = await twoWriters();
});
after(() => two?.close());

function send(method: 'post' | 'put' | 'get' | 'delete', path: string, body?: object) {
  const call = request(two.app)[method](`/fhir/${path}`).set('Content-Type', 'application/fhir+json');
  return body === undefined ? call : call.send(JSON.stringify(body));
}

interface Resource {
  readonly resourceType: string;
  readonly id: string;
  readonly [element: string]: unknown;
}

async function put(resource: Resource, status = 201) {
  const { resourceType, id } = resource;
  const response = await send('put', `${resourceType}/${id}`, resource);
  assert.equal(response.status, status, response.text);
}

async function newPatient(): Promise<string> {
  return (await send('post', 'Patient', { resourceType: 'Patient', name: [{ text: 'Paula Report' }] })).body.id;
}

function content({ meta: _meta, ...rest }: Record<string, unknown>) {
  return rest;
}

interface Panel {
  readonly patient: string;
  readonly report: Resource;
  readonly findings: readonly Resource[];
}

/** Its findings say a time of their own, one even another day, and no facility. */
function panel(patient: string, size: number): Panel {
  serial += 1;
  const subject = { reference: `Patient/${patient}` };
  const findings = Array.from({ length: size }, (_, index) => ({
    resourceType: 'Observation',
    id: `f${serial}-${String.fromCharCode(97 + index)}`,
    status: 'final',
    category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
    code: { text: `Test ${index}` },
    subject,
    effectiveDateTime: index === 3 ? '2026-01-04T23:50:00+01:00' : '2026-01-05T07:30:00+01:00',
    valueQuantity: { value: index, unit: 'mmol/L' },
  }));
  const report = {
    resourceType: 'DiagnosticReport',
    id: `r${serial}`,
    status: 'final',
    category: labCategory,
    code: { text: 'Metabolic panel' },
    subject,
    effectiveDateTime: '2026-01-05T08:00:00+01:00',
    performer: [{ type: 'Organization', display: 'City Lab' }],
    result: findings.map(({ id }) => ({ reference: `Observation/${id}` })),
  };
  return { patient, report, findings };
}

/** MediMax's tables of a patient without their keys and times. */
async function tablesOf(patient: string): Promise<unknown> {
  const key = Number(patient.slice(3));
  const reports = await two.rows('SELECT * FROM Lab_Report WHERE patient_id = ?', [key]);
  const findings = await two.rows(
    'SELECT f.* FROM Lab_Finding f JOIN Lab_Report r USING (lab_report_id) WHERE r.patient_id = ? ORDER BY f.test_name',
    [key],
  );
  return reports
    .map(({ lab_report_id, patient_id: _patient, created_at: _created, updated_at: _updated, ...report }) => ({
      ...report,
      findings: findings
        .filter((finding) => finding['lab_report_id'] === lab_report_id)
        .map(({ lab_finding_id: _key, lab_report_id: _report, ...finding }): Row => finding),
    }))
    .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

async function assertAsSent({ report, findings }: Panel) {
  for (const resource of [report, ...findings]) {
    const read = (await send('get', `${resource.resourceType}/${resource.id}`).expect(200)).body;
    assert.deepEqual(content(read), resource);
    assert.equal(read.meta.versionId, '1', `${resource.resourceType}/${resource.id}: nothing it says has changed`);
  }
}

async function expected(size: number): Promise<unknown> {
  const patient = await newPatient();
  const { report, findings } = panel(patient, size);
  for (const finding of findings) await put(finding);
  await put(report);
  const tables = await tablesOf(patient);
  assert.ok(Array.isArray(tables) && tables.length === 1, JSON.stringify(tables));
  assert.equal(tables[0].findings.length, size);
  assert.equal(tables[0].lab_facility, 'City Lab');
  assert.equal(tables[0].lab_type, 'Metabolic panel');
  return tables;
}

test('a report with 26 findings gives the same tables in every order', async () => {
  const wanted = await expected(26);
  const order = fc.shuffledSubarray(
    Array.from({ length: 27 }, (_, index) => index),
    { minLength: 27 },
  );
  await fc.assert(
    fc.asyncProperty(order, async (indexes) => {
      const one = panel(await newPatient(), 26);
      const all = [one.report, ...one.findings];
      for (const index of indexes) await put(all[index] ?? one.report);
      assert.deepEqual(await tablesOf(one.patient), wanted);
      await assertAsSent(one);
      const served = await send('get', `DiagnosticReport?patient=${one.patient}`);
      assert.equal(served.body.entry.length, 1);
      const found = await send('get', `DiagnosticReport?result=Observation/${one.findings[5]?.id}`);
      assert.equal(found.body.entry.length, 1);
    }),
    { numRuns: Math.ceil(runs / 2) },
  );
});

test('the same in a transaction, in every order of its entries, with some of them here before', async () => {
  const wanted = await expected(6);
  const orders = fc.tuple(
    fc.shuffledSubarray([0, 1, 2, 3, 4, 5, 6], { minLength: 7 }),
    fc.subarray([0, 1, 2, 3, 4, 5, 6]),
    fc.boolean(),
  );
  await fc.assert(
    fc.asyncProperty(orders, async ([indexes, early, byUrn]) => {
      const one = panel(await newPatient(), 6);
      const all = [one.report, ...one.findings];
      for (const index of early) await put(all[index] ?? one.report);
      const isNew = (index: number) => byUrn && early.length === 0 && index >= 0;
      const urn = (index: number) => `urn:uuid:00000000-0000-4000-8000-00000000000${index}`;
      const report = isNew(0) ? { ...one.report, result: one.findings.map((_, at) => ({ reference: urn(at + 1) })) } : one.report;
      const entry = indexes.map((index) => {
        const { id, ...resource } = index === 0 ? report : (all[index] ?? report);
        if (isNew(index)) return { fullUrl: urn(index), resource, request: { method: 'POST', url: resource.resourceType } };
        const { resourceType } = resource;
        return { resource: { ...resource, id }, request: { method: 'PUT', url: `${resourceType}/${id}` } };
      });
      const done = await send('post', '', { resourceType: 'Bundle', type: 'transaction', entry });
      assert.equal(done.status, 200, done.text);
      assert.deepEqual(await tablesOf(one.patient), wanted);
      if (!byUrn || early.length > 0) await assertAsSent(one);
      else assert.equal((await send('get', `DiagnosticReport?patient=${one.patient}`)).body.entry[0].resource.result.length, 6);
    }),
    { numRuns: Math.ceil(runs * 2) },
  );
});

test('a report made for findings is not served, disappears when empty, and is the one that a matching report gets', async () => {
  const { patient, report, findings } = panel(await newPatient(), 2);
  for (const finding of findings) await put(finding);
  assert.equal((await send('get', `DiagnosticReport?patient=${patient}`)).body.entry, undefined);
  const { result: _result, performer: _performer, ...bare } = report;
  await put({ ...bare, code: { text: 'Laboratory' } });
  const tables = (await tablesOf(patient)) as { readonly findings: readonly unknown[] }[];
  assert.equal(tables.length, 1, JSON.stringify(tables));
  assert.equal(tables[0]?.findings.length, 2);
  assert.equal((await send('get', `DiagnosticReport/${report.id}`)).body.result, undefined, 'as it was sent');

  const third = panel(await newPatient(), 2);
  for (const finding of third.findings) await put(finding);
  const { result: _none, performer: _nobody, ...said } = third.report;
  const plain = { ...said, code: { text: 'Laboratory' } };
  const entry = [{ resource: plain, request: { method: 'PUT', url: `DiagnosticReport/${third.report.id}` } }];
  await send('post', '', { resourceType: 'Bundle', type: 'transaction', entry }).expect(200);
  assert.deepEqual(
    ((await tablesOf(third.patient)) as { readonly findings: readonly unknown[] }[]).map((one) => one.findings.length),
    [2],
  );
  assert.deepEqual(content((await send('get', `DiagnosticReport/${third.report.id}`)).body), plain);

  const second = panel(await newPatient(), 2);
  for (const finding of second.findings) await put(finding);
  for (const { id } of second.findings) await send('delete', `Observation/${id}`).expect(204);
  assert.deepEqual(await tablesOf(second.patient), []);
});

test('a report that lists nothing and findings that fit it, in one transaction', async () => {
  for (const isNewPatient of [true, false]) {
    for (const reversed of [false, true]) {
      const { patient, report, findings } = panel(
        isNewPatient ? 'urn:uuid:00000000-0000-4000-8000-00000000000f' : await newPatient(),
        3,
      );
      const subject = { reference: isNewPatient ? patient : `Patient/${patient}` };
      const { result: _result, performer: _performer, ...bare } = report;
      const all: object[] = [{ ...bare, subject, code: { text: 'Laboratory' } }, ...findings.map((one) => ({ ...one, subject }))];
      const entry: object[] = (reversed ? all.toReversed() : all).map((resource) => {
        const { resourceType, id } = resource as Resource;
        return { resource, request: { method: 'PUT', url: `${resourceType}/${id}` } };
      });
      const who = { resourceType: 'Patient', name: [{ text: 'Nora New' }] };
      if (isNewPatient) entry.push({ fullUrl: patient, resource: who, request: { method: 'POST', url: 'Patient' } });
      const done = await send('post', '', { resourceType: 'Bundle', type: 'transaction', entry });
      assert.equal(done.status, 200, done.text);
      const read = (await send('get', `DiagnosticReport/${report.id}`)).body;
      const tables = (await tablesOf(read.subject.reference.slice(8))) as { readonly findings: readonly unknown[] }[];
      assert.deepEqual(
        tables.map((one) => one.findings.length),
        [3],
      );
      assert.equal(read.result, undefined, 'as it was sent');
      assert.equal((await send('get', `DiagnosticReport/${report.id}/_history`)).body.total, 1);
    }
  }
});

test('a finding lies under one report; others that name it keep that, and are found by it', async () => {
  const one = panel(await newPatient(), 3);
  await put(one.report);
  for (const finding of one.findings) await put(finding);
  const tables = await tablesOf(one.patient);
  const shared = one.findings[1]?.id;
  const other = {
    ...one.report,
    id: 'second-report',
    code: { text: 'Summary' },
    result: [{ reference: `Observation/${shared}` }],
  };
  await put({ ...other, id: `second-${serial}` });
  const now = (await tablesOf(one.patient)) as unknown[];
  assert.equal(now.length, 2);
  assert.ok(now.some((report) => JSON.stringify(report) === JSON.stringify((tables as unknown[])[0])));
  const found = await send('get', `DiagnosticReport?result=Observation/${shared}&_sort=_id`);
  assert.equal(found.body.entry.length, 2);
});

test('what MediMax does to the findings shows in the list; what is no finding stays', async () => {
  const one = panel(await newPatient(), 3);
  const contained = { resourceType: 'Observation', id: 'inside', status: 'final', code: { text: 'Inside' } };
  const elsewhere = { reference: 'https://other.example/fhir/Observation/7' };
  const [a, b, c] = (one.report['result'] ?? []) as readonly object[];
  const report = { ...one.report, contained: [contained], result: [c, { reference: '#inside' }, a, elsewhere, b] };
  for (const finding of one.findings) await put(finding);
  await put(report);
  assert.deepEqual((await send('get', `DiagnosticReport/${report.id}`)).body.result, report.result);

  const [{ lab_report_id: key } = {}] = await two.rows('SELECT lab_report_id FROM Lab_Report WHERE patient_id = ?', [
    Number(one.patient.slice(3)),
  ]);
  await two.run("DELETE FROM Lab_Finding WHERE lab_report_id = ? AND test_name = 'Test 0'", [key]);
  const added = await two.run("INSERT INTO Lab_Finding (lab_report_id, test_name, test_value) VALUES (?, 'New', '1')", [key]);
  const now = (await send('get', `DiagnosticReport/${report.id}`)).body;
  assert.deepEqual(now.result, [c, { reference: '#inside' }, elsewhere, b, { reference: `Observation/lf-${added}` }]);
  assert.equal(now.meta.versionId, '3');
  assert.equal((await send('get', `DiagnosticReport/${report.id}/_history/2`)).body.result.length, 4);
  await two.run('UPDATE Lab_Finding SET test_value = 2 WHERE lab_finding_id = ?', [added]);
  assert.equal((await send('get', `DiagnosticReport/${report.id}`)).body.meta.versionId, '3', 'a value is the finding’s own');

  await two.run("UPDATE Lab_Report SET lab_date = '2026-02-01' WHERE lab_report_id = ?", [key]);
  assert.equal((await send('get', `DiagnosticReport/${report.id}`)).body.effectiveDateTime, '2026-02-01');
  const finding = (await send('get', `Observation/${one.findings[1]?.id}`)).body;
  assert.equal(finding.effectiveDateTime, '2026-02-01');
  assert.equal(finding.meta.versionId, '2');
});

test('a report of MediMax lists its findings; what comes for its day, type, doctor and facility joins it', async () => {
  const patient = await newPatient();
  const key = await two.run("INSERT INTO Lab_Report (patient_id, lab_date, lab_type) VALUES (?, '2026-01-05', 'Laboratory')", [
    Number(patient.slice(3)),
  ]);
  const first = await two.run("INSERT INTO Lab_Finding (lab_report_id, test_name, test_value) VALUES (?, 'Na', '140')", [key]);
  const [finding] = panel(patient, 1).findings;
  assert.ok(finding);
  await put(finding);
  const report = (await send('get', `DiagnosticReport/lr-${key}`).expect(200)).body;
  assert.deepEqual(report.result, [{ reference: `Observation/lf-${first}` }, { reference: `Observation/${finding.id}` }]);
  await two.run('UPDATE Lab_Finding SET lab_report_id = lab_report_id, test_value = 141 WHERE lab_finding_id = ?', [first]);
  const again = await send('put', `DiagnosticReport/lr-${key}`, report);
  assert.equal(again.body.meta.versionId, report.meta.versionId);
});

test('a finding that the report names no longer lies elsewhere, and is no less there', async () => {
  const one = panel(await newPatient(), 3);
  for (const finding of one.findings) await put(finding);
  await put(one.report);
  const [, ...others] = one.report['result'] as readonly object[];
  await put({ ...one.report, result: others }, 200);
  const tables = (await tablesOf(one.patient)) as { readonly findings: readonly unknown[] }[];
  assert.deepEqual(tables.map(({ findings }) => findings.length).toSorted(), [1, 2]);
  assert.deepEqual(content((await send('get', `Observation/${one.findings[0]?.id}`)).body), one.findings[0]);
  assert.equal((await send('get', `DiagnosticReport?patient=${one.patient}`)).body.entry.length, 1);

  await send('delete', `DiagnosticReport/${one.report.id}`).expect(204);
  for (const finding of one.findings) assert.deepEqual(content((await send('get', `Observation/${finding.id}`)).body), finding);
  assert.equal((await send('get', `DiagnosticReport?patient=${one.patient}`)).body.entry, undefined);
  await put(one.report);
  const [again] = (await tablesOf(one.patient)) as { readonly findings: readonly unknown[] }[];
  assert.equal(again?.findings.length, 3, 'taken in again');
});

test('a corrected value is a new version of the finding and leaves the report alone', async () => {
  const one = panel(await newPatient(), 2);
  await put(one.report);
  for (const finding of one.findings) await put(finding);
  const corrected = {
    ...one.findings[0],
    resourceType: 'Observation',
    id: String(one.findings[0]?.id),
    status: 'corrected',
    valueQuantity: { value: 99, unit: 'mmol/L' },
    effectiveDateTime: '2026-01-06T07:00:00+01:00',
  };
  await put(corrected, 200);
  assert.deepEqual(content((await send('get', `Observation/${corrected.id}`)).body), corrected);
  const report = (await send('get', `DiagnosticReport/${one.report.id}`)).body;
  assert.deepEqual(content(report), one.report);
  assert.equal(report.meta.versionId, '1');
  assert.equal(((await tablesOf(one.patient)) as unknown[]).length, 1);
});

test('a withdrawn finding leaves MediMax; the report goes on naming it; valid again, it lies where it lay', async () => {
  const one = panel(await newPatient(), 2);
  for (const finding of one.findings) await put(finding);
  await put(one.report);
  const tables = await tablesOf(one.patient);
  const [first] = one.findings;
  assert.ok(first);
  await put({ ...first, status: 'entered-in-error' }, 200);
  assert.equal(((await tablesOf(one.patient)) as { findings: unknown[] }[])[0]?.findings.length, 1);
  const report = (await send('get', `DiagnosticReport/${one.report.id}`)).body;
  assert.deepEqual(content(report), one.report);
  assert.equal(report.meta.versionId, '1');
  await put(first, 200);
  assert.deepEqual(await tablesOf(one.patient), tables);
});

test('a withdrawn report takes its findings out of MediMax and brings them back', async () => {
  const one = panel(await newPatient(), 3);
  for (const finding of one.findings) await put(finding);
  await put(one.report);
  const tables = await tablesOf(one.patient);
  await put({ ...one.report, status: 'entered-in-error' }, 200);
  assert.deepEqual(await tablesOf(one.patient), []);
  for (const finding of one.findings) {
    const read = (await send('get', `Observation/${finding.id}`).expect(200)).body;
    assert.deepEqual(content(read), finding);
    assert.equal(read.meta.versionId, '1');
  }
  await put({ ...one.report, status: 'amended' }, 200);
  assert.deepEqual(await tablesOf(one.patient), tables);
  for (const finding of one.findings) assert.deepEqual(content((await send('get', `Observation/${finding.id}`)).body), finding);
});

test('the report and its findings at the same time', async () => {
  const wanted = await expected(8);
  for (let round = 0; round < 4; round += 1) {
    const one = panel(await newPatient(), 8);
    const all = [...one.findings.slice(0, 4), one.report, ...one.findings.slice(4)];
    await Promise.all(all.map((resource) => put(resource)));
    assert.deepEqual(await tablesOf(one.patient), wanted);
    await assertAsSent(one);
  }
});

test('in one transaction: withdrawn, and back; another list, and other values', async () => {
  const one = panel(await newPatient(), 4);
  for (const resource of [one.report, ...one.findings]) await put(resource);
  const tables = await tablesOf(one.patient);
  const all = async (change: (resource: Resource) => Resource) => {
    const entry = [one.report, ...one.findings].map(change).map((resource) => ({
      resource,
      request: { method: 'PUT', url: `${resource.resourceType}/${resource.id}` },
    }));
    const done = await send('post', '', { resourceType: 'Bundle', type: 'transaction', entry });
    assert.equal(done.status, 200, done.text);
    for (const { resource } of entry) {
      const read = (await send('get', `${resource.resourceType}/${resource.id}`)).body;
      assert.deepEqual(content(read), resource);
      const { body } = await send('get', `${resource.resourceType}/${resource.id}/_history`);
      assert.equal(body.total, Number(read.meta.versionId));
    }
  };
  await all((resource) => ({ ...resource, status: 'entered-in-error' }));
  assert.deepEqual(await tablesOf(one.patient), []);
  await all((resource) => ({ ...resource, status: 'amended' }));
  assert.deepEqual(await tablesOf(one.patient), tables);
  const [first, second] = one.report['result'] as readonly object[];
  await all((resource) =>
    resource.resourceType === 'DiagnosticReport'
      ? { ...resource, effectiveDateTime: '2026-01-09', result: [second, first] }
      : { ...resource, effectiveDateTime: '2026-01-08T10:00:00Z', note: [{ text: 'looked at again' }] },
  );
  const now = (await tablesOf(one.patient)) as { readonly lab_date: string; readonly findings: readonly unknown[] }[];
  assert.deepEqual(now.map(({ findings }) => findings.length).toSorted(), [2, 2]);
  await all((resource) => resource);
  assert.deepEqual(await tablesOf(one.patient), tables);
});

test('a finding that MediMax moves leaves one report and joins another, each a version', async () => {
  const patient = Number((await newPatient()).slice(3));
  const report = (type: string) =>
    two.run("INSERT INTO Lab_Report (patient_id, lab_date, lab_type) VALUES (?, '2026-01-05', ?)", [patient, type]);
  const [from, to] = [await report('CBC'), await report('Lipids')];
  const finding = await two.run("INSERT INTO Lab_Finding (lab_report_id, test_name, test_value) VALUES (?, 'Na', '140')", [from]);
  await two.run('UPDATE Lab_Finding SET lab_report_id = ? WHERE lab_finding_id = ?', [to, finding]);
  const read = async (key: number) => (await send('get', `DiagnosticReport/lr-${key}`).expect(200)).body;
  assert.deepEqual([(await read(from)).result, (await read(from)).meta.versionId], [undefined, '3']);
  assert.deepEqual(
    [(await read(to)).result, (await read(to)).meta.versionId],
    [[{ reference: `Observation/lf-${finding}` }], '2'],
  );
  assert.deepEqual((await send('get', `DiagnosticReport/lr-${from}/_history/2`)).body.result, [
    { reference: `Observation/lf-${finding}` },
  ]);
  const left = await send('get', `DiagnosticReport?result=Observation/lf-${finding}`);
  assert.deepEqual(
    left.body.entry.map((entry: { resource: { id: string } }) => entry.resource.id),
    [`lr-${to}`],
  );
});

test('a report cannot name the findings of another patient', async () => {
  const one = panel(await newPatient(), 1);
  for (const finding of one.findings) await put(finding);
  const subject = { reference: `Patient/${await newPatient()}` };
  await put({ ...one.report, subject }, 422);
});
