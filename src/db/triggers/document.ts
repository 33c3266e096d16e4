/** SQL expressions that make the document of a past version: the JSON of `Stored`, exactly as the driver would have given the rows. */
import type { CompiledVariant } from '../../mapping/compile.ts';
import { childColumnsOf, type TableName, tables } from '../../mapping/tables.ts';
import type { ChildSource } from '../../mapping/types.ts';
import type { SchemaFacts } from './facts.ts';

/** One row as JSON text; `alias` is OLD, NEW or a table's alias. */
export function rowJson(table: TableName, alias: string, facts: SchemaFacts): string {
  return columnsJson(table, Object.keys(tables[table].columns), alias, facts);
}

function childJson(child: ChildSource, alias: string, facts: SchemaFacts): string {
  return columnsJson(child.table, childColumnsOf(child), alias, facts);
}

function columnsJson(table: TableName, columns: readonly string[], alias: string, facts: SchemaFacts): string {
  const members = columns.map((column) => {
    const value = `${alias}.${column}`;
    const isZoned = tables[table].columns[column]?.type === 'timestamp' && !facts.plainTimes.has(`${table}.${column}`);
    return `'${column}', ${isZoned ? utcText(value) : value}`;
  });
  return `JSON_OBJECT(${members.join(', ')})`;
}

/** A TIMESTAMP as UTC text whatever the session's time zone, without the ambiguous hour that converting its text would have. */
function utcText(value: string): string {
  return `IF(${value} = 0, '0000-00-00 00:00:00', CAST('1970-01-01' + INTERVAL UNIX_TIMESTAMP(${value}) SECOND AS CHAR))`;
}

/** Id of the resource made from a row, as the repository selects it. */
function idOf(resourceType: string, variantName: string, key: string): string {
  return `(SELECT x.id FROM fhir_resource x WHERE x.type = '${resourceType}' AND x.variant = '${variantName}' AND x.source_key = ${key})`;
}

const quoted = (id: string) => `COALESCE(CONCAT('"', ${id}, '"'), 'null')`;

/** Where the parts of a document come from; what is not given is selected from the tables. */
export interface DocumentSource {
  /** Alias of the resource's own row. */
  readonly row: string;
  /** Alias of its parent row. */
  readonly parent?: string;
  /** Expression of the comma-separated JSON of its children. */
  readonly children?: string;
}

export function documentOf(variant: CompiledVariant, from: DocumentSource, facts: SchemaFacts): string {
  const { source } = variant.variant;
  const { parent } = source;
  const parentRow = (expression: string) =>
    parent ? `(SELECT ${expression} FROM ${parent.table} p WHERE p.${parent.key} = ${from.row}.${parent.foreignKey})` : 'NULL';
  const parentText = !parent
    ? "'null'"
    : from.parent
      ? rowJson(parent.table, from.parent, facts)
      : `COALESCE(${parentRow(rowJson(parent.table, 'p', facts))}, 'null')`;
  const patientKey =
    source.patient === 'parent'
      ? from.parent
        ? `${from.parent}.patient_id`
        : parentRow('p.patient_id')
      : `${from.row}.patient_id`;
  const parentId = parent?.resourceType
    ? idOf(parent.resourceType, parent.resourceType, `${from.row}.${parent.foreignKey}`)
    : 'NULL';
  const children = source.child ? (from.children ?? childrenOf(source.child, `${from.row}.${source.key}`, facts)) : "''";
  return (
    `CONCAT('{"row":', ${rowJson(source.table, from.row, facts)}, ',"parent":', ${parentText}, ',"children":[', ` +
    `COALESCE(${children}, ''), '],"patientId":', ${quoted(idOf('Patient', 'Patient', patientKey))}, ',"parentId":', ${quoted(parentId)}, '}')`
  );
}

/** The document of a resource without a row: an expression over `fhir_resource` with alias k. */
export const rowlessDocument =
  `CONCAT('{"row":{"rid":', k.rid, ',"patient_id":', k.patient_key, '},"parent":null,"children":[],"patientId":', ` +
  `${quoted(idOf('Patient', 'Patient', 'k.patient_key'))}, ',"parentId":null}')`;

/** The children of a row as they are in the table. */
export function childrenOf(child: ChildSource, parentKey: string, facts: SchemaFacts): string {
  return list(child, childJson(child, 's', facts), `s.${child.foreignKey} = ${parentKey}`);
}

/** The children of the row OLD belonged to, as they were before the change of OLD that has just been made. */
export function childrenBeforeChange(child: ChildSource, facts: SchemaFacts): string {
  const row = `IF(s.${child.key} = OLD.${child.key}, ${childJson(child, 'OLD', facts)}, ${childJson(child, 's', facts)})`;
  return list(child, row, `s.${child.foreignKey} = OLD.${child.foreignKey} OR s.${child.key} = OLD.${child.key}`);
}

/** The children of the row NEW belongs to, without NEW. */
export function childrenBeforeArrival(child: ChildSource, facts: SchemaFacts): string {
  return list(
    child,
    childJson(child, 's', facts),
    `s.${child.foreignKey} = NEW.${child.foreignKey} AND s.${child.key} <> NEW.${child.key}`,
  );
}

function list(child: ChildSource, row: string, where: string): string {
  const id = child.resourceType ? quoted(idOf(child.resourceType, child.table, `s.${child.key}`)) : "'null'";
  const item = `CONCAT('{"row":', ${row}, ',"id":', ${id}, '}')`;
  return `(SELECT GROUP_CONCAT(${item} ORDER BY s.${child.key} SEPARATOR ',') FROM ${child.table} s WHERE ${where})`;
}
