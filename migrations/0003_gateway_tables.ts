/** The gateway's own tables: resources, superseded versions, the change feed. See docs/decisions/0002-gateway-tables.md. */
import type { Knex } from 'knex';

const ascii = 'CHARACTER SET ascii COLLATE ascii_bin';

/** In the order in which they are made. */
const definitions: readonly (readonly [table: string, columns: string])[] = [
  [
    // One row a resource, living or deleted. `state`: 0 living, 1 deleted, 2 a row kept for others that is not served itself.
    // `refined`: one bit a pair whose overlay entry still holds. `tx` marks the writer's transaction or connection.
    'fhir_resource',
    `rid BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  type VARCHAR(32) ${ascii} NOT NULL,
  id VARCHAR(64) ${ascii} NOT NULL,
  variant VARCHAR(32) ${ascii} NOT NULL,
  source_key INT NULL,
  patient_key INT NULL,
  version INT UNSIGNED NOT NULL DEFAULT 1,
  last_updated DATETIME(6) NOT NULL,
  state TINYINT UNSIGNED NOT NULL DEFAULT 0,
  tx BIGINT UNSIGNED NOT NULL DEFAULT 0,
  refined INT UNSIGNED NOT NULL DEFAULT 0,
  origin VARCHAR(128) ${ascii} NOT NULL,
  overlay LONGTEXT COLLATE utf8mb4_bin NULL,
  UNIQUE KEY uq_resource_id (type, id),
  UNIQUE KEY uq_resource_source (type, variant, source_key),
  KEY idx_resource_type (type, state, rid),
  KEY idx_resource_patient (patient_key, type, rid),
  KEY idx_resource_updated (type, last_updated, rid)`,
  ],
  [
    // Superseded versions: the rows as a JSON document, rendered by the same mapping code as the present.
    'fhir_version',
    `rid BIGINT UNSIGNED NOT NULL,
  version INT UNSIGNED NOT NULL,
  variant VARCHAR(32) ${ascii} NOT NULL,
  last_updated DATETIME(6) NOT NULL,
  state TINYINT UNSIGNED NOT NULL,
  refined INT UNSIGNED NOT NULL,
  origin VARCHAR(128) ${ascii} NOT NULL,
  doc LONGTEXT COLLATE utf8mb4_bin NULL,
  overlay LONGTEXT COLLATE utf8mb4_bin NULL,
  PRIMARY KEY (rid, version)`,
  ],
  [
    // One row a version made. `seq` is given after the commit, in the order in which commits are seen, so that no reader skips one.
    'fhir_change',
    `change_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  seq BIGINT UNSIGNED NULL,
  rid BIGINT UNSIGNED NOT NULL,
  version INT UNSIGNED NOT NULL,
  patient_key INT NULL,
  UNIQUE KEY uq_change_seq (seq),
  KEY idx_change_resource (rid, version),
  KEY idx_change_patient (patient_key, change_id)`,
  ],
];

export async function up(knex: Knex): Promise<void> {
  for (const [table, columns] of definitions) {
    await knex.raw(`CREATE TABLE ${table} (\n  ${columns}\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`);
  }
  await knex.raw("INSERT INTO fhir_setting (name, value) VALUES ('change_sequence', '0')");
}

export async function down(knex: Knex): Promise<void> {
  for (const [table] of definitions.toReversed()) await knex.raw(`DROP TABLE ${table}`);
  await knex.raw("DELETE FROM fhir_setting WHERE name = 'change_sequence'");
}
