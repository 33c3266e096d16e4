/** Transaction Bundles of 100 resources against the same rows inserted by the bare driver, row by row, in one transaction. */
import type { Bench, LoadRequest } from './bench.ts';
import { compare, figuresOf } from './compare.ts';
import type { TransactionOrder } from './limits/transaction-limit.ts';

const goal = 0.3;
const order: TransactionOrder = { conditions: 49, reports: 10, findingsOfEach: 5 };

export const bench: Bench = {
  what: 'a transaction of 100 new resources against the same rows from a driver loop in one transaction, durable, 16 connections each',
  async run(site) {
    const gateway = await site.gateway();
    const limit = await site.loop(new URL('limits/transaction-limit.ts', import.meta.url));
    for (const table of ['Patient', 'Medical_History', 'Lab_Report', 'Lab_Finding'])
      await site.sql(`CREATE TABLE IF NOT EXISTS bench_${table} LIKE ${table}`);
    const ours = site.load(
      gateway,
      Array.from({ length: 20 }, (_none, at) => bundle(at)),
    );
    return figuresOf('100 new resources', goal, await compare(site, ours, limit.contender(order)));
  },
};

function bundle(n: number): LoadRequest {
  const subject = { reference: 'urn:uuid:6f1c3a52-2b7e-4a52-9e0e-0d2f6f0a7b11' };
  const patient = { resourceType: 'Patient', name: [{ text: `Nina Moser ${n}` }], gender: 'female', birthDate: '1971-04-05' };
  const conditions = Array.from({ length: order.conditions }, (_none, at) => ({
    resourceType: 'Condition',
    clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
    code: { text: `Condition ${at}` },
    subject,
    onsetDateTime: '2019-03-04',
  }));
  const observations = Array.from({ length: order.reports * order.findingsOfEach }, (_none, at) => ({
    resourceType: 'Observation',
    status: 'final',
    code: { text: `Test ${at % order.findingsOfEach}` },
    subject,
    effectiveDateTime: `2020-01-${String(Math.floor(at / order.findingsOfEach) + 1).padStart(2, '0')}`,
    valueQuantity: { value: 5.4, unit: 'mmol/L', system: 'http://unitsofmeasure.org', code: 'mmol/L' },
  }));
  const entry = [...conditions, ...observations, patient].map((resource) => ({
    ...(resource === patient ? { fullUrl: subject.reference } : {}),
    resource,
    request: { method: 'POST', url: resource.resourceType },
  }));
  return {
    method: 'POST',
    path: '/fhir',
    headers: { Prefer: 'return=minimal' },
    body: JSON.stringify({ resourceType: 'Bundle', type: 'transaction', entry }),
  };
}
