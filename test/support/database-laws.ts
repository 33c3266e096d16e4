/** Laws 1 to 5 for registered mappings against the real database: the whole way down into MediMax's tables and back. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import mysql, { type Connection, type ResultSetHeader } from 'mysql2/promise';
import { readConfig } from '../../src/config.ts';
import { adoptRows } from '../../src/db/adopt-rows.ts';
import { migrateUp } from '../../src/db/migrate.ts';
import { connectionOptions, sessionOf } from '../../src/db/pool.ts';
import type { ResourceRecord } from '../../src/db/repository.ts';
import { parseJson, sameJson, stringifyJson } from '../../src/fhir/json.ts';
import { FhirError } from '../../src/fhir/outcome.ts';
import { validate } from '../../src/fhir/validate.ts';
import { createGatewayRegistry, type Gateway, openGateway } from '../../src/gateway.ts';
import type { CompiledVariant } from '../../src/mapping/compile.ts';
import { isObject, type JsonObject } from '../../src/mapping/lift.ts';
import { mergeInto } from '../../src/mapping/paths.ts';
import { renderLifted } from '../../src/mapping/render.ts';
import { tables } from '../../src/mapping/tables.ts';
import type { Columns, ColumnValue } from '../../src/mapping/types.ts';
import { anyRow, anyValue } from './generators/rows.ts';
import { lawCases } from './law-cases.ts';
import { type FreshDatabase, freshDatabase } from './servers.ts';

/** Cases a variant; the long hunt sets more. */
const runs = Number(process.env['LAW_RUNS'] ?? 1000);
const registry = createGatewayRegistry();

let database: FreshDatabase;
let gateway: Gateway;
/** MediMax's own software: a plain session that is not strict. */
let medimax: Connection;
let patientId: string;
let appointmentId = '';

/**
 * Declares the tests of every mapping of one shard; several files share the mappings, so that a new one needs none of its own and no core is idle.
 */
export function databaseLaws(shard: number, shards: number): void {
  before(async () => {
    database = await freshDatabase();
    const config = readConfig({ ...database.env, DB_POOL_MIN: '1', DB_POOL_MAX: '4', CLINIC_TIME_ZONE: 'Europe/Berlin' });
    await migrateUp(config, registry);
    gateway = await openGateway(config);
    medimax = await mysql.createConnection(connectionOptions(config));
    await medimax.query("SET SESSION sql_mode = '', time_zone = '+00:00'");
    const patient = await create('Patient', { resourceType: 'Patient', name: [{ text: 'Law Case' }] });
    patientId = patient.id;
    if (registry.get('Appointment')) {
      const subject = { actor: { reference: `Patient/${patientId}` }, status: 'accepted' };
      const when = { start: '2026-12-01T09:00:00Z', end: '2026-12-01T09:30:00Z' };
      appointmentId = (
        await create('Appointment', { resourceType: 'Appointment', status: 'booked', ...when, participant: [subject] })
      ).id;
    }
  });

  after(async () => {
    await medimax?.end();
    await gateway?.close();
    await database?.drop();
  });

  const mappings = registry.mappings.filter((_mapping, index) => index % shards === shard);
  for (const variant of mappings.flatMap((mapping) => mapping.variants)) {
    const name = `${variant.resourceType}/${variant.name}`;
    const lawCase = lawCases[name];

    test(`${name}: has its generator of resources`, () => assert.ok(lawCase));
    if (!lawCase) continue;

    test(`${name}: ${runs} lives of a resource – nothing lost, reading changes nothing, MediMax wins`, async () => {
      const tally = { accepted: 0, changed: 0 };
      const change = anyChange(variant);
      const resources = lawCase.resources(patientId, appointmentId);
      await fc.assert(
        fc.asyncProperty(resources, change, (resource, [column, value]) => live(variant, resource, column, value, tally)),
        { numRuns: runs, endOnFailure: true },
      );
      assert.ok(tally.accepted >= runs * lawCase.acceptedMin, `only ${tally.accepted} of ${runs} were accepted`);
      assert.ok(tally.changed > runs * lawCase.acceptedMin * 0.3, `MediMax changed only ${tally.changed}`);
    });

    test(`${name}: ${runs} rows as MediMax can write them are all valid`, async () => {
      const keys = await insertRows(variant, fc.sample(rowsOf(variant), runs));
      await adoptRows(sessionOf(gateway.pool, 60_000), registry);
      const { idPrefix } = variant.variant.source;
      for (const key of keys) {
        const record = await gateway.repository.read(variant.resourceType, `${idPrefix}-${key}`);
        assert.ok(record, `${idPrefix}-${key} was not found`);
        const resource = gateway.repository.render(record);
        const errors = validate(resource, variant.resourceType).filter((issue) => issue.severity === 'error');
        assert.deepEqual(errors, [], stringifyJson(resource));
        const again = await gateway.repository.update(variant.resourceType, record.id, sent(resource), options());
        assert.equal(again.outcome, 'unchanged');
      }
    });
  }
}

