/** Creates against a driver loop that inserts the row alone on 16 connections. */
import type { Bench, Figure, LoadRequest } from './bench.ts';
import { compare, figuresOf } from './compare.ts';
import type { InsertOrder } from './limits/create-limit.ts';

const goal = 0.35;

interface Case {
  readonly name: string;
  readonly resource: (n: number) => { readonly resourceType: string };
  /** The same row, into a table with the same indexes and no trigger. */
  readonly row: InsertOrder;
  readonly table: string;
}

const stamp = '2024-05-06 07:08:09';

const cases: readonly Case[] = [
  {
    name: 'Patient',
    resource: (n) => ({
      resourceType: 'Patient',
      name: [{ text: `Nina Moser ${n}` }],
      gender: 'female',
      birthDate: '1971-04-05',
    }),
    table: 'Patient',
    row: {
      statement: 'INSERT INTO bench_Patient (name, dob, sex, created_at, updated_at) VALUES (?, ?, ?, ?, ?)',
      values: ['Nina Moser', '1971-04-05', 'Female', stamp, stamp],
    },
  },
  {
    name: 'Patient with overlay',
    resource: (n) => ({
      resourceType: 'Patient',
      active: true,
      identifier: [{ system: 'urn:oid:2.16.756.5.30.1.123', value: `N${n}` }],
      name: [{ use: 'official', family: 'Moser', given: ['Nina', 'Ruth'] }],
      telecom: [{ system: 'phone', value: '+41 44 555 01 02', use: 'home' }],
      gender: 'female',
      birthDate: '1971-04-05',
      address: [{ use: 'home', line: ['Seestrasse 12'], city: 'Zürich', postalCode: '8002', country: 'CH' }],
    }),
    table: 'Patient',
    row: {
      statement: 'INSERT INTO bench_Patient (name, dob, sex, created_at, updated_at) VALUES (?, ?, ?, ?, ?)',
      values: ['Nina Ruth Moser', '1971-04-05', 'Female', stamp, stamp],
    },
  },
  {
    name: 'Condition (with its patient)',
    resource: (n) => ({
      resourceType: 'Condition',
      clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code: 'active' }] },
      code: { text: 'Hypertension' },
      subject: { reference: `Patient/pt-${1 + (n % 10_000)}` },
      onsetDateTime: '2019-03-04',
      note: [{ text: 'Reviewed at every visit.' }],
    }),
    table: 'Medical_History',
    row: {
      statement:
        'INSERT INTO bench_Medical_History (patient_id, history_type, history_item, history_details, history_date, severity, is_active, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
      values: [17, 'condition', 'Hypertension', 'Reviewed at every visit.', '2019-03-04', null, 1, stamp],
    },
  },
];

export const bench: Bench = {
  what: 'a create against a driver loop that inserts the row alone, durable, 16 connections each',
  async run(site) {
    const gateway = await site.gateway();
    const limit = await site.loop(new URL('limits/create-limit.ts', import.meta.url));
    const figures: Figure[] = [];
    for (const { name, resource, row, table } of cases) {
      await site.sql(`CREATE TABLE IF NOT EXISTS bench_${table} LIKE ${table}`);
      const ours = site.load(
        gateway,
        Array.from({ length: 1000 }, (_, n) => post(resource(n))),
      );
      figures.push(...figuresOf(name, goal, await compare(site, ours, limit.contender(row))));
    }
    return figures;
  },
};

function post(resource: { readonly resourceType: string }): LoadRequest {
  return { method: 'POST', path: `/fhir/${resource.resourceType}`, body: JSON.stringify(resource) };
}
