/** Import: jobs, their chunks of lines, and who a partner's resource is here. See docs/import.md. */
import type { Knex } from 'knex';

const ascii = 'CHARACTER SET ascii COLLATE ascii_bin';

/** In the order in which they are made. */
const definitions: readonly (readonly [table: string, columns: string])[] = [
  [
    // `pass`: how often its waiting lines have been tried; `waited`: how many waited after the pass before; `last_pass`: no other follows.
    'fhir_import_job',
    `job_id INT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY,
  name VARCHAR(32) ${ascii} NOT NULL,
  source VARCHAR(20) ${ascii} NOT NULL,
  state VARCHAR(12) ${ascii} NOT NULL,
  options TEXT NOT NULL,
  pass INT UNSIGNED NOT NULL DEFAULT 1,
  waited INT UNSIGNED NULL,
  last_pass TINYINT UNSIGNED NOT NULL DEFAULT 0,
  created_at DATETIME(6) NOT NULL,
  touched_at DATETIME(6) NOT NULL,
  finished_at DATETIME(6) NULL,
  undo_result TEXT NULL,
  failure TEXT NULL,
  UNIQUE KEY uq_import_job_name (name),
  KEY idx_import_job_state (state, touched_at),
  KEY idx_import_job_source (source, state)`,
  ],
  [
    'fhir_import_file',
    `job_id INT UNSIGNED NOT NULL,
  file_no INT UNSIGNED NOT NULL,
  name VARCHAR(255) NOT NULL,
  kind VARCHAR(8) ${ascii} NOT NULL,
  line_count INT UNSIGNED NOT NULL DEFAULT 0,
  byte_count BIGINT UNSIGNED NOT NULL DEFAULT 0,
  PRIMARY KEY (job_id, file_no)`,
  ],
  [
    // `body`: the lines, gzip. `ledger`: what became of each of them, gzip JSON. `epoch` is raised by whoever takes the chunk: only the
    // last taker can write its outcome. `state`: 0 to be done, 1 taken, 2 done.
    'fhir_import_chunk',
    `job_id INT UNSIGNED NOT NULL,
  chunk_no INT UNSIGNED NOT NULL,
  file_no INT UNSIGNED NOT NULL,
  first_line INT UNSIGNED NOT NULL,
  first_offset BIGINT UNSIGNED NOT NULL,
  line_count INT UNSIGNED NOT NULL,
  body LONGBLOB NOT NULL,
  places LONGBLOB NULL,
  state TINYINT UNSIGNED NOT NULL DEFAULT 0,
  epoch INT UNSIGNED NOT NULL DEFAULT 0,
  attempts INT UNSIGNED NOT NULL DEFAULT 0,
  lease_until DATETIME(6) NULL,
  waiting INT UNSIGNED NOT NULL DEFAULT 0,
  counts TEXT NULL,
  ledger LONGBLOB NULL,
  PRIMARY KEY (job_id, chunk_no),
  KEY idx_import_chunk_state (job_id, state, chunk_no)`,
  ],
  [
    // What a source said last of a resource that is its own: the digest of the line, and where the line was.
    'fhir_import_line',
    `rid BIGINT UNSIGNED NOT NULL PRIMARY KEY,
  digest CHAR(22) ${ascii} NOT NULL,
  job_id INT UNSIGNED NOT NULL,
  line_no BIGINT UNSIGNED NOT NULL`,
  ],
  [
    // Where the id here does not follow from the source's own: patients known before, ids of a Bundle's fullUrl, types without a table
    // (then `local_id` is null).
    'fhir_import_alias',
    `source VARCHAR(20) ${ascii} NOT NULL,
  id VARCHAR(64) ${ascii} NOT NULL,
  type VARCHAR(64) ${ascii} NOT NULL,
  local_type VARCHAR(64) ${ascii} NOT NULL,
  local_id VARCHAR(64) ${ascii} NULL,
  digest CHAR(22) ${ascii} NULL,
  job_id INT UNSIGNED NOT NULL,
  line_no BIGINT UNSIGNED NOT NULL DEFAULT 0,
  PRIMARY KEY (source, id, type)`,
  ],
  [
    // Identifiers of imported patients, so that two chunks at the same time do not make one person twice.
    'fhir_import_identifier',
    `digest CHAR(27) ${ascii} NOT NULL PRIMARY KEY,
  rid BIGINT UNSIGNED NULL`,
  ],
];

export async function up(knex: Knex): Promise<void> {
  for (const [table, columns] of definitions) {
    await knex.raw(`CREATE TABLE ${table} (\n  ${columns}\n) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin`);
  }
}

export async function down(knex: Knex): Promise<void> {
  for (const [table] of definitions.toReversed()) await knex.raw(`DROP TABLE ${table}`);
}