/** One resource from its birth to a change of MediMax's. */
async function live(
  variant: CompiledVariant,
  resource: JsonObject,
  column: string,
  value: ColumnValue,
  tally: { accepted: number; changed: number },
): Promise<void> {
  const { repository } = gateway;
  let born: ResourceRecord;
  try {
    born = (await repository.create(variant.resourceType, sent(resource), options())).record;
  } catch (fault) {
    assert.ok(fault instanceof FhirError && fault.kind === 'unprocessable', String(fault));
    for (const issue of fault.issues.filter(({ severity }) => severity === 'error')) assert.ok(issue.expression?.[0], issue.text);
    return;
  }
  tally.accepted += 1;
  const isWithdrawn = born.variant.variant.source.rowless === true;
  if (!isWithdrawn) assert.equal(born.variant.name, variant.name);
  const read = await readAgain(born);
  const served = repository.render(read);
  assertSame(resource, served);
  assert.equal(served['id'], born.id);

  const unchanged = await repository.update(variant.resourceType, born.id, sent(served), options());
  assert.equal(unchanged.outcome, 'unchanged');
  assert.equal((await readAgain(born)).version, 1);
  if (isWithdrawn) return; // there is no row that MediMax could change

  const { source } = variant.variant;
  const key = Number(read.stored?.row[source.key]);
  try {
    await medimax.query('UPDATE ?? SET ?? = ? WHERE ?? = ?', [source.table, column, value, source.key, key]);
  } catch (fault) {
    assert.equal((fault as { errno?: number }).errno, 4025, 'only a CHECK of MediMax may refuse its own software');
    return;
  }
  const after = await readAgain(born);
  if (sameJson(untimed(after), untimed(read))) {
    assert.equal(after.version, read.version, 'a statement that changes nothing is no version');
    return;
  }
  tally.changed += 1;
  assert.equal(after.version, read.version + 1, `${column} = ${JSON.stringify(value)} is one version`);
  const past = await repository.readVersion(variant.resourceType, born.id, read.version);
  assert.ok(past && sameJson(repository.render(past), served), 'the superseded version reads as it was served');
  assert.ok(
    sameJson(renderNow(after), expectedAfter(variant, read, after, column)),
    `${column} = ${JSON.stringify(value)}: ${stringifyJson(renderNow(after))}`,
  );
  const errors = validate(repository.render(after), variant.resourceType).filter((issue) => issue.severity === 'error');
  assert.deepEqual(errors, []);
}

/** The row without `updated_at`, which MariaDB may move even where a statement sets what is there already. */
function untimed({ stored }: ResourceRecord): Columns {
  const { updated_at: _time, ...row } = stored?.row ?? {};
  return row;
}

/** Pairs that read the column say what the columns say now; all others what they said before. */
function expectedAfter(variant: CompiledVariant, before: ResourceRecord, now: ResourceRecord, column: string): JsonObject {
  const expected: JsonObject = {};
  assert.ok(now.stored);
  for (const { pair, name, reads } of variant.pairs) {
    const touched = reads.row.includes(column);
    const refinement = touched ? undefined : before.overlay?.refined[name]?.el;
    mergeInto(expected, refinement ?? sent(pair.toFhir(now.stored, gateway.parts.env())));
  }
  if (before.overlay) mergeInto(expected, before.overlay.rest);
  return expected;
}

