/**
 * What each trigger does: it appends what the row said to the journal, and nothing else. No row of MediMax's or of the gateway's is
 * locked or written that another session may want, so no writer waits for another one because of it. See docs/decisions/0010-the-journal.md.
 */
import type { Registry } from '../../mapping/registry.ts';
import { type TableName, tables } from '../../mapping/tables.ts';
import { type Op, opCode, placeOf } from '../journal/entry.ts';
import { anyChanged, parentColumns, versionColumns } from './changed.ts';
import type { SchemaFacts } from './facts.ts';

export type TriggerEvent = 'insert' | 'update' | 'delete';

export interface Body {
  /** When there is anything to do at all; checked before anything else. */
  readonly condition: string;
  /** Empty when this table's rows are of no interest to any mapping. */
  readonly statements: string;
}

export function bodyOf(registry: Registry, table: TableName, event: TriggerEvent, facts: SchemaFacts): Body {
  if (registry.ofTable(table).length === 0) return { condition: 'TRUE', statements: '' };
  const { key } = tables[table];
  if (event === 'insert') {
    return {
      condition: 'TRUE',
      statements: append(table, 'inserted', { key: `NEW.${key}`, above: aboveOf(table, 'NEW'), doc: 'NULL' }),
    };
  }
  if (event === 'update') return { condition: anyRelevantChange(registry, table), statements: onUpdate(table, facts) };
  return { condition: 'TRUE', statements: onDelete(registry, table, facts) };
}

function onUpdate(table: TableName, facts: SchemaFacts): string {
  const { key, belongsTo } = tables[table];
  const changed = append(table, 'updated', {
    key: `OLD.${key}`,
    above: aboveOf(table, 'OLD'),
    doc: rowText(table, 'OLD', facts),
  });
  const moved = belongsTo
    ? `\n  IF ${anyChanged(table, [belongsTo.column])} THEN
    ${append(table, 'moved', { key: `OLD.${key}`, above: aboveOf(table, 'NEW'), doc: 'NULL' })}
  END IF;`
    : '';
  return `IF ${anyChanged(table, [key])} THEN
  ${note(table, `OLD.${key}`, "'0 the key of a row was changed'")}
ELSE
  ${changed}${moved}
END IF;`;
}

/** Rows below go by the foreign key, which fires no trigger (S10): they are noted along while they are still there. */
function onDelete(registry: Registry, table: TableName, facts: SchemaFacts): string {
  const own = append(table, 'deleted', {
    key: `OLD.${tables[table].key}`,
    above: aboveOf(table, 'OLD'),
    doc: rowText(table, 'OLD', facts),
  });
  const falling = fallingWith(table, facts).filter((one) => registry.ofTable(one.table).length > 0);
  // The lowest first: where a batch of the journal ends among them, what is above is still there.
  return falling.length === 0 ? own : `${appendFalling(falling.toReversed(), facts)}\n${own}`;
}

/** One cursor over all of them, of keys only: each cursor makes a table of its own, and one with texts in it a file. */
function appendFalling(falling: readonly Falling[], facts: SchemaFacts): string {
  const keys = falling.map(
    ({ table, rows }) =>
      `(SELECT ${placeOf(table)}, c.${tables[table].key}, ${aboveOf(table, 'c')} FROM ${rows} LOCK IN SHARE MODE)`,
  );
  const entries = falling.map(({ table }, index) => {
    const { key } = tables[table];
    const doc = `(SELECT ${rowText(table, 'c', facts)} FROM ${table} c WHERE c.${key} = fhir_key)`;
    const entry = append(table, 'deleted', { key: 'fhir_key', above: 'fhir_above', doc });
    return `${index === 0 ? 'IF' : 'ELSEIF'} fhir_place = ${placeOf(table)} THEN ${entry}`;
  });
  return `BEGIN
  DECLARE fhir_done BOOLEAN DEFAULT FALSE;
  DECLARE fhir_place, fhir_key, fhir_above INT;
  DECLARE fhir_rows CURSOR FOR
    ${keys.join('\n    UNION ALL ')};
  DECLARE CONTINUE HANDLER FOR NOT FOUND SET fhir_done = TRUE;
  OPEN fhir_rows;
  fhir_each: LOOP
    FETCH fhir_rows INTO fhir_place, fhir_key, fhir_above;
    IF fhir_done THEN LEAVE fhir_each; END IF;
    ${entries.join('\n    ')}
    END IF;
  END LOOP;
  CLOSE fhir_rows;
END;`;
}

