/** $everything: the whole chart, and a cache that is never older than it. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import request from 'supertest';
import { assemble } from '../../src/assemble.ts';
import { openRedis } from '../../src/cache/redis.ts';
import { readConfig } from '../../src/config.ts';
import { createLog } from '../../src/log.ts';
import { type TwoWriters, twoWriters } from './legacy.ts';

let writers: TwoWriters;
let assembly: Awaited<ReturnType<typeof assemble>>;
const log = createLog('silent', () => {});

before(async () => {
  writers = await twoWriters();
  assembly = await assemble({ ...writers.config, redis: { ...writers.config.redis, medimaxUrl: writers.config.redis.url } }, log);
});

after(async () => {
  await assembly.close();
  await writers.close();
});

interface Entry {
  readonly fullUrl: string;
  readonly resource: { readonly resourceType: string; readonly id: string; readonly name?: readonly { readonly text: string }[] };
  readonly search: { readonly mode: string };
}

const get = (path: string) => request(assembly.handler).get(`/fhir${path}`);

async function chart(path: string): Promise<readonly string[]> {
  const { body } = await get(path).expect(200);
  return ((body.entry ?? []) as Entry[]).map(({ resource }) => `${resource.resourceType}/${resource.id}`);
}

async function patientWithChart(): Promise<{ readonly key: number; readonly condition: number; readonly appointment: number }> {
  const key = await writers.run("INSERT INTO Patient (name, sex) VALUES ('Ann', 'Female')");
  const condition = await writers.run(
    "INSERT INTO Medical_History (patient_id, history_type, history_item, history_date) VALUES (?, 'condition', 'Asthma', '2020-01-01')",
    [key],
  );
  const appointment = await writers.run("INSERT INTO Appointment (patient_id, appointment_date) VALUES (?, '2026-01-05')", [key]);
  return { key, condition, appointment };
}

test('the patient and the chart, each with its Provenance', async () => {
  const { key, condition, appointment } = await patientWithChart();
  const { body } = await get(`/Patient/pt-${key}/$everything`).expect(200);
  assert.equal(body.type, 'searchset');
  assert.equal(body.total, 3);
  const modes = (body.entry as Entry[]).map(({ resource, search }) => `${resource.resourceType} ${search.mode}`);
  assert.deepEqual(modes, [
    'Patient match',
    'Provenance include',
    'Condition match',
    'Provenance include',
    'Appointment match',
    'Provenance include',
  ]);
  const [, provenance] = body.entry;
  assert.deepEqual(provenance.resource.target, [{ reference: `Patient/pt-${key}/_history/1` }]);
  assert.equal(provenance.resource.agent[0].who.identifier.value, 'medimax');
  assert.deepEqual(await chart(`/Patient/pt-${key}/$everything?_type=Condition,Appointment`), [
    `Condition/mh-${condition}`,
    `Appointment/ap-${appointment}`,
  ]);
  assert.deepEqual(await chart(`/Patient/pt-${key}/$everything?_type=Patient,Condition&start=2025-01-01`), [`Patient/pt-${key}`]);
  assert.deepEqual(await chart(`/Patient/pt-${key}/$everything?_type=Condition,Appointment&end=2020`), [
    `Condition/mh-${condition}`,
  ]);
});

test('pages of a chart hold everything once', async () => {
  const { key } = await patientWithChart();
  const found: string[] = [];
  let path: string | undefined = `/Patient/pt-${key}/$everything?_type=Patient,Condition,Appointment&_count=1`;
  while (path !== undefined) {
    const body = (await get(path).expect(200)).body as { entry: Entry[]; link: { relation: string; url: string }[] };
    found.push(...body.entry.map(({ resource }) => resource.resourceType));
    const next: string | undefined = body.link.find(({ relation }) => relation === 'next')?.url;
    path = next?.slice(writers.config.http.baseUrl.length);
  }
  assert.deepEqual(found, ['Patient', 'Condition', 'Appointment']);
});

test('a change by MediMax is in the very next answer, one that commits late too, and a record that moves away is gone', async () => {
  const { key, condition } = await patientWithChart();
  const other = await writers.run("INSERT INTO Patient (name, sex) VALUES ('Bea', 'Female')");
  const url = `/Patient/pt-${key}/$everything?_type=Patient,Condition`;
  const text = async () => (await get(url).expect(200)).text;
  const first = await text();
  assert.equal(await text(), first);
  const slow = await writers.connect();
  await slow.query('START TRANSACTION');
  await slow.query("UPDATE Medical_History SET history_item = 'Late' WHERE history_id = ?", [condition]);
  await writers.run("UPDATE Patient SET name = 'Ann Early' WHERE patient_id = ?", [key]);
  assert.match(await text(), /Ann Early.*Asthma/);
  await slow.query('COMMIT');
  assert.match(await text(), /Ann Early.*Late/);
  await writers.run('UPDATE Medical_History SET patient_id = ? WHERE history_id = ?', [other, condition]);
  assert.doesNotMatch(await text(), /Late/);
});

test('what is wrong with the question is said, all of it', async () => {
  const { key } = await patientWithChart();
  const { body } = await get(`/Patient/pt-${key}/$everything?_type=Unicorn&start=x&_count=-1`).expect(400);
  assert.equal(body.issue.length, 3);
  await get(`/Patient/pt-${key}/$everything?_elements=id`).expect(400);
  await get('/Patient/pt-987654/$everything').expect(404);
  await writers.run('DELETE FROM Patient WHERE patient_id = ?', [key]);
  await get(`/Patient/pt-${key}/$everything`).expect(410);
});

test("MediMax's own cached profile goes after a change by whomever", async () => {
  const { key } = await patientWithChart();
  const redis = openRedis(readConfig({ REDIS_URL: writers.config.redis.url }).redis.url, () => {});
  try {
    await sleep(1200);
    await redis.set(`patient_profile:${key}`, 'old', 3600);
    await writers.run("UPDATE Medical_History SET severity = 'severe' WHERE patient_id = ?", [key]);
    for (let tries = 0; tries < 100 && (await redis.get(`patient_profile:${key}`)) !== null; tries += 1) await sleep(50);
    assert.equal(await redis.get(`patient_profile:${key}`), null);
  } finally {
    redis.close();
  }
});