function renderNow({ variant, stored, overlay, refined }: ResourceRecord): JsonObject {
  assert.ok(stored);
  return renderLifted(variant, stored, overlay, refined, gateway.parts.env());
}

async function readAgain({ resourceType, id }: ResourceRecord): Promise<ResourceRecord> {
  const record = await gateway.repository.read(resourceType, id);
  assert.ok(record?.stored, `${resourceType}/${id} cannot be read`);
  return record;
}

async function create(resourceType: string, resource: JsonObject): Promise<ResourceRecord> {
  return (await gateway.repository.create(resourceType, resource, options())).record;
}

/** What came over the wire, digits and all. */
function sent(resource: JsonObject): JsonObject {
  const parsed = parseJson(stringifyJson(resource));
  assert.ok(isObject(parsed));
  return parsed;
}

function options() {
  return { origin: 'client', deadline: Date.now() + 30_000 };
}

/** Law 1 speaks of all but id, meta's server part and the key that MediMax gives a patient. */
function assertSame(resource: JsonObject, served: JsonObject): void {
  const { id: _id, meta, identifier, ...content } = served;
  const { versionId: _version, lastUpdated: _updated, source: _source, ...said } = (meta ?? {}) as JsonObject;
  const own = gateway.config.clinic.identifierSystem;
  const identifiers = Array.isArray(identifier) ? identifier.filter((one) => one.system !== own) : [];
  const read = {
    ...content,
    ...(Object.keys(said).length > 0 ? { meta: said } : {}),
    ...(identifiers.length > 0 ? { identifier: identifiers } : {}),
  };
  if (!sameJson(resource, read)) assert.deepEqual(JSON.parse(stringifyJson(read)), JSON.parse(stringifyJson(resource)));
}

function anyChange({ variant: { source } }: CompiledVariant): fc.Arbitrary<readonly [string, ColumnValue]> {
  const { columns, key, belongsTo } = tables[source.table];
  const changeable = Object.entries(columns).filter(
    ([name, column]) => ![key, belongsTo?.column, source.where?.column].includes(name) && column.type !== 'timestamp',
  );
  return fc
    .constantFrom(...changeable)
    .chain(([name, column]) => anyValue(column).map((value): readonly [string, ColumnValue] => [name, value]));
}

function rowsOf({ variant: { source } }: CompiledVariant) {
  const fixed = source.where ? { [source.where.column]: source.where.value } : {};
  return fc.tuple(
    anyRow(source.table, { fixed, checked: true }),
    source.parent ? anyRow(source.parent.table, { checked: true }) : fc.constant(null),
  );
}

/** Inserts rows as a session that is not strict does; returns their keys. */
async function insertRows(
  { variant: { source } }: CompiledVariant,
  rows: readonly (readonly [Columns, Columns | null])[],
): Promise<number[]> {
  const keys: number[] = [];
  const insert = async (table: string, row: Columns, keyColumn: string): Promise<number> => {
    const { [keyColumn]: _key, ...columns } = row;
    const [header] = await medimax.query<ResultSetHeader>('INSERT INTO ?? SET ?', [table, columns]);
    return header.insertId;
  };
  const numericPatient = Number((await gateway.repository.read('Patient', patientId))?.stored?.row['patient_id']);
  for (const [row, parent] of rows) {
    const owned = 'patient_id' in row && source.patient !== 'self' ? { ...row, patient_id: numericPatient } : row;
    if (parent && source.parent) {
      const parentKey = await insert(source.parent.table, { ...parent, patient_id: numericPatient }, source.parent.key);
      keys.push(await insert(source.table, { ...owned, [source.parent.foreignKey]: parentKey }, source.key));
    } else keys.push(await insert(source.table, owned, source.key));
  }
  return keys;
}
