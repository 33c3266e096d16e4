/** A conversation of a real client SDK (fhir-kit-client) with the gateway: each of the five types created, read, updated, searched, paged, deleted. */
import assert from 'node:assert/strict';
import { Client } from 'fhir-kit-client';
import { isObject, type JsonObject } from '../../src/mapping/lift.ts';

/** One call of the SDK and what it gave. */
export interface Turn {
  readonly call: string;
  readonly answer: string;
}

/** Speaks with the gateway at `baseUrl`; throws when an answer is not what a client may expect. */
export async function converse(baseUrl: string): Promise<readonly Turn[]> {
  const client = new Client({ baseUrl });
  const turns: Turn[] = [];
  const say = (call: string, answer: unknown) => turns.push({ call, answer: shown(answer) });

  const capability = json(await client.capabilityStatement());
  assert.equal(capability['fhirVersion'], '4.0.1');
  say('client.capabilityStatement()', { fhirVersion: capability['fhirVersion'], software: capability['software'] });

  const patient = await live(
    client,
    say,
    'Patient',
    () => ({ name: [{ family: 'Kit', given: ['Ada'] }], birthDate: '1990-12' }),
    {
      change: (resource) => ({ ...resource, gender: 'female' }),
      search: { name: 'kit' },
      keep: true,
    },
  );
  const subject = { reference: `Patient/${patient}` };
  const scenes: readonly (readonly [string, (index: number) => JsonObject, Scene])[] = [
    [
      'Condition',
      (index) => ({
        subject,
        code: { text: `Gout, attack ${index}` },
        onsetDateTime: '2019-05',
        clinicalStatus: clinical('active'),
      }),
      { change: (resource) => ({ ...resource, clinicalStatus: clinical('remission') }), search: { patient } },
    ],
    [
      'MedicationStatement',
      (index) => ({
        status: 'active',
        subject,
        medicationCodeableConcept: { text: `Allopurinol ${index}` },
        effectivePeriod: { start: '2019-06-01' },
        dosage: [{ text: '100 mg once daily', doseAndRate: [{ doseQuantity: { value: 100, unit: 'mg' } }] }],
      }),
      { change: (resource) => ({ ...resource, note: [{ text: 'with food' }] }), search: { patient, status: 'active' } },
    ],
    [
      'Appointment',
      (index) => ({
        status: 'booked',
        start: `2031-03-0${index}T09:00:00Z`,
        end: `2031-03-0${index}T09:30:00Z`,
        participant: [{ actor: subject, status: 'needs-action' }],
        reasonCode: [{ text: 'Toe pain' }],
      }),
      { change: (resource) => ({ ...resource, comment: 'Bring last results' }), search: { patient, date: 'ge2031-03-01' } },
    ],
    [
      'Observation',
      (index) => ({
        status: 'final',
        subject,
        effectiveDateTime: `2026-0${index}-10`,
        category: [{ coding: [{ system: 'http://terminology.hl7.org/CodeSystem/observation-category', code: 'laboratory' }] }],
        code: { coding: [{ system: 'http://loinc.org', code: '3084-1' }], text: 'Uric acid' },
        valueQuantity: { value: 7.5, unit: 'mg/dL', system: 'http://unitsofmeasure.org', code: 'mg/dL' },
      }),
      {
        change: (resource) => ({
          ...resource,
          interpretation: [{ coding: [{ system: v3('ObservationInterpretation'), code: 'H' }] }],
        }),
        search: { patient, code: 'http://loinc.org|3084-1' },
      },
    ],
  ];
  for (const [resourceType, make, scene] of scenes) await live(client, say, resourceType, make, scene);
  await client.delete({ resourceType: 'Patient', id: patient });
  say(`client.delete({ resourceType: 'Patient', id: '${patient}' })`, 'deleted');
  return turns;
}

interface Scene {
  readonly change: (resource: JsonObject) => JsonObject;
  readonly search: Readonly<Record<string, string>>;
  readonly keep?: boolean;
}

