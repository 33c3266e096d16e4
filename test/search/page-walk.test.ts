/** A walk over many pages with equal sort values, while others insert, change and delete: what was there throughout is seen exactly once. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Connection } from 'mysql2/promise';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { connectMedimax } from './medimax.ts';
import { noteStatements, type Statements } from './statements.ts';

/** WALK_RESOURCES=10000 for the long form. */
const count = Number(process.env['WALK_RESOURCES'] ?? 600);
let gateway: TestGateway;
let statements: Statements;
let medimax: Connection;

before(async () => {
  gateway = await startTestGateway();
  statements = noteStatements(gateway.pool);
  medimax = await connectMedimax(gateway.pool);
  const days = ['1980-01-01', '1980-01-02', null];
  const rows = Array.from({ length: count }, (_, index) => [`Tied ${index % 7}`, days[index % 3], ['Male', 'Female'][index % 2]]);
  await medimax.query('INSERT INTO Patient (name, dob, sex) VALUES ?', [rows]);
});

after(async () => {
  await medimax.end();
  await gateway.close();
  statements.assertListed();
});

for (const sort of ['', 'birthdate', '-birthdate,name', 'gender,-birthdate', '-_lastUpdated']) {
  test(`_sort=${sort || '(none)'}`, async () => {
    const [rows] = await medimax.query('SELECT patient_id AS k FROM Patient');
    const before = new Set((rows as { k: number }[]).map(({ k }) => `pt-${k}`));
    const gone = new Set<string>();
    const seen = new Map<string, number>();
    let next: string | undefined = `/fhir/Patient?_count=${Math.ceil(count / 25)}${sort === '' ? '' : `&_sort=${sort}`}`;
    for (let page = 0; next; page += 1) {
      const { status, body } = await request(gateway.app).get(next);
      assert.equal(status, 200, JSON.stringify(body));
      for (const { resource } of body.entry ?? []) seen.set(resource.id, (seen.get(resource.id) ?? 0) + 1);
      const link = body.link.find(({ relation }: { relation: string }) => relation === 'next');
      next = link ? `/fhir${link.url.slice(gateway.baseUrl.length)}` : undefined;
      const victim = [...before][page * 3 + 1];
      if (victim === undefined || page % 2 === 0) continue;
      gone.add(victim);
      await medimax.query('DELETE FROM Patient WHERE patient_id = ?', [Number(victim.slice(3))]);
      await medimax.query("INSERT INTO Patient (name, dob, sex) VALUES ('Tied new', '1980-01-01', 'Male')");
    }
    for (const id of before) if (!gone.has(id)) assert.equal(seen.get(id), 1, id);
    assert.ok([...seen.values()].every((times) => times === 1));
  });
}
