/** Client SDKs as they come from npm: fhir-kit-client and Medplum's, against a listening server. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { MedplumClient, OperationOutcomeError } from '@medplum/core';
import type { Bundle, Condition, Patient } from 'fhir/r4.js';
import { Client } from 'fhir-kit-client';
import { type ListeningGateway, startListeningGateway } from '../support/listening.ts';

const system = 'http://hospital.example/mrn';
const patient = (value: string, more: Partial<Patient> = {}): Patient => ({
  resourceType: 'Patient',
  identifier: [{ system, value }],
  name: [{ family: 'Sdk', given: [value] }],
  ...more,
});

/** Each SDK has resource types of its own; between them lies JSON. */
// biome-ignore lint/suspicious/noExplicitAny: the one place where the types of two SDKs meet
const asJson = (value: unknown): any => value;

describe('SDKs', () => {
  let gateway: ListeningGateway;
  before(async () => {
    gateway = await startListeningGateway();
  });
  after(() => gateway.close());

  const chart = (type: 'transaction' | 'batch', value: string): Bundle => {
    const fullUrl = 'urn:uuid:6f1c3a52-2b7e-4a52-9e0e-0d2f6f0a7b11';
    const condition: Condition = {
      resourceType: 'Condition',
      code: { text: 'Asthma' },
      subject: { reference: type === 'transaction' ? fullUrl : 'Patient/nobody' },
    };
    return {
      resourceType: 'Bundle',
      type,
      entry: [
        { fullUrl, resource: patient(value), request: { method: 'POST', url: 'Patient' } },
        { resource: condition, request: { method: 'POST', url: 'Condition' } },
      ],
    };
  };

  it('fhir-kit-client: transaction, batch, conditional create, patch', async () => {
    const client = new Client({ baseUrl: gateway.url });
    const done = asJson(await client.transaction({ body: asJson(chart('transaction', 'k1')) })) as Bundle;
    assert.equal(done.type, 'transaction-response');
    const [made, asthma] = (done.entry ?? []).map(({ resource }) => resource);
    assert.equal((asthma as Condition).subject.reference, `Patient/${made?.id}`);
    const mixed = asJson(await client.batch({ body: asJson(chart('batch', 'k2')) })) as Bundle;
    assert.deepEqual(
      mixed.entry?.map(({ response }) => response?.status?.slice(0, 3)),
      ['201', '422'],
    );
    const options = { headers: { 'If-None-Exist': `identifier=${system}|k1` } };
    const same = asJson(await client.create({ resourceType: 'Patient', body: asJson(patient('k1')), options })) as Patient;
    assert.equal(same.id, made?.id);
    const patched = asJson(
      await client.patch({
        resourceType: 'Patient',
        id: made?.id ?? '',
        jsonPatch: [{ op: 'add', path: '/gender', value: 'other' }],
      }),
    ) as Patient;
    assert.equal(patched.gender, 'other');
  });

  it('MedplumClient: createIfNoneExist, upsert, patch, executeBatch', async () => {
    const medplum = new MedplumClient({ baseUrl: gateway.url, fhirUrlPath: '', fetch, cacheTime: 0 });
    const query = `identifier=${system}|m1`;
    const made = asJson(await medplum.createResourceIfNoneExist(asJson(patient('m1')), query)) as Patient;
    const again = asJson(await medplum.createResourceIfNoneExist(asJson(patient('m1')), query)) as Patient;
    assert.ok(made.id);
    assert.equal(again.id, made.id);

    const upserted = asJson(await medplum.upsertResource(asJson(patient('m1', { gender: 'female' })), query)) as Patient;
    assert.deepEqual([upserted.id, upserted.gender, upserted.meta?.versionId], [made.id, 'female', '2']);
    const other = asJson(await medplum.upsertResource(asJson(patient('m2')), `identifier=${system}|m2`)) as Patient;
    assert.notEqual(other.id, made.id);

    const patched = asJson(
      await medplum.patchResource('Patient', made.id ?? '', [
        { op: 'test', path: '/meta/versionId', value: '2' },
        { op: 'replace', path: '/gender', value: 'male' },
      ]),
    ) as Patient;
    assert.equal(patched.gender, 'male');
    await assert.rejects(
      medplum.patchResource('Patient', made.id ?? '', [{ op: 'test', path: '/meta/versionId', value: '2' }]),
      OperationOutcomeError,
    );

    const done = asJson(await medplum.executeBatch(asJson(chart('transaction', 'm3')))) as Bundle;
    assert.deepEqual(
      done.entry?.map(({ response }) => response?.status),
      ['201 Created', '201 Created'],
    );
    const batch = asJson(await medplum.executeBatch(asJson(chart('batch', 'm4')))) as Bundle;
    assert.deepEqual(
      batch.entry?.map(({ response }) => response?.status?.slice(0, 3)),
      ['201', '422'],
    );
    await medplum.deleteResource('Patient', other.id ?? '');
    await assert.rejects(medplum.readResource('Patient', other.id ?? ''), OperationOutcomeError);
  });
});
