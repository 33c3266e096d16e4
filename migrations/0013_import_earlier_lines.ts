/** What an import said of a resource before a later line of its own had its say: src/import/earlier-lines.ts. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`CREATE TABLE fhir_import_earlier (
    rid BIGINT UNSIGNED NOT NULL,
    digest CHAR(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (rid, digest)
  ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`);
  // Written before each chunk, to see how long a write takes (src/import/pace.ts).
  await knex.raw("INSERT INTO fhir_setting (name, value) VALUES ('import_probe', '')");
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw("DELETE FROM fhir_setting WHERE name = 'import_probe'");
  await knex.raw('DROP TABLE fhir_import_earlier');
}
