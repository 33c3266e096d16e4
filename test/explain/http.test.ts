/** $explain over HTTP: of a resource, of a draft, of a row. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import request from 'supertest';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { post } from '../support/send.ts';

interface Parameter {
  readonly name: string;
  readonly part?: readonly Parameter[];
  readonly valueString?: string;
  readonly valueCode?: string;
  readonly valueInteger?: number;
  readonly valueUri?: string;
}

describe('$explain', () => {
  let gateway: TestGateway;
  let patient: string;
  let condition: string;
  const get = (path: string) => request(gateway.app).get(`/fhir/${path}`);
  const part = (parameter: Parameter | undefined, name: string) => parameter?.part?.find((one) => one.name === name);
  const element = (body: { parameter: readonly Parameter[] }, path: string) =>
    body.parameter.find((one) => one.name === 'element' && part(one, 'path')?.valueString === path);

  before(async () => {
    gateway = await startTestGateway();
    const { body } = await post(gateway.app, 'Patient', {
      resourceType: 'Patient',
      name: [{ text: 'E' }],
      gender: 'male',
    }).expect(201);
    patient = `Patient/${body.id}`;
    const said = {
      resourceType: 'Condition',
      code: { text: 'Asthma' },
      subject: { reference: patient },
      recorder: { display: 'R' },
    };
    condition = (await post(gateway.app, 'Condition', said).expect(201)).body.id;
  });
  after(() => gateway.close());

  it('says where each element of a resource comes from', async () => {
    const { body } = await get(`${patient}/$explain`).expect(200);
    assert.equal(body.resourceType, 'Parameters');
    const gender = element(body, 'Patient.gender');
    assert.equal(part(gender, 'from')?.valueCode, 'columns');
    assert.equal(part(part(gender, 'column'), 'column')?.valueString, 'sex');
    assert.match(part(part(gender, 'code-map'), 'map')?.valueUri ?? '', /ConceptMap\/medimax-sex-gender$/);
    assert.equal(part(element(body, 'Patient.meta.versionId'), 'from')?.valueCode, 'server');
    const columns = body.parameter.filter(({ name }: Parameter) => name === 'column');
    assert.ok(columns.some((column: Parameter) => part(column, 'says')?.valueString === 'Patient.name[0].text'));
    await get('Patient/none/$explain').expect(404);
    await get(`${patient}/$explain?verbose=true`).expect(400);
  });

  it('says of a draft what a create would do, and does nothing', async () => {
    const draft = {
      resourceType: 'Condition',
      code: { text: 'Asthma' },
      subject: { reference: patient },
      onsetString: 'as a child',
      clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'remission' }] },
    };
    const { body } = await post(gateway.app, 'Condition/$explain', draft).expect(200);
    assert.equal(part(element(body, 'Condition.onsetString'), 'from')?.valueCode, 'overlay');
    const text = element(body, 'Condition.code.text');
    assert.equal(part(part(text, 'column'), 'column')?.valueString, 'history_item');
    assert.equal(part(part(text, 'column'), 'key'), undefined);
    const { body: found } = await get('Condition?_summary=count').expect(200);
    assert.equal(found.total, 1);
    const refused = await post(gateway.app, 'Condition/$explain', {
      resourceType: 'Condition',
      subject: { reference: patient },
    }).expect(422);
    assert.equal(refused.body.issue[0].expression[0], 'Condition.code');
  });

  it('finds the resources of a row, its parent and its children', async () => {
    const key = condition.replace('mh-', '');
    const { body } = await get(`$explain?table=Medical_History&key=${key}`).expect(200);
    const [found] = body.parameter.filter(({ name }: Parameter) => name === 'resource');
    assert.equal(part(found, 'reference')?.valueUri, `Condition/${condition}`);
    assert.equal(part(found, 'row')?.valueCode, 'row');
    await get('$explain?table=fhir_resource&key=1').expect(404);
    await get('$explain?table=Patient').expect(400);
  });
});
