/** Migrations: up on nothing and on tables that are there, twice without effect, down without losing a record; what differs is said exactly. */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import mysql, { type Connection, type RowDataPacket } from 'mysql2/promise';
import { type Config, readConfig } from '../../src/config.ts';
import { migrateCheck, migrateDown, migrateUp } from '../../src/db/migrate.ts';
import { connectionOptions } from '../../src/db/pool.ts';
import { createGatewayRegistry, openGateway } from '../../src/gateway.ts';
import { tables } from '../../src/mapping/tables.ts';
import { PlainError } from '../../src/plain-error.ts';
import { type FreshDatabase, freshDatabase } from '../support/servers.ts';

const registry = createGatewayRegistry();
const medimaxTables = Object.keys(tables);
let database: FreshDatabase;
let config: Config;
let connection: Connection;

beforeEach(async () => {
  database = await freshDatabase();
  config = readConfig({ ...database.env, DB_POOL_MIN: '1' });
  connection = await mysql.createConnection(connectionOptions(config));
});
afterEach(async () => {
  await connection.end();
  await database.drop();
});

async function names(sql: string): Promise<string[]> {
  const [rows] = await connection.query<RowDataPacket[]>(sql);
  return rows.map((row) => String(Object.values(row)[0]));
}

/** Everything that makes a schema what it is. */
async function definitions(): Promise<string> {
  const all: string[] = [];
  for (const table of (await names('SHOW TABLES')).toSorted()) {
    const [rows] = await connection.query<RowDataPacket[]>(`SHOW CREATE TABLE \`${table}\``);
    all.push(String(Object.values(rows[0] ?? {})[1]).replace(/ AUTO_INCREMENT=\d+/, ''));
  }
  return all.join('\n');
}

test('up makes the nine tables as MediMax documents them, and a second time nothing', async () => {
  const first = await migrateUp(config, registry);
  assert.ok(first.applied.length > 0);
  assert.deepEqual(first.differences, []);
  const before = await definitions();
  for (const table of medimaxTables) assert.ok(before.includes(`CREATE TABLE \`${table}\``), table);
  const checks = await names(
    "SELECT constraint_name FROM information_schema.check_constraints WHERE constraint_schema = DATABASE() AND constraint_name LIKE 'chk\\_%'",
  );
  assert.deepEqual(checks.toSorted(), [
    'chk_abnormal_flag',
    'chk_appointment_date_not_null',
    'chk_discontinued_date',
    'chk_history_item_not_empty',
    'chk_medication_name_not_empty',
    'chk_patient_name_length',
    'chk_test_value_not_empty',
  ]);
  const rules = await names(
    `SELECT DISTINCT CONCAT(delete_rule, ' ', update_rule) FROM information_schema.referential_constraints WHERE constraint_schema = DATABASE()`,
  );
  assert.deepEqual(rules, ['CASCADE CASCADE']);

  const second = await migrateUp(config, registry);
  assert.deepEqual({ applied: second.applied, adopted: second.adopted }, { applied: [], adopted: 0 });
  assert.equal(await definitions(), before);
  const check = await migrateCheck(config, registry);
  assert.deepEqual({ pending: check.pending, differences: check.differences }, { pending: [], differences: [] });
});

test('tables that are there are adopted with their rows, and never altered', async () => {
  await migrateUp(config, registry);
  await connection.query("INSERT INTO Patient (name, sex) VALUES ('Here Before', 'Male')");
  await connection.query('ALTER TABLE Patient ADD COLUMN nickname VARCHAR(20) NULL, DROP INDEX idx_patient_dob');
  // The gateway's own tables go; what is left is a database that MediMax made.
  for (const trigger of await names('SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema = DATABASE()'))
    await connection.query(`DROP TRIGGER \`${trigger}\``);
  for (const table of await names("SHOW TABLES LIKE 'fhir\\_%'")) await connection.query(`DROP TABLE \`${table}\``);
  const [[patient]] = await connection.query<RowDataPacket[][]>('SHOW CREATE TABLE Patient');

  const { adopted } = await migrateUp(config, registry);
  assert.equal(adopted, 1);
  assert.deepEqual((await connection.query<RowDataPacket[][]>('SHOW CREATE TABLE Patient'))[0][0], patient);
  assert.deepEqual(await names("SELECT id FROM fhir_resource WHERE type = 'Patient'"), ['pt-1']);
  await migrateDown(config, true);
  assert.deepEqual(
    (await names('SHOW TABLES')).filter(
      (table) => table.startsWith('fhir_') && table !== 'fhir_migration' && table !== 'fhir_migration_lock',
    ),
    [],
  );
  assert.deepEqual(await names('SELECT name FROM Patient'), ['Here Before']);
});

test('tables that cannot carry the mappings are refused, every difference named', async () => {
  await migrateUp(config, registry);
  await connection.query(
    "ALTER TABLE Appointment MODIFY doctor_name VARCHAR(40) NULL, MODIFY status ENUM('Scheduled', 'Completed') NULL",
  );
  await connection.query('ALTER TABLE Lab_Finding DROP COLUMN reference_range');
  await assert.rejects(migrateUp(config, registry), (thrown) => {
    assert.ok(thrown instanceof PlainError);
    assert.match(thrown.message, /Appointment\.doctor_name holds 40; the documentation promises 255\./);
    assert.match(thrown.message, /Appointment\.status lacks the value Confirmed, Pending, Cancelled, No_Show\./);
    assert.match(thrown.message, /Column Lab_Finding\.reference_range is missing\./);
    return true;
  });
});

test('down takes back all that up made, but not while there are records', async () => {
  await migrateUp(config, registry);
  await connection.query("INSERT INTO Patient (name, sex) VALUES ('Keep Me', 'Other')");
  await assert.rejects(migrateDown(config, true), /Patient holds rows/);
  assert.deepEqual(await names('SELECT name FROM Patient'), ['Keep Me']);
  await connection.query('DELETE FROM Patient');
  await migrateDown(config, true);
  assert.deepEqual(
    (await names('SHOW TABLES')).filter((table) => !table.startsWith('fhir_migration')),
    [],
  );
});

test('a gateway does not start on a database of an older release, nor on one that was never migrated', async () => {
  await assert.rejects(openGateway(config), /Run `migrate` first; still to run: 0001_gateway_settings, /);
  await migrateUp(config, registry);
  await (await openGateway(config)).close();
  await migrateDown(config, false);
  await assert.rejects(openGateway(config), (failure: unknown) => {
    assert.ok(failure instanceof PlainError);
    assert.match(failure.message, /still to run: 0013_import_earlier_lines\.$/);
    return true;
  });
});