/** Creates three, reads, updates, searches with paging and deletes them; returns the id of the first. */
async function live(
  client: Client,
  say: (call: string, answer: unknown) => void,
  resourceType: string,
  make: (index: number) => JsonObject,
  { change, search, keep = false }: Scene,
): Promise<string> {
  const ids: string[] = [];
  for (const index of keep ? [1] : [1, 2, 3]) {
    const created = json(await client.create({ resourceType, body: body({ resourceType, ...make(index) }) }));
    if (index === 1) say(`client.create({ resourceType: '${resourceType}', body })`, created);
    ids.push(String(created['id']));
  }
  const [id = ''] = ids;
  const read = json(await client.read({ resourceType, id }));
  say(`client.read({ resourceType: '${resourceType}', id: '${id}' })`, versionOf(read));

  const updated = json(await client.update({ resourceType, id, body: body(change(read)) }));
  assert.equal(versionOf(updated).versionId, '2');
  say(`client.update({ resourceType: '${resourceType}', id: '${id}', body: changed })`, versionOf(updated));
  const same = json(await client.update({ resourceType, id, body: body(updated) }));
  assert.equal(versionOf(same).versionId, '2', 'a PUT of what was read makes no version');

  const found: string[] = [];
  let page = json(await client.search({ resourceType, searchParams: { ...search, _count: '2' } }));
  say(
    `client.search({ resourceType: '${resourceType}', searchParams: ${JSON.stringify({ ...search, _count: '2' })} })`,
    pageOf(page),
  );
  for (;;) {
    found.push(...entriesOf(page));
    const next = await client.nextPage({ bundle: page as never });
    if (next === undefined) break;
    page = json(next);
    say('client.nextPage({ bundle })', pageOf(page));
  }
  assert.deepEqual(found.toSorted(), ids.toSorted(), `${resourceType}: every one is found once`);

  if (!keep) {
    for (const one of ids) await client.delete({ resourceType, id: one });
    say(`client.delete({ resourceType: '${resourceType}', id: '${id}' })`, 'deleted');
    await assert.rejects(
      async () => client.read({ resourceType, id }),
      (thrown: { response?: { status?: number } }) => thrown.response?.status === 410,
    );
    say(`client.read({ resourceType: '${resourceType}', id: '${id}' })`, 'rejects with 410 Gone and an OperationOutcome');
  }
  return id;
}

const v3 = (name: string) => `http://terminology.hl7.org/CodeSystem/v3-${name}`;

function clinical(code: string): JsonObject {
  return { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/condition-clinical', code }] };
}

/** The SDK types bodies more narrowly than FHIR's JSON. */
function body(resource: JsonObject) {
  return resource as { resourceType: string };
}

function json(answer: unknown): JsonObject {
  assert.ok(isObject(answer));
  return answer;
}

function versionOf(resource: JsonObject) {
  const meta = json(resource['meta']);
  return { resourceType: resource['resourceType'], id: resource['id'], versionId: meta['versionId'] };
}

function entriesOf(bundle: JsonObject): string[] {
  const entries = Array.isArray(bundle['entry']) ? bundle['entry'] : [];
  return entries.map((entry) => String(json(json(entry)['resource'])['id']));
}

function pageOf(bundle: JsonObject) {
  const links = Array.isArray(bundle['link']) ? bundle['link'].map((link) => json(link)['relation']) : [];
  return { type: bundle['type'], entries: entriesOf(bundle), links };
}

/** Times, hosts and page cursors differ from run to run. */
function shown(answer: unknown): string {
  if (typeof answer === 'string') return answer;
  return JSON.stringify(answer, null, 1)
    .replace(/\n\s*/g, ' ')
    .replace(/"lastUpdated": "[^"]*"/g, '"lastUpdated": "…"')
    .replace(/http:\/\/127\.0\.0\.1:\d+/g, 'http://127.0.0.1:8080');
}
