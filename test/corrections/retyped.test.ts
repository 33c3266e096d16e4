/** A row of Medical_History that MediMax gives another type is another resource: the one before is gone, the other appears. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import request from 'supertest';
import { type TwoWriters, twoWriters } from '../other-writer/legacy.ts';

const typeOf = {
  condition: 'Condition',
  allergy: 'AllergyIntolerance',
  surgery: 'Procedure',
  family_history: 'FamilyMemberHistory',
  lifestyle: 'Observation',
  other: 'Observation',
} as const;
const kinds = Object.keys(typeOf) as (keyof typeof typeOf)[];

let two: TwoWriters;
let patient = 0;

before(async () => {
  two = await twoWriters();
  patient = await two.run("INSERT INTO Patient (name, sex) VALUES ('Rita Retyped', 'Female')");
});
after(() => two?.close());

const get = (path: string) => request(two.app).get(`/fhir/${path}`);

test('every type becomes every other', async () => {
  for (const from of kinds) {
    for (const to of kinds) {
      if (from === to) continue;
      const about = `${from} → ${to}`;
      const key = await two.run("INSERT INTO Medical_History (patient_id, history_type, history_item) VALUES (?, ?, 'Asthma')", [
        patient,
        from,
      ]);
      await get(`${typeOf[from]}/mh-${key}`).expect(200);
      await two.run('UPDATE Medical_History SET history_type = ? WHERE history_id = ?', [to, key]);
      const now = await get(`${typeOf[to]}/mh-${key}`);
      assert.equal(now.status, 200, about);
      assert.match(now.text, /Asthma/, about);
      if (typeOf[from] === typeOf[to]) assert.equal(now.body.meta.versionId, '2', about);
      else {
        await get(`${typeOf[from]}/mh-${key}`).expect(410);
        const history = await get(`${typeOf[from]}/mh-${key}/_history`);
        assert.equal(history.body.total, 2, about);
      }
      const found = await get(`${typeOf[to]}?_id=mh-${key}`);
      assert.equal(found.body.entry.length, 1, about);
    }
  }
});

test('what was withdrawn has no row that could be given another type', async () => {
  const key = await two.run(
    "INSERT INTO Medical_History (patient_id, history_type, history_item) VALUES (?, 'surgery', 'Biopsy')",
    [patient],
  );
  const { body } = await get(`Procedure/mh-${key}`);
  await request(two.app)
    .put(`/fhir/Procedure/mh-${key}`)
    .set('Content-Type', 'application/fhir+json')
    .send(JSON.stringify({ ...body, status: 'entered-in-error' }))
    .expect(200);
  await two.run("UPDATE Medical_History SET history_type = 'condition' WHERE history_id = ?", [key]);
  assert.equal((await get(`Procedure/mh-${key}`).expect(200)).body.status, 'entered-in-error');
  await get(`Condition/mh-${key}`).expect(404);
});
