/** What an import creates is found by searches from its commit on, exactly as if it had been indexed afterwards. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { labLines } from '../../bench/import-lines.ts';
import { type ImportGateway, importLines, startImportGateway } from './support.ts';

let given: ImportGateway;

before(async () => {
  given = await startImportGateway({ IMPORT_CHUNK_LINES: '40' });
});
after(() => given?.close());

const subject = { reference: 'Patient/p0' };
const result = {
  resourceType: 'Observation',
  status: 'final',
  code: { coding: [{ system: 'http://loinc.org', code: '718-7' }], text: 'Hämoglobin' },
  subject,
  effectiveDateTime: '2021-05-06',
};
const others = [
  { ...result, id: 'text', valueString: 'sehr hoch', note: [{ text: 'x' }] },
  { ...result, id: 'range', valueQuantity: { value: 6.3, comparator: '<', unit: 'g/dL' }, meta: { tag: [{ code: 'new' }] } },
  {
    ...result,
    id: 'performer',
    performer: [{ display: 'Labor Nord' }, { reference: 'https://elsewhere.example/Practitioner/1' }],
  },
  { resourceType: 'Condition', id: 'c', code: { text: 'Asthma' }, subject, onsetDateTime: '1999-03' },
  { resourceType: 'Procedure', id: 'x', status: 'completed', code: { text: 'Appendectomy' }, subject, performedDateTime: '2001' },
  {
    resourceType: 'AllergyIntolerance',
    id: 'a',
    clinicalStatus: { coding: [{ system: 'http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical', code: 'active' }] },
    code: { text: 'Nuts' },
    patient: subject,
  },
  {
    resourceType: 'MedicationStatement',
    id: 'm',
    status: 'active',
    medicationCodeableConcept: { text: 'Metformin' },
    subject,
    effectivePeriod: { start: '2020-01-02' },
  },
];

const tables = ['token', 'string', 'date', 'quantity', 'reference'] as const;

test('the index of what was just created is the index of what is served', async () => {
  const { session } = given.desk.parts.store;
  await importLines(given, 'lab', [...labLines(60), ...others]);
  const notes = await session.rows(
    'SELECT DISTINCT r.type FROM fhir_search_pending p JOIN fhir_resource r ON r.rid = p.rid WHERE r.state = 0',
  );
  // What a course of medication says depends on the day.
  assert.deepEqual(notes, [['MedicationStatement']]);
  await given.gateway.search.indexer.catchUp(null, Date.now() + 60_000);
  const created = await index();
  assert.ok(created.length > 500);

  await session.modify('INSERT INTO fhir_search_pending (type, rid) SELECT type, rid FROM fhir_resource');
  await given.gateway.search.indexer.catchUp(null, Date.now() + 60_000);
  assert.deepEqual(await index(), created);
});

async function index(): Promise<readonly string[]> {
  const rows: string[] = [];
  for (const table of tables) {
    const found = await given.desk.parts.store.session.rows(`SELECT * FROM fhir_search_${table} ORDER BY rid, param, n`);
    rows.push(
      ...found.map(
        (row) => `${table} ${row.map((value) => (Buffer.isBuffer(value) ? `0x${value.toString('hex')}` : value)).join(' ')}`,
      ),
    );
  }
  return rows;
}
