/** The journal: what triggers note of MediMax's changes, until the gateway has entered them in its books. See docs/decisions/0010-the-journal.md. */
import type { Knex } from 'knex';

export async function up(knex: Knex): Promise<void> {
  // Appended by MediMax's own transactions: one narrow row a changed row, and no lock on anything that another of them may want.
  // `place`, `op`: see src/db/journal/entry.ts. `above`: the foreign key to the row it belongs to. `doc`: its columns before.
  await knex.raw(`CREATE TABLE fhir_journal (
    entry_id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
    place TINYINT UNSIGNED NOT NULL,
    op TINYINT UNSIGNED NOT NULL,
    row_key INT NOT NULL,
    above INT NULL,
    made DATETIME(6) NOT NULL,
    conn BIGINT UNSIGNED NOT NULL,
    doc LONGTEXT COLLATE utf8mb4_bin NULL,
    KEY idx_journal_row (row_key, place),
    KEY idx_journal_above (above, place)
  ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`);
  await knex.raw("INSERT INTO fhir_setting (name, value) VALUES ('journal_lock', '')");
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw("DELETE FROM fhir_setting WHERE name = 'journal_lock'");
  await knex.raw('DROP TABLE fhir_journal');
}
