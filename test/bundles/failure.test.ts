/** A failure at each entry of a transaction of fifty changes nothing, every time: not a row, not a version, not an entry of the change feed. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
let standing: { readonly patient: string; readonly conditions: readonly string[] };

before(async () => {
  gateway = await startTestGateway();
  const made = await send([
    create(0, { resourceType: 'Patient', name: [{ text: 'Standing' }] }),
    ...Array.from({ length: 10 }, (_none, at) => create(at + 1, condition(urn(0), `Old ${at}`))),
  ]).expect(200);
  const [patient, ...conditions] = made.body.entry.map(({ resource }: { resource: { id: string } }) => resource.id);
  standing = { patient, conditions };
});
after(() => gateway.close());

const urn = (n: number) => `urn:uuid:00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const condition = (subject: string, text: string) => ({
  resourceType: 'Condition',
  code: { text },
  subject: { reference: subject },
});
const create = (n: number, resource: { readonly resourceType: string; readonly [key: string]: unknown }) => ({
  fullUrl: urn(n),
  resource,
  request: { method: 'POST', url: resource.resourceType },
});

function send(entry: readonly object[]) {
  return request(gateway.app)
    .post('/fhir')
    .set('Content-Type', 'application/fhir+json')
    .send(JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }));
}

/** Creates of four types, updates, deletes and conditional creates: fifty entries. */
function fifty(): object[] {
  const { patient, conditions } = standing;
  const put = (id: string, at: number) => ({
    resource: { ...condition(`Patient/${patient}`, `New ${at}`), id },
    request: { method: 'PUT', url: `Condition/${id}` },
  });
  return [
    create(1, { resourceType: 'Patient', name: [{ text: 'New' }] }),
    ...conditions.slice(0, 5).map(put),
    ...conditions.slice(5).map((id) => ({ request: { method: 'DELETE', url: `Condition/${id}` } })),
    ...Array.from({ length: 20 }, (_none, at) => create(10 + at, condition(urn(1), `C ${at}`))),
    ...Array.from({ length: 14 }, (_none, at) =>
      create(40 + at, {
        resourceType: 'Observation',
        status: 'final',
        code: { text: `Test ${at}` },
        subject: { reference: urn(1) },
        effectiveDateTime: '2024-01-01',
        valueString: 'x',
      }),
    ),
    ...Array.from({ length: 5 }, (_none, at) => ({
      ...create(60 + at, {
        resourceType: 'Patient',
        identifier: [{ system: 'http://x.example', value: String(at) }],
        name: [{ text: 'N' }],
      }),
      request: { method: 'POST', url: 'Patient', ifNoneExist: `identifier=http://x.example|${at}` },
    })),
  ];
}

async function everything(): Promise<string> {
  const [tables] = await gateway.pool.query(
    "SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE() AND table_type = 'BASE TABLE' AND table_name NOT IN ('fhir_search_pending', 'fhir_setting') ORDER BY table_name",
  );
  const names = (JSON.parse(JSON.stringify(tables)) as { name: string }[])
    .map(({ name }) => name)
    .filter((name) => !name.startsWith('fhir_search_'));
  const [sums] = await gateway.pool.query(`CHECKSUM TABLE ${names.join(', ')}`);
  return JSON.stringify(sums);
}

/** Faults found at different times: by validation, by the mapping, in the database before writing, and while MediMax's tables are written. */
const faults: readonly ((entry: Record<string, unknown>) => Record<string, unknown>)[] = [
  () => create(99, { resourceType: 'Condition', code: 'no' }),
  () => create(99, condition('Patient/nobody', 'X')),
  () => ({ request: { method: 'DELETE', url: 'Condition/none', ifMatch: 'no tag' } }),
  () => ({
    resource: { ...condition(`Patient/${standing.patient}`, 'X'), id: standing.conditions[0] },
    request: { method: 'PUT', url: `Condition/${standing.conditions[0]}`, ifMatch: 'W/"9"' },
  }),
];

test('a fault at each of fifty entries', async () => {
  const whole = fifty();
  assert.equal(whole.length, 50);
  const before = await everything();
  for (const at of whole.keys()) {
    for (const fault of faults) {
      const { status, body } = await send(
        whole.map((entry, index) => (index === at ? fault(entry as Record<string, unknown>) : entry)),
      );
      assert.ok([400, 409, 412, 422].includes(status), `${at}: ${status}`);
      assert.equal(body.resourceType, 'OperationOutcome');
    }
    assert.equal(await everything(), before, `entry ${at}`);
  }
});

test('a fault that only a table finds, in the middle of the writing', async () => {
  const before = await everything();
  for (const table of [
    'Patient',
    'Medical_History',
    'Lab_Report',
    'Lab_Finding',
    'fhir_resource',
    'fhir_change',
    'fhir_version',
  ]) {
    await gateway.pool.query(
      `CREATE TRIGGER injected BEFORE INSERT ON ${table} FOR EACH ROW ${table === 'Medical_History' ? "IF NEW.history_item = 'C 19' THEN" : ''} SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'injected'${table === 'Medical_History' ? '; END IF' : ''}`,
    );
    const { status } = await send(fifty());
    await gateway.pool.query('DROP TRIGGER injected');
    assert.ok(status >= 400, `${table}: ${status}`);
    assert.equal(await everything(), before, table);
  }
});

test('the same Bundle without a fault goes through', async () => {
  const { body } = await send(fifty()).expect(200);
  assert.equal(body.entry.length, 50);
});
