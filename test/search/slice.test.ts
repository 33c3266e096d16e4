/** Search end to end over HTTP: the usual questions, pages, refusals, and rows that MediMax has just written. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { connectMedimax } from './medimax.ts';
import { noteStatements, type Statements } from './statements.ts';

interface Entry {
  readonly resource: { readonly id: string; readonly resourceType: string };
  readonly search: { readonly mode: string };
}
interface Searchset {
  readonly total?: number;
  readonly entry?: readonly Entry[];
  readonly link: readonly { readonly relation: string; readonly url: string }[];
}

let gateway: TestGateway;
let statements: Statements;
let medimax: Connection;

async function find(path: string, headers: Record<string, string> = {}): Promise<Searchset> {
  const { status, body } = await request(gateway.app).get(`/fhir/${path}`).set(headers);
  assert.equal(status, 200, JSON.stringify(body));
  return body;
}

async function ids(path: string): Promise<string[]> {
  return ((await find(path)).entry ?? []).map(({ resource }) => resource.id);
}

async function refused(path: string) {
  const { status, body } = await request(gateway.app).get(`/fhir/${path}`);
  assert.equal(status, 400, JSON.stringify(body));
  return body.issue as readonly { readonly code: string; readonly expression: readonly string[] }[];
}

before(async () => {
  gateway = await startTestGateway();
  statements = noteStatements(gateway.pool);
  medimax = await connectMedimax(gateway.pool);
  await medimax.query(`INSERT INTO Patient (patient_id, name, dob, sex, created_at, updated_at) VALUES
    (1, 'Smith, John', '1980-05-01', 'Male', NOW(), NOW()), (2, 'José Núñez', '1975-01-31', 'Male', NOW(), NOW()),
    (3, 'Ada Example', NULL, 'Female', NOW(), NOW()), (4, '山田太郎', '1980-05-20', 'Other', NOW(), NOW())`);
  await medimax.query(`INSERT INTO Medical_History (history_id, patient_id, history_type, history_item, history_date, severity, is_active) VALUES
    (1, 1, 'condition', 'Hypertension', '2020-01-01', 'mild', 1), (2, 1, 'condition', 'Asthma', '2021-06-01', NULL, 0),
    (3, 2, 'condition', 'hypertension', NULL, 'severe', NULL)`);
});

after(async () => {
  await medimax.end();
  await gateway.close();
  statements.assertListed();
});

describe('search of a type', () => {
  test('rows that MediMax has written are found by what is served of them', async () => {
    assert.deepEqual(await ids('Patient?name=smith'), ['pt-1']);
    assert.deepEqual(await ids('Patient?name=NUNEZ'), ['pt-2']);
    assert.deepEqual(await ids('Patient?family=Example&gender=female'), ['pt-3']);
    assert.deepEqual(await ids('Patient?birthdate=1980-05'), ['pt-1', 'pt-4']);
    assert.deepEqual(await ids('Patient?birthdate=ge1980&gender=male'), ['pt-1']);
    assert.deepEqual(await ids('Patient?birthdate:missing=true'), ['pt-3']);
    assert.deepEqual(await ids('Patient?name=山田'), ['pt-4']);
    assert.deepEqual(await ids(`Patient?identifier=${gateway.baseUrl}/sid/medimax-patient|2`), ['pt-2']);
    assert.deepEqual(await ids('Patient?_id=pt-3,pt-1,none'), ['pt-1', 'pt-3']);
    assert.deepEqual(await ids('Patient?gender:not=male'), ['pt-3', 'pt-4']);
    assert.deepEqual(await ids('Condition?patient=pt-1'), ['mh-1', 'mh-2']);
    assert.deepEqual(await ids('Condition?subject=Patient/pt-2'), ['mh-3']);
    assert.deepEqual(await ids('Condition?clinical-status=active'), ['mh-1', 'mh-3']);
    assert.deepEqual(await ids('Condition?code:text=hyper'), ['mh-1', 'mh-3']);
    assert.deepEqual(await ids('Condition?code=http://snomed.info/sct|38341003'), ['mh-1', 'mh-3']);
    assert.deepEqual(await ids('Condition?patient.name=smith&onset-date=gt2021'), []);
    assert.deepEqual(await ids('Condition?patient.name=smith&onset-date=ge2021'), ['mh-2']);
    assert.deepEqual(await ids('Patient?_has:Condition:patient:code:text=asthma'), ['pt-1']);
    assert.deepEqual(await ids('Patient/pt-1/Condition'), ['mh-1', 'mh-2']);
  });

  test('a change by MediMax shows at once', async () => {
    await medimax.query("UPDATE Patient SET name = 'Doe, Jane' WHERE patient_id = 3");
    assert.deepEqual(await ids('Patient?family=Example'), []);
    assert.deepEqual(await ids('Patient?family=doe'), ['pt-3']);
    await medimax.query("UPDATE Patient SET name = 'Ada Example' WHERE patient_id = 3");
  });

  test('sort, pages forth and back, totals', async () => {
    assert.deepEqual(await ids('Patient?_sort=-birthdate'), ['pt-4', 'pt-1', 'pt-2', 'pt-3']);
    assert.deepEqual(await ids('Patient?_sort=birthdate'), ['pt-2', 'pt-1', 'pt-4', 'pt-3']);
    const first = await find('Patient?_sort=gender,-_id&_count=2&_total=accurate');
    assert.deepEqual(
      first.entry?.map(({ resource }) => resource.id),
      ['pt-3', 'pt-2'],
    );
    assert.equal(first.total, 4);
    const next = first.link.find(({ relation }) => relation === 'next');
    const second = await find(String(next?.url).split('/fhir/')[1] ?? '');
    assert.deepEqual(
      second.entry?.map(({ resource }) => resource.id),
      ['pt-1', 'pt-4'],
    );
    assert.ok(!second.link.some(({ relation }) => relation === 'next'));
    const previous = second.link.find(({ relation }) => relation === 'previous');
    assert.deepEqual(await ids(String(previous?.url).split('/fhir/')[1] ?? ''), ['pt-3', 'pt-2']);
    assert.equal((await find('Patient?_summary=count')).total, 4);
    assert.equal((await find('Patient?_count=0&gender=male')).total, 2);
  });

  test('POST, includes, lenient handling', async () => {
    const posted = await request(gateway.app).post('/fhir/Patient/_search?gender=male').type('form').send({ name: 'smith' });
    assert.equal(posted.status, 200, JSON.stringify(posted.body));
    assert.deepEqual(
      posted.body.entry.map((entry: Entry) => entry.resource.id),
      ['pt-1'],
    );
    const included = await find('Condition?_id=mh-1&_include=Condition:patient');
    assert.deepEqual(
      included.entry?.map(({ resource, search }) => [resource.id, search.mode]),
      [
        ['mh-1', 'match'],
        ['pt-1', 'include'],
      ],
    );
    const reverse = await find('Patient?_id=pt-1&_revinclude=Condition:subject');
    assert.deepEqual(
      reverse.entry?.map(({ resource }) => resource.id),
      ['pt-1', 'mh-1', 'mh-2'],
    );
    const lenient = await find('Patient?gender=male&colour=red', { Prefer: 'handling=lenient' });
    assert.deepEqual(
      lenient.entry?.map(({ search }) => search.mode),
      ['outcome', 'match', 'match'],
    );
    assert.equal(lenient.link[0]?.url, `${gateway.baseUrl}/Patient?gender=male`);
  });

  test('every bad parameter is named', async () => {
    const issues = await refused(
      'Patient?colour=red&birthdate=yesterday&gender:above=male&_sort=shoe&_count=x&name:exact:contains=a',
    );
    assert.deepEqual(
      issues.map(({ expression }) => expression[0]),
      ['colour', 'birthdate', 'gender:above', '_sort', '_count', 'name:exact:contains'],
    );
    assert.equal((await refused('Patient?_page=abc'))[0]?.code, 'invalid');
  });
});

describe('who made what', () => {
  test('_revinclude=Provenance:target tells the origin of each match', async () => {
    const { entry = [] } = await find('Patient?name=smith&_revinclude=Provenance:target');
    assert.deepEqual(
      entry.map(({ resource, search }) => [resource.resourceType, search.mode]),
      [
        ['Patient', 'match'],
        ['Provenance', 'include'],
      ],
    );
    const provenance = entry[1]?.resource;
    assert.ok(provenance);
    const { agent, target } = provenance as unknown as {
      agent: { who: { identifier: { value: string } } }[];
      target: { reference: string }[];
    };
    assert.equal(agent[0]?.who.identifier.value, 'medimax');
    assert.equal(target[0]?.reference, 'Patient/pt-1/_history/1');
    assert.equal((await refused('Patient?_revinclude=Provenance:agent')).length, 1);
  });
});
