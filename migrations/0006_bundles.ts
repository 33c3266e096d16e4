/** Slots that equal conditions meet in, remembered answers of requests with an Idempotency-Key, and asynchronous jobs. See docs/bundles.md. */
import type { Knex } from 'knex';
import { slotsMax } from '../src/db/conditional-target.ts';

const definitions: readonly (readonly [table: string, columns: string])[] = [
  // Never changed: rows to lock. A row for each of so many hashes, so that nothing grows and no gap is locked.
  ['fhir_condition_slot', 'slot SMALLINT UNSIGNED NOT NULL PRIMARY KEY'],
  [
    // One row a key. `status` NULL: the first request is at work, until `lease_until` at most.
    'fhir_idempotency',
    `key_hash BINARY(32) NOT NULL PRIMARY KEY,
  request_hash BINARY(32) NOT NULL,
  owner BINARY(16) NOT NULL,
  lease_until DATETIME(6) NOT NULL,
  made_at DATETIME(6) NOT NULL,
  status SMALLINT UNSIGNED NULL,
  headers TEXT NULL,
  body LONGTEXT NULL,
  KEY idx_idempotency_made (made_at)`,
  ],
  [
    // `state`: 0 waiting or at work, 1 done, 2 cancelled.
    'fhir_async_job',
    `job_id BINARY(16) NOT NULL PRIMARY KEY,
  state TINYINT UNSIGNED NOT NULL DEFAULT 0,
  lease_until DATETIME(6) NOT NULL,
  owner BINARY(16) NOT NULL,
  made_at DATETIME(6) NOT NULL,
  request LONGTEXT NOT NULL,
  status SMALLINT UNSIGNED NULL,
  headers TEXT NULL,
  body LONGTEXT NULL,
  KEY idx_async_made (made_at)`,
  ],
];

export async function up(knex: Knex): Promise<void> {
  for (const [table, columns] of definitions)
    await knex.raw(`CREATE TABLE ${table} (\n  ${columns}\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`);
  const slots = Array.from({ length: slotsMax }, (_none, slot) => `(${slot})`);
  await knex.raw(`INSERT INTO fhir_condition_slot (slot) VALUES ${slots.join(', ')}`);
}

export async function down(knex: Knex): Promise<void> {
  for (const [table] of definitions.toReversed()) await knex.raw(`DROP TABLE ${table}`);
}
