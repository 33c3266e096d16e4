/** The statements that fetch a variant's resources with their relatives: built once with Knex, run prepared. */
import knexPackage from 'knex';
import { parseJson } from '../fhir/json.ts';
import type { CompiledVariant, Overlay } from '../mapping/compile.ts';
import { tables } from '../mapping/tables.ts';
import type { Columns, ColumnValue, Stored, StoredChild } from '../mapping/types.ts';
import type { RowValues } from './pool.ts';
import type { ResourceRecord } from './repository.ts';

/** Builds SQL text; it has no connection. */
const build = knexPackage({ client: 'mysql2' });

const resourceColumns = ['rid', 'id', 'version', 'last_updated', 'state', 'origin', 'refined', 'overlay', 'source_key'] as const;

/** The select list and joins of one variant, and how its rows become records. Rows of one resource stand together. */
export interface VariantSelect {
  /** `… WHERE r.type = ? AND r.id = ?`: parameters type, id. */
  readonly byId: string;
  /** `… WHERE r.rid IN (…)` for this many rids, in no particular order. */
  byRids(count: number): string;
  /** Locks rows by one column of the variant's table, then their resources: the order of MediMax's own statements and triggers. */
  lockBy(column: string): string;
  decode(rows: readonly RowValues[]): ResourceRecord[];
}

export function variantSelect(variant: CompiledVariant): VariantSelect {
  const { source } = variant.variant;
  const columns = Object.keys(tables[source.table].columns);
  const parentColumns = source.parent ? Object.keys(tables[source.parent.table].columns) : [];
  const childColumns = source.child ? Object.keys(tables[source.child.table].columns) : [];
  const patientKey = { self: 't.patient_id', row: 't.patient_id', parent: 'p.patient_id' }[source.patient];

  const selectList = [
    ...resourceColumns.map((column) => `r.${column}`),
    build.raw(idOf('Patient', 'Patient', patientKey)),
    build.raw(
      source.parent?.resourceType
        ? idOf(source.parent.resourceType, source.parent.resourceType, `p.${source.parent.key}`)
        : 'NULL',
    ),
    ...columns.map((column) => `t.${column}`),
    ...parentColumns.map((column) => `p.${column}`),
    ...childColumns.map((column) => `c.${column}`),
    ...(source.child?.resourceType
      ? [build.raw(childIdOf(source.child.resourceType, source.child.table, `c.${source.child.key}`))]
      : []),
  ];

  const query = (locking: boolean) => {
    const select = build.select(selectList);
    if (locking) {
      select
        .from({ t: source.table })
        .joinRaw('STRAIGHT_JOIN fhir_resource r ON r.type = ? AND r.variant = ? AND r.source_key = ??', [
          variant.resourceType,
          variant.name,
          `t.${source.key}`,
        ]);
      if (source.where) select.where(`t.${source.where.column}`, source.where.value);
    } else {
      select
        .where('r.variant', variant.name)
        .from({ r: 'fhir_resource' })
        .leftJoin({ t: source.table }, (join) => {
          join.on(`t.${source.key}`, 'r.source_key');
          if (source.where) join.andOnVal(`t.${source.where.column}`, source.where.value);
        });
    }
    const { parent, child } = source;
    if (parent) select.leftJoin({ p: parent.table }, `p.${parent.key}`, `t.${parent.foreignKey}`);
    if (child) select.leftJoin({ c: child.table }, `c.${child.foreignKey}`, `t.${source.key}`);
    return select;
  };
  const ordered = (select: ReturnType<typeof query>) =>
    source.child ? select.orderBy(['r.rid', `c.${source.child.key}`]) : select;
  const inlined = (select: ReturnType<typeof query>) => inline(select.toSQL().toNative());

  const byRidsOf = new Map<number, string>();
  const lockByColumn = new Map<string, string>();
  return {
    byId: inlined(ordered(query(false).whereRaw('r.type = "?"').whereRaw('r.id = "?"'))),
    byRids(count) {
      const known = byRidsOf.get(count);
      if (known) return known;
      const marks = Array.from({ length: count }, () => '"?"').join(', ');
      const sql = inlined(ordered(query(false).whereRaw(`r.rid IN (${marks})`)));
      byRidsOf.set(count, sql);
      return sql;
    },
    lockBy(column) {
      const known = lockByColumn.get(column);
      if (known) return known;
      const sql = `${inlined(ordered(query(true).whereRaw('r.state = 0').whereRaw(`t.${column} = "?"`)))} FOR UPDATE`;
      lockByColumn.set(column, sql);
      return sql;
    },
    decode: decoder(variant, columns, parentColumns, childColumns),
  };
}