interface Falling {
  readonly table: TableName;
  /** A FROM clause with alias c. */
  readonly rows: string;
}

/** Tables whose rows the server deletes with a row of this one, and those rows. */
function fallingWith(table: TableName, facts: SchemaFacts): readonly Falling[] {
  const found: Falling[] = [];
  const names = Object.keys(tables) as TableName[];
  const below = (above: TableName) =>
    names.filter((name) => tables[name].belongsTo?.table === above && facts.cascading.has(name));
  for (const child of below(table)) {
    const column = tables[child].belongsTo?.column;
    found.push({ table: child, rows: `${child} c WHERE c.${column} = OLD.${tables[table].key}` });
    for (const grandchild of below(child)) {
      const up = tables[grandchild].belongsTo?.column;
      found.push({
        table: grandchild,
        rows: `${child} m STRAIGHT_JOIN ${grandchild} c ON c.${up} = m.${tables[child].key} WHERE m.${column} = OLD.${tables[table].key}`,
      });
    }
  }
  return found;
}

/** Every column that matters to a resource made of, above or below a row of this table. */
function anyRelevantChange(registry: Registry, table: TableName): string {
  const own = registry.ofTable(table).flatMap((variant) => {
    const { source } = variant.variant;
    return [
      ...(source.table === table ? versionColumns(table, [variant]) : []),
      ...(source.child?.table === table ? [...source.child.columns, source.child.foreignKey] : []),
      ...(source.parent?.table === table ? parentColumns(variant) : []),
    ];
  });
  return anyChanged(table, [...new Set([tables[table].key, ...own])]);
}

const aboveOf = (table: TableName, alias: string) => {
  const { belongsTo } = tables[table];
  return belongsTo ? `${alias}.${belongsTo.column}` : 'NULL';
};

/** By VALUES: INSERT … SELECT would hold the lock on the journal's numbers until MediMax's statement ends. */
function append(
  table: TableName,
  op: Op,
  { key, above, doc }: { readonly key: string; readonly above: string; readonly doc: string },
): string {
  return (
    'INSERT INTO fhir_journal (place, op, row_key, above, made, conn, doc) ' +
    `VALUES (${placeOf(table)}, ${opCode(op)}, ${key}, ${above}, UTC_TIMESTAMP(6), CONNECTION_ID(), ${doc});`
  );
}

/** A row as a list of its columns, exactly as the driver would give them; `alias` is OLD or a table's alias. */
function rowText(table: TableName, alias: string, facts: SchemaFacts): string {
  const values = Object.entries(tables[table].columns).map(([column, { type }]) => {
    const value = `${alias}.${column}`;
    return type === 'timestamp' && !facts.plainTimes.has(`${table}.${column}`) ? utcText(value) : value;
  });
  return `JSON_ARRAY(${values.join(', ')})`;
}

/** A TIMESTAMP as UTC text whatever the session's time zone, without the ambiguous hour that converting its text would have. */
function utcText(value: string): string {
  return `IF(${value} = 0, '0000-00-00 00:00:00', CAST('1970-01-01' + INTERVAL UNIX_TIMESTAMP(${value}) SECOND AS CHAR))`;
}

/**
 * Says that the books are not as they should be, where `check` looks once it is entered. In the journal itself: each further table that a
 * trigger names is opened with every statement of MediMax's.
 */
export function note(table: TableName, key: string, text: string): string {
  return append(table, 'trouble', { key, above: 'NULL', doc: `LEFT(${text}, 500)` });
}
