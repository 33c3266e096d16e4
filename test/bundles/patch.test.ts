/** Patch: JSON Patch and FHIRPath Patch on what is served, over HTTP. https://hl7.org/fhir/R4/http.html#patch */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const jsonPatch = 'application/json-patch+json';
const grace = {
  resourceType: 'Patient',
  name: [{ family: 'Hopper', given: ['Grace'] }],
  gender: 'female',
  birthDate: '1906-12-09',
  telecom: [
    { system: 'phone', use: 'home', value: '1' },
    { system: 'phone', use: 'work', value: '2' },
  ],
};
const text =
  '{"resourceType":"Patient","name":[{"text":"Digits"}],"extension":[{"url":"http://example.org/x","valueDecimal":6.300},{"url":"http://example.org/y","valueDecimal":1e-7}]}';

type Part = { readonly name: string; readonly [key: string]: unknown };
const parameters = (...operations: readonly (readonly Part[])[]) => ({
  resourceType: 'Parameters',
  parameter: operations.map((part) => ({ name: 'operation', part })),
});
const operation = (type: string, path: string, ...more: readonly Part[]): readonly Part[] => [
  { name: 'type', valueCode: type },
  { name: 'path', valueString: path },
  ...more,
];

describe('Patch', () => {
  let gateway: TestGateway;
  before(async () => {
    gateway = await startTestGateway();
  });
  after(() => gateway.close());

  const create = async (body: string) =>
    (await request(gateway.app).post('/fhir/Patient').set('Content-Type', 'application/fhir+json').send(body).expect(201)).body;
  const patch = (id: string, body: unknown, headers: Record<string, string> = {}) =>
    request(gateway.app)
      .patch(`/fhir/Patient/${id}`)
      .set({ 'Content-Type': Array.isArray(body) ? jsonPatch : 'application/fhir+json', ...headers })
      .send(typeof body === 'string' ? body : JSON.stringify(body));

  it('changes one element by JSON Patch, in one column and one version', async () => {
    const { id } = await create(JSON.stringify(grace));
    const columns = async () =>
      JSON.stringify((await gateway.pool.query('SELECT name, dob, sex FROM Patient WHERE patient_id = ?', [id.slice(3)]))[0]);
    assert.equal(await columns(), '[{"name":"Grace Hopper","dob":"1906-12-09","sex":"Female"}]');
    const { body, headers } = await patch(id, [{ op: 'replace', path: '/gender', value: 'male' }]).expect(200);
    assert.equal(headers['etag'], 'W/"2"');
    assert.equal(body.gender, 'male');
    assert.equal(await columns(), '[{"name":"Grace Hopper","dob":"1906-12-09","sex":"Male"}]');
    const { headers: same } = await patch(id, [{ op: 'replace', path: '/gender', value: 'male' }]).expect(200);
    assert.equal(same['etag'], 'W/"2"');
  });

  it('keeps every digit of what it does not touch, and of what it brings', async () => {
    const { id } = await create(text);
    const { text: patched } = await patch(
      id,
      '[{"op":"test","path":"/extension/0/valueDecimal","value":6.3},{"op":"add","path":"/extension/-","value":{"url":"http://example.org/z","valueDecimal":0.000}},{"op":"copy","from":"/extension/0","path":"/extension/3"}]',
      { 'Content-Type': jsonPatch },
    ).expect(200);
    for (const digits of ['"valueDecimal":6.300}', '"valueDecimal":1e-7}', '"valueDecimal":0.000}'])
      assert.ok(patched.includes(digits), digits);
    assert.equal(patched.split('6.300').length, 3);
  });

  it('does all operations or none', async () => {
    const { id } = await create(JSON.stringify(grace));
    const refused = async (operations: unknown, status: number) => {
      const { body } = await patch(id, operations).expect(status);
      assert.equal(body.resourceType, 'OperationOutcome');
      await request(gateway.app).get(`/fhir/Patient/${id}`).expect('ETag', 'W/"1"');
      return body.issue[0].diagnostics as string;
    };
    const change = { op: 'replace', path: '/gender', value: 'male' };
    assert.match(await refused([change, { op: 'test', path: '/birthDate', value: '2000-01-01' }], 422), /test failed/);
    await refused([change, { op: 'remove', path: '/nothing' }], 422);
    await refused([change, { op: 'replace', path: '/telecom/9', value: {} }], 422);
    await refused([change, { op: 'add', path: '/telecom/01', value: {} }], 422);
    await refused([{ op: 'add', path: '/gender', value: 'f' }], 422);
    await refused(
      [
        { op: 'rename', path: '/gender' },
        { op: 'add', path: 'gender', value: 1 },
      ],
      400,
    );
    await refused({ resourceType: 'Patient' }, 400);
    await refused([{ op: 'move', from: '/name', path: '/name/0/given' }], 400);
  });

  it('protects type, id and version, under If-Match', async () => {
    const { id } = await create(JSON.stringify(grace));
    for (const path of ['/id', '/resourceType', '/meta/versionId', '/meta/lastUpdated'])
      await patch(id, [{ op: 'replace', path, value: 'Condition' }]).expect(422);
    await patch(id, [{ op: 'remove', path: '/id' }]).expect(422);
    const change = [{ op: 'add', path: '/active', value: true }];
    await patch(id, change, { 'If-Match': 'W/"7"' }).expect(412);
    await patch(id, change, { 'If-Match': 'W/"1"' }).expect(200);
    await patch('pt-99999', change).expect(404);
    const condition = { resourceType: 'Condition', code: { text: 'Flu' }, subject: { reference: `Patient/${id}` } };
    const { body: other } = await request(gateway.app)
      .post('/fhir/Patient')
      .set('Content-Type', 'application/json')
      .send(grace)
      .expect(201);
    const { body: flu } = await request(gateway.app)
      .post('/fhir/Condition')
      .set('Content-Type', 'application/json')
      .send(condition)
      .expect(201);
    await request(gateway.app)
      .patch(`/fhir/Condition/${flu.id}`)
      .set('Content-Type', jsonPatch)
      .send(JSON.stringify([{ op: 'replace', path: '/subject/reference', value: `Patient/${other.id}` }]))
      .expect(422);
  });

  it('does not lose one of parallel patches', async () => {
    const { id } = await create(JSON.stringify(grace));
    const add = (at: number) =>
      patch(id, [{ op: 'add', path: '/telecom/-', value: { system: 'sms', value: String(at) } }]).expect(200);
    await Promise.all(Array.from({ length: 20 }, (_none, at) => add(at)));
    const { body } = await request(gateway.app).get(`/fhir/Patient/${id}`).expect(200);
    assert.equal(body.telecom.length, 22);
    assert.equal(body.meta.versionId, '21');
  });

  it('adds, inserts, replaces, moves and deletes by FHIRPath Patch', async () => {
    const { id } = await create(JSON.stringify(grace));
    const { body } = await patch(
      id,
      parameters(
        operation('replace', 'Patient.birthDate', { name: 'value', valueDate: '1906-12-10' }),
        operation('delete', "Patient.telecom.where(system = 'phone' and use = 'home')"),
        operation(
          'add',
          'Patient',
          { name: 'name', valueString: 'contact' },
          {
            name: 'value',
            part: [
              { name: 'name', valueHumanName: { text: 'a friend' } },
              { name: 'telecom', valueContactPoint: { system: 'phone', value: '3' } },
            ],
          },
        ),
        operation('add', 'Patient.contact[0]', { name: 'name', valueString: 'gender' }, { name: 'value', valueCode: 'male' }),
        operation('insert', 'Patient.name.given', { name: 'index', valueInteger: 1 }, { name: 'value', valueString: 'Brewster' }),
        operation('add', 'Patient.name[0]', { name: 'name', valueString: 'given' }, { name: 'value', valueString: 'Murray' }),
        operation('move', 'Patient.name.given', { name: 'source', valueInteger: 2 }, { name: 'destination', valueInteger: 0 }),
        operation('add', 'Patient', { name: 'name', valueString: 'deceased' }, { name: 'value', valueBoolean: true }),
        operation(
          'add',
          'Patient',
          { name: 'name', valueString: 'extension' },
          { name: 'value', valueExtension: { url: 'http://example.org/e', valueString: 'x' } },
        ),
        operation('replace', "Patient.extension('http://example.org/e').value", { name: 'value', valueInteger: 7 }),
        operation('delete', 'Patient.maritalStatus'),
      ),
    ).expect(200);
    assert.equal(body.birthDate, '1906-12-10');
    assert.deepEqual(body.telecom, [grace.telecom[1]]);
    assert.deepEqual(body.contact, [{ name: { text: 'a friend' }, telecom: [{ system: 'phone', value: '3' }], gender: 'male' }]);
    assert.deepEqual(body.name[0].given, ['Murray', 'Grace', 'Brewster']);
    assert.equal(body.deceasedBoolean, true);
    assert.deepEqual(body.extension, [{ url: 'http://example.org/e', valueInteger: 7 }]);
    assert.equal(body.meta.versionId, '2');
  });

  it('refuses a FHIRPath Patch that is not clear', async () => {
    const { id } = await create(JSON.stringify(grace));
    const value = { name: 'value', valueString: 'x' };
    for (const [status, ...one] of [
      [422, operation('replace', 'Patient.telecom', value)],
      [422, operation('replace', 'Patient.photo', value)],
      [422, operation('replace', 'Patient.name.given | Patient.name.family', value)],
      [422, operation('add', 'Patient', { name: 'name', valueString: 'gender' }, { name: 'value', valueCode: 'male' })],
      [422, operation('delete', 'Patient.telecom')],
      [422, operation('delete', 'Patient.id')],
      [422, operation('move', 'Patient.telecom', { name: 'source', valueInteger: 0 }, { name: 'destination', valueInteger: 5 })],
      [400, operation('replace', 'Patient.gender')],
      [400, operation('rename', 'Patient.gender', value)],
      [400, [{ name: 'type', valueCode: 'delete' }]],
    ] as const) {
      await patch(id, parameters(...one)).expect(status);
      await request(gateway.app).get(`/fhir/Patient/${id}`).expect('ETag', 'W/"1"');
    }
  });
});
