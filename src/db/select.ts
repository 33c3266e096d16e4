/** The statements that fetch a variant's resources with their relatives: built once with Knex, run prepared. */
import knexPackage from 'knex';
import { parseJson } from '../fhir/json.ts';
import type { CompiledVariant, Overlay } from '../mapping/compile.ts';
import { childColumnsOf, tables } from '../mapping/tables.ts';
import type { Columns, ColumnValue, Stored, StoredChild } from '../mapping/types.ts';
import { waitingFor, waitingForKept } from './journal/waiting.ts';
import { linkedJoin } from './linked-rows.ts';
import type { RowValues } from './pool.ts';
import type { ResourceRecord } from './repository.ts';

/** Builds SQL text; it has no connection. */
const build = knexPackage({ client: 'mysql2' });

const resourceColumns = ['rid', 'id', 'version', 'last_updated', 'state', 'origin', 'refined', 'overlay', 'source_key'] as const;

/** The columns of the resource, the ids of its patient and its parent, and whether the journal has something of its rows. */
export const sharedColumns = resourceColumns.length + 3;

/** Where the columns of a variant stand in a row of several: behind the number of its branch and the shared ones, between so many NULLs. */
export interface Among {
  readonly branch: number;
  readonly before: number;
  readonly after: number;
}

/** The select list and joins of one variant, and how its rows become records. */
export interface VariantSelect {
  /** `… WHERE r.type = ? AND r.id IN (…)`: parameters type and this many ids, in no particular order. */
  byIds(count: number): string;
  /** `… WHERE r.rid IN (…)` for this many rids, in no particular order. */
  byRids(count: number, among?: Among): string;
  /** How many columns a row has beside the shared ones. */
  readonly width: number;
  /** Locks rows by so many values of one column of the variant's table, then their resources: the order of MediMax's own statements and triggers. */
  lockBy(column: string, count?: number): string;
  decode(rows: readonly RowValues[]): ResourceRecord[];
}

export function variantSelect(variant: CompiledVariant): VariantSelect {
  const { source } = variant.variant;
  if (source.rowless) return rowlessSelect(variant);
  const columns = Object.keys(tables[source.table].columns);
  const parentColumns = source.parent ? Object.keys(tables[source.parent.table].columns) : [];
  const childColumns = source.child ? childColumnsOf(source.child) : [];
  const patientKey = { self: 't.patient_id', row: 't.patient_id', parent: 'p.patient_id' }[source.patient];

  const shared = (isLocking: boolean) => [
    ...resourceColumns.map((column) => `r.${column}`),
    source.patient === 'self' ? 'r.id' : build.raw(idOf('Patient', 'Patient', patientKey)),
    build.raw(
      source.parent?.resourceType
        ? idOf(source.parent.resourceType, source.parent.resourceType, `p.${source.parent.key}`)
        : 'NULL',
    ),
    // Whoever locks asks the journal at the end of the transaction (journal/guard.ts).
    build.raw(isLocking ? '0' : waitingFor(source)),
  ];
  const own = [
    ...columns.map((column) => `t.${column}`),
    ...parentColumns.map((column) => `p.${column}`),
    ...childColumns.map((column) => `c.${column}`),
    ...(source.child?.resourceType
      ? [build.raw(childIdOf(source.child.resourceType, source.child.table, `c.${source.child.key}`))]
      : []),
  ];

  const query = (by: 'PRIMARY' | 'uq_resource_id' | 'lock', among?: Among) => {
    const list = [...shared(by === 'lock'), ...own];
    const select = build.select(among ? framed(list, among) : list);
    if (by === 'lock') {
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
        // Its only use is by key: a guard against a walk over all resources of the variant where several keys are asked for.
        .fromRaw(`fhir_resource r FORCE INDEX (${by})`)
        .leftJoin({ t: source.table }, (join) => {
          join.on(`t.${source.key}`, 'r.source_key');
          if (source.where) join.andOnVal(`t.${source.where.column}`, source.where.value);
        });
    }
    const { parent, child } = source;
    if (parent) select.leftJoin({ p: parent.table }, `p.${parent.key}`, `t.${parent.foreignKey}`);
    if (child && by === 'lock' && child.taken) {
      // Rows of others: they are read without a lock, as whoever inserts one holds it while waiting for this row.
      const list = [...new Set([...childColumns, child.foreignKey])].join(', ');
      select.joinRaw(`LEFT JOIN (SELECT ${list} FROM ${child.table}) c ON c.${child.foreignKey} = t.${source.key}`);
    } else if (child?.linked) select.joinRaw(linkedJoin(source));
    else if (child) select.leftJoin({ c: child.table }, `c.${child.foreignKey}`, `t.${source.key}`);
    return select;
  };
  const inlined = (select: ReturnType<typeof query>) => inline(select.toSQL().toNative());

  const byIdsOf = new Map<number, string>();
  const byRidsOf = new Map<string, string>();
  const lockByColumn = new Map<string, string>();
  return {
    byIds(count) {
      const known = byIdsOf.get(count);
      if (known) return known;
      const sql = inlined(
        query('uq_resource_id')
          .whereRaw('r.type = "?"')
          .whereRaw(`r.id IN (${marksOf(count)})`),
      );
      byIdsOf.set(count, sql);
      return sql;
    },
    byRids(count, among) {
      const shape = among ? `${count} ${among.branch} ${among.before} ${among.after}` : String(count);
      const known = byRidsOf.get(shape);
      if (known) return known;
      const sql = inlined(query('PRIMARY', among).whereRaw(`r.rid IN (${marksOf(count)})`));
      byRidsOf.set(shape, sql);
      return sql;
    },
    width: own.length,
    lockBy(column, count = 1) {
      const shape = `${column} ${count}`;
      const known = lockByColumn.get(shape);
      if (known) return known;
      const test = count === 1 ? `t.${column} = "?"` : `t.${column} IN (${marksOf(count)})`;
      const sql = `${inlined(query('lock').whereRaw('r.state = 0').whereRaw(test))} FOR UPDATE`;
      lockByColumn.set(shape, sql);
      return sql;
    },
    decode: decoder(variant, columns, parentColumns, childColumns),
  };
}

