/**
 * The search index: what each resource is found by, as it is served. Its rows follow every change, whoever made it: triggers note the resource, and the
 * next search (or the gateway itself, when nobody searches) brings the index up to date. See docs/decisions/0006-search-index.md.
 */
import type { Knex } from 'knex';

const ascii = 'CHARACTER SET ascii COLLATE ascii_bin';

/** `place` ties the parts of a composite together; `edge` marks the least (1) and the greatest value (2) of a parameter, for sorting. */
const row = `rid BIGINT UNSIGNED NOT NULL,
  param INT UNSIGNED NOT NULL,
  n INT UNSIGNED NOT NULL,
  place INT UNSIGNED NOT NULL,
  edge TINYINT UNSIGNED NOT NULL,`;
const rowKey = 'PRIMARY KEY (rid, param, n)';

/** Texts are bytes: the gateway folds them itself, so that no collation has a say in what is equal. */
const definitions: readonly (readonly [table: string, columns: string])[] = [
  [
    'fhir_search_pending',
    `seq BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  type VARCHAR(32) ${ascii} NOT NULL,
  rid BIGINT UNSIGNED NOT NULL,
  KEY idx_search_pending_type (type, seq),
  KEY idx_search_pending_rid (rid)`,
  ],
  // Resources whose content depends on the day: looked at again when the day changes.
  ['fhir_search_daily', `rid BIGINT UNSIGNED NOT NULL PRIMARY KEY`],
  [
    'fhir_search_token',
    `${row}
  code VARBINARY(420) NULL,
  system VARBINARY(12) NULL,
  ${rowKey},
  KEY idx_search_token (param, code, rid, system, edge)`,
  ],
  [
    'fhir_search_string',
    `${row}
  folded VARBINARY(720) NULL,
  exact VARBINARY(12) NULL,
  whole LONGBLOB NULL,
  ${rowKey},
  KEY idx_search_string (param, folded, rid, edge),
  KEY idx_search_string_exact (param, exact, rid)`,
  ],
  [
    'fhir_search_date',
    `${row}
  low DOUBLE NULL,
  high DOUBLE NULL,
  ${rowKey},
  KEY idx_search_date_low (param, low, rid, edge, high),
  KEY idx_search_date_high (param, high, rid, edge, low)`,
  ],
  [
    'fhir_search_quantity',
    `${row}
  low DOUBLE NULL,
  high DOUBLE NULL,
  system VARBINARY(12) NULL,
  code VARBINARY(420) NULL,
  unit VARBINARY(420) NULL,
  canonical VARBINARY(64) NULL,
  canonical_low DOUBLE NULL,
  canonical_high DOUBLE NULL,
  ${rowKey},
  KEY idx_search_quantity_low (param, low, rid, edge, high),
  KEY idx_search_quantity_high (param, high, rid, edge),
  KEY idx_search_quantity_canonical (param, canonical, canonical_low, canonical_high, rid)`,
  ],
  [
    'fhir_search_reference',
    `${row}
  type VARCHAR(64) ${ascii} NULL,
  id VARCHAR(64) ${ascii} NULL,
  url VARBINARY(420) NULL,
  ${rowKey},
  KEY idx_search_reference (param, id, rid, type),
  KEY idx_search_reference_url (param, url, rid)`,
  ],
];

/** Appending never waits for anybody, so neither does the writer whose change it notes. */
const triggers = [
  ['gateway_search_insert', 'AFTER INSERT', 'NEW'],
  ['gateway_search_update', 'AFTER UPDATE', 'NEW'],
  ['gateway_search_delete', 'AFTER DELETE', 'OLD'],
] as const;

export async function up(knex: Knex): Promise<void> {
  for (const [table, columns] of definitions)
    await knex.raw(`CREATE TABLE ${table} (\n  ${columns}\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`);
  await knex.raw("INSERT INTO fhir_setting (name, value) VALUES ('search_index', '')");
  await knex.raw("INSERT INTO fhir_setting (name, value) VALUES ('search_index_lock', '')");
  await knex.raw("INSERT INTO fhir_setting (name, value) VALUES ('search_index_day', '')");
  for (const [name, when, which] of triggers) {
    await knex.raw(
      `CREATE TRIGGER ${name} ${when} ON fhir_resource FOR EACH ROW INSERT INTO fhir_search_pending (type, rid) VALUES (${which}.type, ${which}.rid)`,
    );
  }
  await knex.raw('INSERT INTO fhir_search_pending (type, rid) SELECT type, rid FROM fhir_resource');
}

export async function down(knex: Knex): Promise<void> {
  for (const [name] of triggers) await knex.raw(`DROP TRIGGER IF EXISTS ${name}`);
  for (const [table] of definitions.toReversed()) await knex.raw(`DROP TABLE ${table}`);
  await knex.raw("DELETE FROM fhir_setting WHERE name IN ('search_index', 'search_index_lock', 'search_index_day')");
}
