/** What an import said of a resource before a later line of its own had its say: src/import/earlier-lines.ts. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`CREATE TABLE fhir_import_earlier (
    rid BIGINT UNSIGNED NOT NULL,
    digest CHAR(22) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
    PRIMARY KEY (rid, digest)
  ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE fhir_import_earlier');
}
