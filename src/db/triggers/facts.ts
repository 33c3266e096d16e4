/** What a trigger's text depends on besides the mappings: how this server's tables differ from the documented ones. */
import { tables } from '../../mapping/tables.ts';
import type { Session } from '../pool.ts';

export interface SchemaFacts {
  /** `Table.column` of documented TIMESTAMPs that are DATETIME here: their text does not depend on a session's time zone. */
  readonly plainTimes: ReadonlySet<string>;
  /** Tables whose rows the foreign key deletes with the row they belong to. */
  readonly cascading: ReadonlySet<string>;
}

export async function readFacts(session: Session): Promise<SchemaFacts> {
  const types = await session.rows(
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = DATABASE() AND data_type = 'datetime'",
  );
  const keys = await session.rows(
    "SELECT table_name, referenced_table_name FROM information_schema.referential_constraints WHERE constraint_schema = DATABASE() AND delete_rule = 'CASCADE'",
  );
  const plain = new Set(types.map(([table, column]) => `${table}.${column}`.toLowerCase()));
  const cascades = new Set(keys.map(([table, referenced]) => `${table}→${referenced}`.toLowerCase()));
  const plainTimes = new Set<string>();
  const cascading = new Set<string>();
  for (const { name, belongsTo, columns } of Object.values(tables)) {
    for (const column of Object.keys(columns))
      if (plain.has(`${name}.${column}`.toLowerCase())) plainTimes.add(`${name}.${column}`);
    if (belongsTo && cascades.has(`${name}→${belongsTo.table}`.toLowerCase())) cascading.add(name);
  }
  return { plainTimes, cascading };
}
