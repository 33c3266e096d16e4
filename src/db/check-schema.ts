/** Checks that the MediMax tables found in a database can carry the mappings, and says exactly what differs. It never alters them. */
import { type Column, type TableName, tables } from '../mapping/tables.ts';
import type { Session } from './pool.ts';

/** One difference; `fatal` ones would lose data or break reads, the others are only slower or laxer than documented. */
export interface SchemaDifference {
  readonly fatal: boolean;
  readonly text: string;
}

interface FoundColumn {
  readonly type: string;
  readonly columnType: string;
  readonly max: number | null;
  readonly nullable: boolean;
  readonly charset: string | null;
}

/** Data types that can carry each kind of column. */
const acceptable: Readonly<Record<Column['type'], readonly string[]>> = {
  int: ['int', 'bigint', 'mediumint'],
  varchar: ['varchar', 'text', 'mediumtext', 'longtext'],
  text: ['text', 'mediumtext', 'longtext'],
  date: ['date'],
  time: ['time'],
  enum: ['enum'],
  flag: ['tinyint'],
  timestamp: ['timestamp', 'datetime'],
};

export async function checkSchema(session: Session): Promise<readonly SchemaDifference[]> {
  const found = await readColumns(session);
  const differences = Object.keys(tables).flatMap((name) => tableDifferences(name as TableName, found.get(name.toLowerCase())));
  return [...differences, ...(await foreignKeyDifferences(session)), ...(await engineDifferences(session))];
}

async function readColumns(session: Session): Promise<Map<string, Map<string, FoundColumn>>> {
  const rows = await session.rows(
    'SELECT table_name, column_name, data_type, column_type, character_maximum_length, is_nullable, character_set_name ' +
      'FROM information_schema.columns WHERE table_schema = DATABASE()',
  );
  const byTable = new Map<string, Map<string, FoundColumn>>();
  for (const [table, column, type, columnType, max, nullable, charset] of rows) {
    const name = String(table).toLowerCase();
    const columns = byTable.get(name) ?? new Map<string, FoundColumn>();
    byTable.set(name, columns);
    columns.set(String(column).toLowerCase(), {
      type: String(type).toLowerCase(),
      columnType: String(columnType),
      max: max === null || max === undefined ? null : Number(max),
      nullable: nullable === 'YES',
      charset: charset === null || charset === undefined ? null : String(charset),
    });
  }
  return byTable;
}

function tableDifferences(name: TableName, found: ReadonlyMap<string, FoundColumn> | undefined): SchemaDifference[] {
  if (!found) return [{ fatal: true, text: `Table ${name} is missing.` }];
  return Object.entries(tables[name].columns).flatMap(([column, wanted]) =>
    columnDifferences(`${name}.${column}`, wanted, found.get(column)),
  );
}

function columnDifferences(name: string, wanted: Column, found: FoundColumn | undefined): SchemaDifference[] {
  if (!found) return [{ fatal: true, text: `Column ${name} is missing.` }];
  const differences: SchemaDifference[] = [];
  const expected = acceptable[wanted.type];
  if (!expected.includes(found.type))
    differences.push({ fatal: true, text: `${name} is ${found.columnType}; ${expected.join(' or ')} is needed.` });
  if (wanted.max !== undefined && found.max !== null && found.max < wanted.max) {
    differences.push({ fatal: true, text: `${name} holds ${found.max}; the documentation promises ${wanted.max}.` });
  }
  if (wanted.type === 'enum') {
    const values = [...found.columnType.matchAll(/'((?:[^']|'')*)'/g)].map((match) => match[1]?.replaceAll("''", "'") ?? '');
    const missing = wanted.values?.filter((value) => !values.includes(value)) ?? [];
    const extra = values.filter((value) => !wanted.values?.includes(value));
    if (missing.length > 0) differences.push({ fatal: true, text: `${name} lacks the value ${missing.join(', ')}.` });
    if (extra.length > 0)
      differences.push({
        fatal: false,
        text: `${name} has values no mapping knows: ${extra.join(', ')}. They read as absent or unknown.`,
      });
  }
  if (wanted.nullable && !found.nullable && wanted.type !== 'timestamp') {
    differences.push({ fatal: true, text: `${name} is NOT NULL; the documentation allows NULL, and writes need it.` });
  }
  if (found.charset !== null && found.charset !== 'utf8mb4') {
    differences.push({
      fatal: false,
      text: `${name} is in ${found.charset}: characters outside it are refused on write; utf8mb4 is documented.`,
    });
  }
  return differences;
}

async function foreignKeyDifferences(session: Session): Promise<SchemaDifference[]> {
  const rows = await session.rows(
    'SELECT table_name, referenced_table_name, delete_rule FROM information_schema.referential_constraints WHERE constraint_schema = DATABASE()',
  );
  const rules = new Map(rows.map(([table, referenced, rule]) => [`${table}→${referenced}`.toLowerCase(), String(rule)]));
  return Object.values(tables).flatMap((table): SchemaDifference[] => {
    if (!table.belongsTo) return [];
    const rule = rules.get(`${table.name}→${table.belongsTo.table}`.toLowerCase());
    if (rule === 'CASCADE') return [];
    const found = rule === undefined ? 'no foreign key' : `a foreign key with ON DELETE ${rule}`;
    return [{ fatal: false, text: `${table.name} has ${found} to ${table.belongsTo.table}; ON DELETE CASCADE is documented.` }];
  });
}

async function engineDifferences(session: Session): Promise<SchemaDifference[]> {
  const rows = await session.rows('SELECT table_name, engine FROM information_schema.tables WHERE table_schema = DATABASE()');
  const engines = new Map(rows.map(([table, engine]) => [String(table).toLowerCase(), String(engine)]));
  return Object.keys(tables).flatMap((name): SchemaDifference[] => {
    const engine = engines.get(name.toLowerCase());
    return engine === undefined || engine === 'InnoDB'
      ? []
      : [{ fatal: true, text: `${name} is a ${engine} table; transactions need InnoDB.` }];
  });
}
