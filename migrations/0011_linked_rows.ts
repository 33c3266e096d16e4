/** Rows of MediMax's that are further rows of a resource: the conditions of one relative's history, each a row of its own there. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  // Both keys are of the table of this place (see src/db/journal/entry.ts): the further row, and the one the resource is named for.
  await knex.raw(`CREATE TABLE fhir_linked_row (
    place TINYINT UNSIGNED NOT NULL,
    row_key INT NOT NULL,
    owner_key INT NOT NULL,
    PRIMARY KEY (place, row_key),
    KEY idx_linked_row_owner (place, owner_key)
  ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE fhir_linked_row');
}
