/** vread and _history over HTTP, with MediMax writing beside. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import request from 'supertest';
import { type TwoWriters, twoWriters } from './legacy.ts';

let writers: TwoWriters;
const get = (path: string) => request(writers.app).get(`/fhir${path}`);

before(async () => {
  writers = await twoWriters();
});

after(() => writers.close());

interface Entry {
  readonly fullUrl: string;
  readonly resource: { readonly meta: { readonly versionId: string }; readonly name: readonly { readonly text: string }[] };
  readonly request: { readonly method: string; readonly url: string };
  readonly response: { readonly status: string; readonly etag: string };
}

interface HistoryBundle {
  readonly entry?: readonly Entry[];
  readonly link: readonly { readonly relation: string; readonly url: string }[];
}

function insertPatient(name: string): Promise<number> {
  return writers.run("INSERT INTO Patient (name, sex, dob) VALUES (?, 'Female', '1980-02-03')", [name]);
}

test('every change of MediMax is a version, and each can be read again', async () => {
  const key = await insertPatient('Ann Old');
  await writers.run("UPDATE Patient SET name = 'Ann New' WHERE patient_id = ?", [key]);
  await writers.run("UPDATE Patient SET name = 'Ann New' WHERE patient_id = ?", [key]);
  await writers.run("UPDATE Patient SET name = 'Ánn new' WHERE patient_id = ?", [key]);
  const read = await get(`/Patient/pt-${key}`).expect(200);
  assert.equal(read.headers['etag'], 'W/"3"');
  assert.equal(read.body.meta.source, 'https://medimax.example/fhir#medimax');
  const names = [];
  for (const version of [1, 2, 3]) {
    const { body, headers } = await get(`/Patient/pt-${key}/_history/${version}`).expect(200);
    assert.equal(headers['etag'], `W/"${version}"`);
    assert.equal(body.meta.versionId, String(version));
    names.push(body.name[0].text);
  }
  assert.deepEqual(names, ['Ann Old', 'Ann New', 'Ánn new']);
  await get(`/Patient/pt-${key}/_history/4`).expect(404);
  await get(`/Patient/pt-${key}/_history/x`).expect(404);
  await get('/Patient/pt-999999/_history/1').expect(404);
});

test('a deleted resource is gone, its history stays, and a row of the same key goes on with its versions', async () => {
  const key = await insertPatient('Bea');
  await writers.run('DELETE FROM Patient WHERE patient_id = ?', [key]);
  const gone = await get(`/Patient/pt-${key}`).expect(410);
  assert.equal(gone.body.resourceType, 'OperationOutcome');
  await get(`/Patient/pt-${key}/_history/2`).expect(410);
  assert.equal((await get(`/Patient/pt-${key}/_history/1`).expect(200)).body.name[0].text, 'Bea');
  await writers.run("INSERT INTO Patient (patient_id, name, sex) VALUES (?, 'Bea again', 'Female')", [key]);
  const { body } = await get(`/Patient/pt-${key}/_history`).expect(200);
  assert.equal(body.type, 'history');
  assert.equal(body.total, 3);
  assert.deepEqual(
    (body as HistoryBundle).entry?.map((entry) => [
      entry.request.method,
      entry.request.url,
      entry.response.status,
      entry.response.etag,
    ]),
    [
      ['PUT', `Patient/pt-${key}`, '201', 'W/"3"'],
      ['DELETE', `Patient/pt-${key}`, '204', 'W/"2"'],
      ['POST', 'Patient', '201', 'W/"1"'],
    ],
  );
  assert.equal(body.entry[1].resource, undefined);
  assert.equal(body.entry[1].fullUrl, `${writers.config.http.baseUrl}/Patient/pt-${key}`);
  await get('/Patient/pt-999999/_history').expect(404);
});

test('histories are paged; the links are signed for their query', async () => {
  const key = await insertPatient('Cid 0');
  for (let number = 1; number < 7; number += 1) {
    await writers.run('UPDATE Patient SET name = ? WHERE patient_id = ?', [`Cid ${number}`, key]);
  }
  const versions: string[] = [];
  let path: string | undefined = `/Patient/pt-${key}/_history?_count=3`;
  let link = '';
  while (path !== undefined) {
    const {
      body,
    }: { body: { entry: { resource: { meta: { versionId: string } } }[]; link: { relation: string; url: string }[] } } =
      await get(path).expect(200);
    versions.push(...(body.entry ?? []).map(({ resource }) => resource.meta.versionId));
    const next: string | undefined = body.link.find(({ relation }) => relation === 'next')?.url;
    link = next ?? link;
    path = next?.slice(writers.config.http.baseUrl.length);
  }
  assert.deepEqual(versions, ['7', '6', '5', '4', '3', '2', '1']);
  const page = new URL(link).searchParams.get('_page') ?? '';
  await get(`/Patient/_history?_page=${page}`).expect(400);
  await get(`/Patient/pt-${key}/_history?_count=0`).expect(200, /"total":7/);
  await get(`/Patient/pt-${key}/_history?_count=x&_since=yesterday`).expect(400);
  await get(`/Patient/pt-${key}/_history?_list=1`).expect(400);
});

test('_since and _at', async () => {
  const key = await insertPatient('Dan 1');
  await writers.run("UPDATE Patient SET name = 'Dan 2' WHERE patient_id = ?", [key]);
  const second = (await get(`/Patient/pt-${key}`)).body.meta.lastUpdated;
  await writers.run("UPDATE Patient SET name = 'Dan 3' WHERE patient_id = ?", [key]);
  const named = async (parameters: string) => {
    const { body } = await get(`/Patient/pt-${key}/_history?${parameters}`).expect(200);
    return ((body as HistoryBundle).entry ?? []).map((entry) => entry.resource.name[0]?.text);
  };
  assert.deepEqual(await named(`_since=${second}`), ['Dan 3', 'Dan 2']);
  assert.deepEqual(await named(`_at=${second}`), ['Dan 2']);
  assert.deepEqual(await named('_at=1999'), []);
  assert.deepEqual(await named('_since=2999-01-01T00:00:00%2B01:00'), []);
});

test('a type and the whole server have histories, newest first', async () => {
  const { body: before } = await get('/_history?_count=1').expect(200);
  const key = await insertPatient('Eve');
  await writers.run("INSERT INTO Medical_History (patient_id, history_type, history_item) VALUES (?, 'condition', 'Asthma')", [
    key,
  ]);
  await writers.run('DELETE FROM Patient WHERE patient_id = ?', [key]);
  const changes = async (path: string) => {
    const { body } = await get(`${path}?_since=${before.meta.lastUpdated}`).expect(200);
    return (body as HistoryBundle).entry?.map((entry) => `${entry.request.method} ${entry.request.url}`);
  };
  assert.deepEqual(await changes('/Patient/_history'), [`DELETE Patient/pt-${key}`, 'POST Patient']);
  assert.deepEqual(
    (await changes('/_history'))?.toSorted(),
    [(await changes('/Condition/_history'))?.[0], `DELETE Patient/pt-${key}`, 'POST Condition', 'POST Patient'].toSorted(),
  );
});

test('the CapabilityStatement says so', async () => {
  const { body } = await get('/metadata').expect(200);
  const [patient] = body.rest[0].resource;
  assert.equal(patient.readHistory, true);
  const codes = patient.interaction.map(({ code }: { code: string }) => code);
  for (const code of ['vread', 'history-instance', 'history-type']) assert.ok(codes.includes(code), code);
  assert.ok(body.rest[0].interaction.some(({ code }: { code: string }) => code === 'history-system'));
});
