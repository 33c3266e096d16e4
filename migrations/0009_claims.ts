/** What reports name that is not under them yet: a finding that comes (or comes back) goes under the report that has named it. */
import type { Knex } from 'knex';

const ascii = 'CHARACTER SET ascii COLLATE ascii_bin';

export async function up(knex: Knex): Promise<void> {
  await knex.raw(`CREATE TABLE fhir_claim (
    type VARCHAR(32) ${ascii} NOT NULL,
    id VARCHAR(64) ${ascii} NOT NULL,
    rid BIGINT UNSIGNED NOT NULL,
    PRIMARY KEY (type, id, rid),
    KEY idx_claim_rid (rid)
  ) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`);
}

export async function down(knex: Knex): Promise<void> {
  await knex.raw('DROP TABLE fhir_claim');
}
