/** New resources that their own transaction indexes are not noted for the index: src/db/index-fresh.ts sets the mark. */
import type { Knex } from 'knex';

const note = 'INSERT INTO fhir_search_pending (type, rid) VALUES (NEW.type, NEW.rid)';

export async function up(knex: Knex): Promise<void> {
  await replaceTrigger(knex, `IF COALESCE(NEW.tx <> @fhir_indexed, TRUE) THEN ${note}; END IF`);
}

export async function down(knex: Knex): Promise<void> {
  await replaceTrigger(knex, note);
}

/** MariaDB does it in one step. Elsewhere what comes between the two is noted afterwards; a note too many does no harm. */
async function replaceTrigger(knex: Knex, body: string): Promise<void> {
  const definition = `TRIGGER gateway_search_insert AFTER INSERT ON fhir_resource FOR EACH ROW ${body}`;
  const [[version]] = await knex.raw('SELECT VERSION() AS text, MAX(rid) AS rid FROM fhir_resource');
  if (/mariadb/i.test(version.text)) {
    await knex.raw(`CREATE OR REPLACE ${definition}`);
    return;
  }
  await knex.raw('DROP TRIGGER gateway_search_insert');
  await knex.raw(`CREATE ${definition}`);
  await knex.raw('INSERT INTO fhir_search_pending (type, rid) SELECT type, rid FROM fhir_resource WHERE rid > ?', [
    version.rid ?? 0,
  ]);
}
