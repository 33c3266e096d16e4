/** SQL that asks whether a resource's rows are ahead of its books. */
import { type TableName, tables } from '../../mapping/tables.ts';
import type { Source } from '../../mapping/types.ts';
import { placeOf } from './entry.ts';

/**
 * Whether the journal has something of the rows that the resource is made of: then what they say belongs to a version that is still to be
 * entered. Asked in the same statement, hence of the same state of the database. `r` is the resource, `t` its row.
 */
export function waitingFor({ table, parent, child }: Source): string {
  const tests = [
    waiting('row_key', 'r.source_key', table),
    ...(parent ? [waiting('row_key', `t.${parent.foreignKey}`, parent.table)] : []),
    ...(child ? [child.linked ? waitingLinked(child.table) : waiting('above', 'r.source_key', child.table)] : []),
  ];
  // A living resource whose row is gone, or of another kind, is behind in any case.
  const key = `t.${tables[table].key}`;
  return `(${tests.join(' OR ')} OR (r.state = 0 AND ${key} IS NULL))`;
}

function waitingLinked(table: TableName): string {
  const place = placeOf(table);
  return (
    'EXISTS (SELECT 1 FROM fhir_linked_row k JOIN fhir_journal j ON j.row_key = k.row_key AND j.place = k.place ' +
    `WHERE k.place = ${place} AND k.owner_key = r.source_key)`
  );
}

/** What has no row goes with its patient, or is followed by a row under the key that it had. */
export function waitingForKept({ table, idPrefix }: Source): string {
  const key = `IF(r.id REGEXP '^${idPrefix}-[0-9]{1,9}$', CAST(SUBSTRING(r.id, ${idPrefix.length + 2}) AS SIGNED), NULL)`;
  return `(${waiting('row_key', 'r.patient_key', 'Patient')} OR ${waiting('row_key', key, table)})`;
}

function waiting(column: 'row_key' | 'above', key: string, table: TableName): string {
  return `EXISTS (SELECT 1 FROM fhir_journal j WHERE j.${column} = ${key} AND j.place = ${placeOf(table)})`;
}
