/** A transaction of many entries costs hardly more statements than one of few: they are grouped by table and operation. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let gateway: TestGateway;
before(async () => {
  gateway = await startTestGateway({ env: { DB_POOL_MIN: '1', DB_POOL_MAX: '1' } });
});
after(() => gateway.close());

const urn = (n: number) => `urn:uuid:00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

/** Statements of the only connection so far. */
async function statements(): Promise<number> {
  const [rows] = await gateway.pool.query("SHOW SESSION STATUS LIKE 'Questions'");
  return Number(JSON.parse(JSON.stringify(rows))[0].Value);
}

async function send(
  entry: readonly object[],
): Promise<{ readonly cost: number; readonly resources: readonly { readonly id: string }[] }> {
  const start = await statements();
  const { body } = await request(gateway.app)
    .post('/fhir')
    .set('Content-Type', 'application/fhir+json')
    .send(JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }))
    .expect(200);
  const cost = (await statements()) - start;
  return { cost, resources: body.entry.map(({ resource }: { resource?: { id: string } }) => resource) };
}

function chart(size: number): object[] {
  const of = (at: number) => [
    { resourceType: 'Condition', code: { text: `C ${at}` }, subject: { reference: urn(0) } },
    {
      resourceType: 'Observation',
      status: 'final',
      code: { text: `T ${at}` },
      subject: { reference: urn(0) },
      effectiveDateTime: `2020-01-${String((at % 28) + 1).padStart(2, '0')}`,
      valueQuantity: { value: at, unit: 'mg' },
    },
  ];
  return [
    {
      fullUrl: urn(0),
      resource: { resourceType: 'Patient', name: [{ text: 'Chart' }] },
      request: { method: 'POST', url: 'Patient' },
    },
    ...Array.from({ length: size }, (_none, at) =>
      of(at).map((resource) => ({ resource, request: { method: 'POST', url: resource.resourceType } })),
    ).flat(),
  ];
}

test('creates of a hundred cost no more statements than creates of ten', async () => {
  await send(chart(1));
  const few = await send(chart(5));
  const many = await send(chart(50));
  assert.equal(many.resources.length, 101);
  assert.equal(many.cost, few.cost);
  assert.ok(many.cost <= 16, `${many.cost} statements`);
});

test('updates and deletes are looked up and locked together', async () => {
  const { resources } = await send(chart(50));
  const conditions = resources.slice(1).filter((_one, at) => at % 2 === 0) as {
    readonly id: string;
    readonly [key: string]: unknown;
  }[];
  const put = (count: number, text: string) =>
    conditions.slice(0, count).map((one) => ({
      resource: { ...one, code: { text: `${text} ${one.id}` } },
      request: { method: 'PUT', url: `Condition/${one.id}` },
    }));
  const few = await send(put(5, 'first'));
  const many = await send(put(50, 'second'));
  assert.ok(many.cost - few.cost <= 45 * 4, `${few.cost} and ${many.cost} statements`);
  const same = await send(put(50, 'second'));
  assert.ok(same.cost <= 10, `${same.cost} statements where nothing changes`);
});