/** Id of the resource made from a row: a scalar subquery, which takes no lock even in a locking read. */
function idOf(resourceType: string, variantName: string, key: string): string {
  return `(SELECT x.id FROM fhir_resource x WHERE x.type = '${resourceType}' AND x.variant = '${variantName}' AND x.source_key = ${key})`;
}

/** As above for a child row, whose variant is named for its table. */
function childIdOf(resourceType: string, table: string, key: string): string {
  return idOf(resourceType, table, key);
}

/**
 * Knex's native SQL with its constants put in place (they are the mappings' own words), and our `"?"` marks as parameters,
 * so that what remains to be bound is exactly what a caller passes.
 */
function inline(native: { readonly sql: string; readonly bindings: readonly unknown[] }): string {
  const constants = [...native.bindings];
  const sql = native.sql.replace(/"\?"|\?/g, (mark) => {
    if (mark === '"?"') return '?';
    const constant = constants.shift();
    if (typeof constant !== 'string' || !/^[\w ]+$/.test(constant))
      throw new Error('Only words of the mappings may stand in a statement');
    return `'${constant}'`;
  });
  return sql;
}

function decoder(
  variant: CompiledVariant,
  columns: readonly string[],
  parentColumns: readonly string[],
  childColumns: readonly string[],
) {
  const { source } = variant.variant;
  const at = { patientId: resourceColumns.length, parentId: resourceColumns.length + 1, row: resourceColumns.length + 2 };
  const parentAt = at.row + columns.length;
  const childAt = parentAt + parentColumns.length;
  const keyAt = at.row + columns.indexOf(source.key);
  const childKeyAt = source.child ? childAt + childColumns.indexOf(source.child.key) : -1;

  const storedOf = (first: RowValues, rows: readonly RowValues[]): Stored | null => {
    if (first[keyAt] === null) return null;
    const children: StoredChild[] = [];
    for (const row of rows) {
      if (childKeyAt < 0 || row[childKeyAt] === null) continue;
      children.push({ row: named(childColumns, row, childAt), id: text(row[childAt + childColumns.length]) });
    }
    return {
      row: named(columns, first, at.row),
      parent: source.parent ? named(parentColumns, first, parentAt) : null,
      children,
      patientId: text(first[at.patientId]),
      parentId: text(first[at.parentId]),
    };
  };

  return (rows: readonly RowValues[]): ResourceRecord[] => {
    const records: ResourceRecord[] = [];
    for (let start = 0; start < rows.length; ) {
      const first = rows[start] as RowValues;
      let end = start + 1;
      while (end < rows.length && rows[end]?.[0] === first[0]) end += 1;
      const stored = first[4] === 0 ? storedOf(first, rows.slice(start, end)) : null;
      records.push({
        rid: Number(first[0]),
        resourceType: variant.resourceType,
        id: String(first[1]),
        variant,
        version: Number(first[2]),
        lastUpdated: instantOf(String(first[3])),
        state: stored ? 'living' : 'deleted',
        origin: String(first[5]),
        refined: Number(first[6]),
        overlay: first[7] === null ? null : parseOverlay(String(first[7])),
        stored,
      });
      start = end;
    }
    return records;
  };
}

/** Deeper than any body that was accepted, whatever the limit was then. */
const overlayDepthMax = 2000;

/** `2026-11-23 10:00:00.123456` (UTC, as the session is) → instant. */
export function instantOf(datetime: string): string {
  return `${datetime.slice(0, 10)}T${datetime.slice(11)}Z`;
}

/** The inverse of `instantOf`. */
export function datetimeOf(instant: string): string {
  return `${instant.slice(0, 10)} ${instant.slice(11, -1)}`;
}

function named(columns: readonly string[], row: RowValues, at: number): Columns {
  const values: Record<string, ColumnValue> = {};
  for (let index = 0; index < columns.length; index += 1) values[columns[index] as string] = row[at + index] ?? null;
  return values;
}

function text(value: ColumnValue | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

function parseOverlay(json: string): Overlay {
  return parseJson(json, { depthMax: overlayDepthMax }) as Overlay; // the gateway wrote it
}
