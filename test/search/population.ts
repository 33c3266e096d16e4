/** Random resources of every type: written through the API, and as rows that MediMax wrote. */
import fc from 'fast-check';
import type { Connection } from 'mysql2/promise';
import { FhirError } from '../../src/fhir/outcome.ts';
import type { Gateway } from '../../src/gateway.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import { type TableName, tables } from '../../src/mapping/tables.ts';
import { anyRow } from '../support/generators/rows.ts';
import { lawCases } from '../support/law-cases.ts';
import type { Served } from './oracle.ts';

export interface Populated {
  readonly seed: number;
  readonly each: number;
}

/** Returns how many resources came to be through the API. */
export async function populate(
  { repository, registry }: Gateway,
  medimax: Connection,
  { seed, each }: Populated,
): Promise<number> {
  await writeRows(medimax, seed, Math.ceil(each / 2));
  const options = { origin: 'client', deadline: Date.now() + 600_000 };
  const create = async (resource: JsonObject): Promise<string | null> => {
    try {
      return (await repository.create(String(resource['resourceType']), resource, options)).record.id;
    } catch (failure) {
      if (failure instanceof FhirError) return null;
      throw failure;
    }
  };
  let accepted = 0;
  const patients: string[] = ['pt-1'];
  for (const resource of fc.sample(lawCases['Patient/Patient']?.resources('', '') ?? fc.constant({}), { numRuns: each, seed })) {
    const id = await create(resource);
    if (id !== null) patients.push(id);
  }
  const [first] = await medimax.query('SELECT MIN(appointment_id) AS id FROM Appointment');
  const appointment = `ap-${(first as { id: number }[])[0]?.id}`;
  for (const [name, { resources }] of Object.entries(lawCases)) {
    const [type, variant] = name.split('/');
    if (type === 'Patient' || !registry.variant(type ?? '', variant ?? '')) continue;
    for (const [index, patient] of Array.from({ length: each }, (_, at) => patients[at % patients.length] ?? 'pt-1').entries()) {
      const [resource] = fc.sample(resources(patient, appointment), { numRuns: 1, seed: seed + index });
      if (resource && (await create(resource)) !== null) accepted += 1;
    }
  }
  return accepted + patients.length - 1;
}

/** The tables in the order of their foreign keys. */
const order: readonly TableName[] = [
  'Patient',
  'Medical_History',
  'Appointment',
  'Appointment_Symptom',
  'Medication',
  'Medication_Purpose',
  'Lab_Report',
  'Lab_Finding',
  'Report',
];

/** The first rows have key 1, to which all others belong. */
async function writeRows(medimax: Connection, seed: number, each: number): Promise<void> {
  await medimax.query("SET SESSION sql_mode = ''");
  for (const table of order) {
    const { key } = tables[table];
    const rows = fc.sample(anyRow(table, { checked: true }), { numRuns: each * (table === 'Medical_History' ? 6 : 2), seed });
    for (const [index, row] of rows.entries()) {
      const columns = { ...row, [key]: index + 1 };
      const names = Object.keys(columns);
      await medimax.execute(
        `INSERT INTO ${table} (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')})`,
        Object.values(columns),
      );
    }
  }
}

/** Everything that is served now, as a client reads it. */
export async function everythingServed({ repository, pool, registry }: Gateway): Promise<Map<string, Served[]>> {
  const byType = new Map<string, Served[]>(registry.resourceTypes.map((type) => [type, []]));
  const [rows] = await pool.query('SELECT type, id FROM fhir_resource WHERE state = 0 ORDER BY rid');
  for (const { type, id } of rows as { type: string; id: string }[]) {
    const record = await repository.read(type, id);
    if (record?.state === 'living') byType.get(type)?.push(JSON.parse(JSON.stringify(repository.render(record))) as Served);
  }
  return byType;
}
