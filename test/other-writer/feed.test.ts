/** The change feed under many writers: nothing missed, nothing twice, in whatever order they commit. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import request from 'supertest';
import { readChanges, sequenceChanges } from '../../src/db/change-feed.ts';
import { type TwoWriters, twoWriters } from './legacy.ts';

let writers: TwoWriters;

before(async () => {
  writers = await twoWriters();
});

after(() => writers.close());

test('a change that commits late gets a late number, and is found by whoever asks since an answer before', async () => {
  const slow = await writers.connect();
  await slow.query('START TRANSACTION');
  await slow.query("INSERT INTO Patient (name, sex) VALUES ('slow', 'Male')");
  await writers.run("INSERT INTO Patient (name, sex) VALUES ('quick', 'Male')");
  const first = await writers.gateway.history.read({ count: 100 });
  assert.deepEqual(
    first?.entries.map(({ record }) => record.stored?.row['name']),
    ['quick'],
  );
  await slow.query('COMMIT');
  const second = await writers.gateway.history.read({ count: 100, since: first?.until ?? '' });
  assert.deepEqual(
    second?.entries.map(({ record }) => record.stored?.row['name']),
    ['slow'],
  );
});

test('readers that follow the numbers, and clients that poll _since, see every change of eight writers exactly once', async () => {
  const { last: start, until } = await sequenceChanges(writers.gateway.pool, writers.gateway.parts.journal, 30_000);
  let isDone = false;
  const followed: string[] = [];
  const follow = async () => {
    let after = start;
    for (;;) {
      const stop = isDone;
      await sequenceChanges(writers.gateway.pool, writers.gateway.parts.journal, 30_000);
      const changes = await readChanges(writers.session, after, 10_000);
      for (const { seq, rid, version } of changes) {
        assert.equal(seq, after + 1, 'no number is left out');
        after = seq;
        followed.push(`${rid}/${version}`);
      }
      if (stop) return;
    }
  };
  const polled = new Set<string>();
  const poll = async () => {
    let since = `${until.replace(' ', 'T')}Z`;
    for (;;) {
      const stop = isDone;
      let path = `/fhir/_history?_count=1000&_since=${since}`;
      for (;;) {
        const { body } = await request(writers.app).get(path).expect(200);
        if (path.includes('_since') && !path.includes('_page')) since = body.meta.lastUpdated;
        for (const { request: made, response } of body.entry ?? [])
          polled.add(`${made.url} ${response.etag} ${response.lastModified}`);
        const next = body.link.find(({ relation }: { relation: string }) => relation === 'next');
        if (!next) break;
        path = `/fhir${next.url.slice(writers.config.http.baseUrl.length)}`;
      }
      if (stop) return;
    }
  };
  const write = async (seed: number) => {
    const session = await writers.connect();
    for (let round = 0; round < 25; round += 1) {
      await session.query('START TRANSACTION');
      await session.query("INSERT INTO Patient (name, sex) VALUES (?, 'Male')", [`writer ${seed} ${round}`]);
      await sleep((seed * 7 + round * 13) % 12);
      await session.query('UPDATE Patient SET sex = ? WHERE name = ?', ['Female', `writer ${seed} ${round}`]);
      await session.query((seed + round) % 5 === 0 ? 'ROLLBACK' : 'COMMIT');
    }
  };
  const readers = [follow(), poll()];
  await writers.run('CREATE INDEX test_name ON Patient (name)').catch(() => {});
  await Promise.all([1, 2, 3, 4, 5, 6, 7, 8].map(write));
  isDone = true;
  await Promise.all(readers);
  const all = await writers.rows('SELECT rid, version FROM fhir_change WHERE seq > ?', [start]);
  assert.deepEqual(followed.toSorted(), all.map(({ rid, version }) => `${rid}/${version}`).toSorted());
  assert.equal(polled.size, all.length);
  assert.equal((await writers.rows('SELECT 1 FROM fhir_change WHERE seq IS NULL')).length, 0);
});

test('50 parallel updates with the same If-Match: one is made, 49 are told who was first', async () => {
  const key = await writers.run("INSERT INTO Patient (name, sex) VALUES ('Zoe', 'Female')");
  const read = await request(writers.app).get(`/fhir/Patient/pt-${key}`);
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) =>
      request(writers.app)
        .put(`/fhir/Patient/pt-${key}`)
        .set('Content-Type', 'application/fhir+json')
        .set('If-Match', read.headers['etag'] ?? '')
        .send({ ...read.body, name: [{ text: `Zoe ${index}` }] }),
    ),
  );
  const statuses = answers.map(({ status }) => status).toSorted();
  assert.deepEqual(statuses, [200, ...Array.from({ length: 49 }, () => 412)]);
  const refused = answers.find(({ status }) => status === 412);
  assert.match(refused?.text ?? '', /Patient\.name/);
  const after = await request(writers.app).get(`/fhir/Patient/pt-${key}`);
  assert.equal(after.headers['etag'], 'W/"2"');
});

test('writers with If-Match and writers of plain SQL together: no update is lost, versions only grow', async () => {
  const key = await writers.run("INSERT INTO Patient (name, sex, dob) VALUES ('0', 'Female', '1980-01-01')");
  let acknowledged = 0;
  const client = async () => {
    for (let done = 0; done < 12; ) {
      const read = await request(writers.app).get(`/fhir/Patient/pt-${key}`);
      const count = Number(read.body.name[0].text.replace(/\D/g, '')) + 1;
      const put = await request(writers.app)
        .put(`/fhir/Patient/pt-${key}`)
        .set('Content-Type', 'application/fhir+json')
        .set('If-Match', read.headers['etag'] ?? '')
        .send({ ...read.body, name: [{ text: `${count}` }] });
      assert.ok([200, 412].includes(put.status), put.text);
      if (put.status === 412) continue;
      done += 1;
      acknowledged += 1;
    }
  };
  const medimax = async () => {
    const session = await writers.connect();
    for (let done = 0; done < 40; done += 1) {
      await session.query('UPDATE Patient SET name = name + 1 WHERE patient_id = ?', [key]);
      acknowledged += 1;
    }
  };
  await Promise.all([client(), client(), client(), medimax(), medimax()]);
  const [row] = await writers.rows('SELECT name FROM Patient WHERE patient_id = ?', [key]);
  assert.equal(Number(row?.['name']), acknowledged);
  const page = await writers.gateway.history.read({ resourceType: 'Patient', id: `pt-${key}`, count: 1000 });
  assert.deepEqual(
    page?.entries.map(({ record }) => record.version),
    Array.from({ length: acknowledged + 1 }, (_, at) => acknowledged + 1 - at),
  );
});