/** What every variant has stands in the same place, so that no NULL of another makes its unsigned numbers text. */
function framed<Column>(columns: readonly Column[], { branch, before, after }: Among) {
  const nulls = (count: number) => Array.from({ length: count }, () => build.raw('NULL'));
  const own = columns.slice(sharedColumns);
  return [build.raw(String(branch)), ...columns.slice(0, sharedColumns), ...nulls(before), ...own, ...nulls(after)];
}

/** What has no row is all in `fhir_resource`, which stands for it. */
function rowlessSelect(variant: CompiledVariant): VariantSelect {
  const list = [
    ...resourceColumns.map((column) => `r.${column}`),
    idOf('Patient', 'Patient', 'r.patient_key'),
    'NULL',
    waitingForKept(variant.variant.source),
    'CAST(r.rid AS SIGNED)',
    'r.patient_key',
  ];
  const fromOf = (columns: readonly string[]) =>
    `SELECT ${columns.join(', ')} FROM fhir_resource r WHERE r.variant = '${variant.name}' AND r.type =`;
  const from = fromOf(list);
  const marks = (count: number) => Array.from({ length: count }, () => '?').join(', ');
  return {
    byIds: (count) => `${from} ? AND r.id IN (${marks(count)})`,
    byRids: (count, among) =>
      `${among ? fromOf(framed(list, among).map(String)) : from} '${variant.resourceType}' AND r.rid IN (${marks(count)})`,
    width: list.length - sharedColumns,
    lockBy: (_rid, count = 1) => `${from} '${variant.resourceType}' AND r.state = 0 AND r.rid IN (${marks(count)}) FOR UPDATE`,
    decode: decoder(variant, ['rid', 'patient_id'], [], []),
  };
}

/** Our own parameter marks, told from those of Knex's constants by their quotes. */
function marksOf(count: number): string {
  return Array.from({ length: count }, () => '"?"').join(', ');
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
  const at = { patientId: sharedColumns - 3, parentId: sharedColumns - 2, isBehind: sharedColumns - 1, row: sharedColumns };
  const parentAt = at.row + columns.length;
  const childAt = parentAt + parentColumns.length;
  const keyAt = at.row + columns.indexOf(source.key);
  const childKeyAt = source.child ? childAt + childColumns.indexOf(source.child.key) : -1;

  const storedOf = (first: RowValues, rows: readonly RowValues[]): Stored | null => {
    if (first[keyAt] === null) return null;
    const children: StoredChild[] = [];
    if (childKeyAt >= 0) {
      for (const row of rows) {
        if (row[childKeyAt] === null) continue;
        children.push({ row: named(childColumns, row, childAt), id: text(row[childAt + childColumns.length]) });
      }
      if (source.child && children.length > 1) sortByKey(children, source.child.key);
    }
    return {
      row: named(columns, first, at.row),
      parent: source.parent ? named(parentColumns, first, parentAt) : null,
      children,
      patientId: text(first[at.patientId]),
      parentId: text(first[at.parentId]),
    };
  };

  const recordOf = (rows: readonly RowValues[]): ResourceRecord => {
    const [first = []] = rows;
    const stored = first[4] === 0 ? storedOf(first, rows) : null;
    return {
      rid: Number(first[0]),
      resourceType: variant.resourceType,
      id: String(first[1]),
      variant,
      version: Number(first[2]),
      lastUpdated: instantOf(String(first[3])),
      state: stored ? 'living' : 'deleted',
      origin: String(first[5]),
      refined: Number(first[6]),
      overlay: typeof first[7] === 'string' ? parseOverlay(first[7]) : null,
      stored,
      ...(Number(first[at.isBehind]) === 1 && { isBehind: true as const }),
    };
  };
  if (childKeyAt < 0) return (rows: readonly RowValues[]): ResourceRecord[] => rows.map((row) => recordOf([row]));
  return (rows: readonly RowValues[]): ResourceRecord[] => [...Map.groupBy(rows, ([rid]) => rid).values()].map(recordOf);
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

/** Sorted here: with an overlay beside it, the server would sort in a table on disk. */
function sortByKey(children: StoredChild[], key: string): void {
  children.sort((a, b) => Number(a.row[key]) - Number(b.row[key]));
}

function text(value: ColumnValue | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

/** The gateway's own text has no white space; without a number in it there are no digits to be kept. */
const mayHoldNumber = /[:,[]-?\d/;

export function parseOverlay(json: string): Overlay {
  if (!mayHoldNumber.test(json)) return JSON.parse(json);
  return parseJson(json, { depthMax: overlayDepthMax }) as Overlay; // the gateway wrote it
}
