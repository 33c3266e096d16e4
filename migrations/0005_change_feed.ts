/** What the change feed and the other writer's books need: type and time of each change, troubles noted by triggers, what a sweep has seen. */
import type { Knex } from 'knex';

const ascii = 'CHARACTER SET ascii COLLATE ascii_bin';

export async function up(knex: Knex): Promise<void> {
  // `type` and `seen` are filled in with `seq`, after the commit. `seen` never runs backwards as `seq` grows.
  await knex.raw(`ALTER TABLE fhir_change
    ADD COLUMN type VARCHAR(32) ${ascii} NULL,
    ADD COLUMN seen DATETIME(6) NULL,
    ADD KEY idx_change_type (type, seq),
    ADD KEY idx_change_seen (seen, seq)`);
  await knex.raw(`CREATE TABLE fhir_trouble (
    trouble_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    noted DATETIME(6) NOT NULL,
    place VARCHAR(64) ${ascii} NOT NULL,
    source_key INT NULL,
    errno INT NOT NULL,
    text VARCHAR(512) NOT NULL
  ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`);
  await knex.raw(`CREATE TABLE fhir_seen (
    rid BIGINT UNSIGNED NOT NULL PRIMARY KEY,
    version INT UNSIGNED NOT NULL,
    doc LONGTEXT COLLATE utf8mb4_bin NOT NULL
  ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`);
  await knex.raw("INSERT INTO fhir_setting (name, value) VALUES ('change_sequenced_until', '')");
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw("DELETE FROM fhir_setting WHERE name = 'change_sequenced_until'");
  await knex.raw('DROP TABLE fhir_seen');
  await knex.raw('DROP TABLE fhir_trouble');
  await knex.raw(
    'ALTER TABLE fhir_change DROP KEY idx_change_seen, DROP KEY idx_change_type, DROP COLUMN seen, DROP COLUMN type',
  );
}
