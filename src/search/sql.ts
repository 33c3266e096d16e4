/** From a plan to the statements that answer it. Every value is bound; the words of a statement are ours alone. */
import { allOf, joined, marks, type Sql, type SqlValue, sql } from './condition.ts';
import { candidatesSql, criterionSql, inPlace, tableNames } from './criterion-sql.ts';
import type { IndexTable } from './index-rows.ts';
import type { Criterion, Place, SearchPlan, SortKey } from './plan.ts';

/** Where a page begins: behind (or before) the resource with these sort values. Bytes stand as `{hex}`. */
export interface Position {
  readonly backwards: boolean;
  readonly keys: readonly PositionKey[];
  readonly rid: number;
}
export type PositionKey = string | number | null | { readonly hex: string };

function whereOf({ types, where }: SearchPlan, each: boolean): Sql {
  const [only] = types;
  const ofTypes = types.length === 1 && only ? sql('r.type = ?', only) : sql(`r.type IN (${marks(types.length)})`, ...types);
  return allOf([ofTypes, sql('r.state = 0'), ...where.map((criterion) => criterionSql(criterion, each))]);
}

/** Criteria that an index leads to, in the order of the plan. */
export function anchorsOf({ where, types }: SearchPlan): readonly Criterion[] {
  return where.flatMap(partsOf).filter((criterion) => candidatesSql(criterion, types) !== null);
}

/** A composite's parts lead to more candidates than the whole, but are counted without a join. */
function partsOf(criterion: Criterion): readonly Criterion[] {
  if (criterion.is !== 'composite') return [criterion];
  return criterion.places.map((place, at) => ({
    is: 'match',
    place,
    tests: criterion.alternatives.flatMap((tests) => tests[at] ?? []),
  }));
}

/** How many candidates each anchor has, up to `atMost`: one row, a column an anchor. */
export function weighSql(anchors: readonly Criterion[], types: readonly string[], atMost: number): Sql {
  const parts = anchors.map((anchor): Sql => {
    const { text, values } = candidatesSql(anchor, types) ?? sql('SELECT 1');
    return { text: `(SELECT COUNT(*) FROM (SELECT 1 FROM (${text}) a LIMIT ${atMost}) w)`, values };
  });
  const { text, values } = joined(parts, ', ');
  return { text: `SELECT ${text}`, values };
}

const valueColumns: Readonly<Record<IndexTable, readonly [least: string, greatest: string, isText: boolean]>> = {
  token: ['code', 'code', true],
  string: ['folded', 'folded', true],
  date: ['low', 'high', false],
  quantity: ['low', 'high', false],
  reference: ['id', 'id', false],
};

interface SortColumn {
  /** In ORDER BY and in comparisons. */
  readonly column: string;
  /** In the select list, as text that the driver leaves alone. */
  readonly shown: string;
  readonly join: Sql;
  readonly descending: boolean;
  readonly nullable: boolean;
}

function sortColumn(key: SortKey, index: number): SortColumn {
  const none = sql('');
  if (key.by !== 'value') {
    const column = `r.${key.by}`;
    return { column, shown: column, join: none, descending: key.descending, nullable: false };
  }
  const alias = `s${index}`;
  const { table, params } = key.place;
  const [least, greatest, isText] = valueColumns[table];
  const column = `${alias}.${key.descending ? greatest : least}`;
  const edge = key.descending ? 2 : 1;
  const join = sql(
    ` LEFT JOIN ${tableNames[table]} ${alias} ON ${alias}.rid = r.rid AND ${alias}.param = ? AND ${alias}.edge & ${edge}`,
    params[0] ?? 0,
  );
  return { column, shown: isText ? `HEX(${column})` : column, join, descending: key.descending, nullable: true };
}

/**
 * Where a page's statement begins: with the few candidates of one criterion, which are then sorted; or with an index in the order of the page, asking about
 * each resource in turn until the page is full.
 */
export type Way = { readonly from: Criterion } | 'in order';

/**
 * One page, in one statement or (by order of a value, where some resources have none) in two parts of which the second is only needed when the first
 * does not fill the page. Rows are rid, type, version, variant and the sort values. A first row with rid 0 says that the index does not know yet of every change:
 * the statement sees both in one state of the database.
 */
export function pageSql(
  plan: SearchPlan,
  position: Position | null,
  limit: number,
  watched: readonly string[],
  way: Way,
): readonly Sql[] {
  const columns = plan.sort.map(sortColumn);
  const [key] = plan.sort;
  if (way === 'in order' && columns.length === 1 && key?.by === 'value') return partsInOrder(plan, key, position, limit, watched);
  const backwards = position?.backwards ?? false;
  const joins = joined(
    columns.map(({ join }) => join),
    '',
  );
  const start = way === 'in order' ? sql(`fhir_resource r${orderIndex(plan)}`) : fromCandidates(way.from, plan);
  const where = whereOf(way === 'in order' ? plan : withoutMet(plan, way.from), true);
  const from = position ? afterPosition(columns, position) : null;
  const order = [
    ...columns.flatMap((column) => orderBy(column, backwards)),
    `r.rid ${isDescending(columns) === backwards ? 'ASC' : 'DESC'}`,
  ].join(', ');
  const selected = ['r.rid', 'r.type', 'r.version', 'r.variant', ...columns.map(({ shown }) => shown)].join(', ');
  return [
    withNotes(columns.length, watched, {
      text: `SELECT ${selected} FROM ${start.text}${joins.text} WHERE ${where.text}${from ? ` AND ${from.text}` : ''} ORDER BY ${order} LIMIT ?`,
      values: [...start.values, ...joins.values, ...where.values, ...(from?.values ?? []), String(limit)],
    }),
  ];
}

/** Every candidate of a plain criterion meets it: it need not be asked again. */
function withoutMet(plan: SearchPlan, from: Criterion): SearchPlan {
  return from.is === 'match' ? { ...plan, where: plan.where.filter((criterion) => criterion !== from) } : plan;
}

function fromCandidates(criterion: Criterion, { types }: SearchPlan): Sql {
  const { text, values } = candidatesSql(criterion, types) ?? sql('SELECT 0 AS rid');
  return { text: `(SELECT DISTINCT a.rid FROM (${text}) a) c STRAIGHT_JOIN fhir_resource r ON r.rid = c.rid`, values };
}

/** The index whose order is the page's. */
function orderIndex({ sort, types }: SearchPlan): string {
  if (types.length > 1) return '';
  const [key] = sort;
  if (sort.length > 1 || key?.by === 'value') return '';
  if (key?.by === 'last_updated') return ' FORCE INDEX FOR ORDER BY (idx_resource_updated)';
  return key?.by === 'id' ? ' FORCE INDEX FOR ORDER BY (uq_resource_id)' : ' FORCE INDEX (idx_resource_type)';
}

function withNotes(keys: number, watched: readonly string[], page: Sql): Sql {
  const nulls = Array.from({ length: keys }, () => ', NULL').join('');
  const notes = `SELECT 0, '', 0, ''${nulls} FROM ((SELECT 1 FROM fhir_search_pending WHERE type IN (${marks(watched.length)}) LIMIT 1) UNION ALL (SELECT 1 FROM fhir_journal WHERE ? <> '' LIMIT 1)) p`;
  return { text: `(${notes}) UNION ALL (${page.text})`, values: [...watched, watched[0] ?? '', ...page.values] };
}

/** First those that have a value, by the index of the values; then those that have none. Backwards the other way round. */
function partsInOrder(
  plan: SearchPlan,
  key: SortKey & { readonly by: 'value' },
  position: Position | null,
  limit: number,
  watched: readonly string[],
): readonly Sql[] {
  const { table, params } = key.place;
  const [least, greatest, isText] = valueColumns[table];
  const column = `s.${key.descending ? greatest : least}`;
  const backwards = position?.backwards ?? false;
  const up = key.descending === backwards;
  const direction = up ? 'ASC' : 'DESC';
  const comparison = up ? '>' : '<';
  const where = whereOf(plan, true);
  const at = position?.keys[0] ?? null;
  const value = bound(at);
  const behind =
    position === null || value === null
      ? sql(`${column} IS NOT NULL`)
      : sql(`${column} ${comparison}= ? AND (${column} ${comparison} ? OR s.rid ${comparison} ?)`, value, value, position.rid);
  const edge = key.descending ? 2 : 1;
  const valued = withNotes(1, watched, {
    text: `SELECT r.rid, r.type, r.version, r.variant, ${isText ? `HEX(${column})` : column} FROM ${tableNames[table]} s FORCE INDEX (${orderIndexes[table][key.descending ? 1 : 0]}) STRAIGHT_JOIN fhir_resource r ON r.rid = s.rid WHERE s.param = ? AND s.edge & ${edge} AND ${behind.text} AND ${where.text} ORDER BY ${column} ${direction}, s.rid ${direction} LIMIT ?`,
    values: [params[0] ?? 0, ...behind.values, ...where.values, String(limit)],
  });
  const without = `(SELECT 1 FROM ${tableNames[table]} s WHERE s.rid = r.rid AND s.param = ? AND s.edge & ${edge} LIMIT 1) IS NULL`;
  const rid = position !== null && at === null ? sql(` AND r.rid ${comparison} ?`, position.rid) : sql('');
  const valueless = withNotes(1, watched, {
    text: `SELECT r.rid, r.type, r.version, r.variant, NULL FROM fhir_resource r FORCE INDEX (idx_resource_type) WHERE ${where.text} AND ${without}${rid.text} ORDER BY r.rid ${direction} LIMIT ?`,
    values: [...where.values, params[0] ?? 0, ...rid.values, String(limit)],
  });
  if (position === null) return [valued, valueless];
  if (backwards) return at === null ? [valueless, valued] : [valued];
  return at === null ? [valueless] : [valued, valueless];
}

const orderIndexes: Readonly<Record<IndexTable, readonly [least: string, greatest: string]>> = {
  token: ['idx_search_token', 'idx_search_token'],
  string: ['idx_search_string', 'idx_search_string'],
  date: ['idx_search_date_low', 'idx_search_date_high'],
  quantity: ['idx_search_quantity_low', 'idx_search_quantity_high'],
  reference: ['idx_search_reference', 'idx_search_reference'],
};

/** Resources of equal values stand in the order in which they came, or the other way round where the first key descends. */
function isDescending(columns: readonly SortColumn[]): boolean {
  return columns[0]?.descending ?? false;
}

function orderBy({ column, descending, nullable }: SortColumn, backwards: boolean): readonly string[] {
  const direction = descending === backwards ? 'ASC' : 'DESC';
  return [...(nullable ? [`${column} IS NULL ${backwards ? 'DESC' : 'ASC'}`] : []), `${column} ${direction}`];
}

/** Everything behind the position; resources without a value stand last, whichever the direction. */
function afterPosition(columns: readonly SortColumn[], { keys, rid, backwards }: Position): Sql {
  const ridComparison = isDescending(columns) === backwards ? '>' : '<';
  let rest = sql(`r.rid ${ridComparison} ?`, rid);
  for (let index = columns.length - 1; index >= 0; index -= 1) {
    const column = columns[index] as SortColumn;
    rest = behindOrTied(column, bound(keys[index] ?? null), backwards, rest);
  }
  return rest;
}

function behindOrTied({ column, descending, nullable }: SortColumn, value: SqlValue, backwards: boolean, tied: Sql): Sql {
  if (value === null) {
    const still = `(${column} IS NULL AND ${tied.text})`;
    return { text: backwards ? `(${column} IS NOT NULL OR ${still})` : still, values: tied.values };
  }
  const comparison = descending === backwards ? '>' : '<';
  const nulls = nullable && !backwards ? ` OR ${column} IS NULL` : '';
  if (nulls !== '') {
    return {
      text: `(${column} ${comparison} ?${nulls} OR (${column} = ? AND ${tied.text}))`,
      values: [value, value, ...tied.values],
    };
  }
  return {
    text: `(${column} ${comparison}= ? AND (${column} ${comparison} ? OR ${tied.text}))`,
    values: [value, value, ...tied.values],
  };
}

function bound(key: PositionKey): SqlValue {
  return typeof key === 'object' && key !== null ? Buffer.from(key.hex, 'hex') : key;
}

/** How many match: rows up to `atMost` where given. */
export function countSql(plan: SearchPlan, atMost?: number): Sql {
  const where = whereOf(plan, false);
  if (atMost === undefined) return { text: `SELECT COUNT(*) FROM fhir_resource r WHERE ${where.text}`, values: where.values };
  return {
    text: `SELECT COUNT(*) FROM (SELECT 1 FROM fhir_resource r WHERE ${where.text} LIMIT ?) c`,
    values: [...where.values, String(atMost)],
  };
}

/** rids of up to `limit` resources that match, in no order that means anything. */
export function findSql(plan: SearchPlan, limit: number): Sql {
  const where = whereOf(plan, false);
  return {
    text: `SELECT r.rid FROM fhir_resource r WHERE ${where.text} ORDER BY r.rid LIMIT ?`,
    values: [...where.values, String(limit)],
  };
}

/** rids and types that references of these resources lead to. */
export function includeSql(place: Place, targetType: string | undefined, rids: readonly number[], limit: number): Sql {
  const where = allOf([
    sql(`i.rid IN (${marks(rids.length)})`, ...rids),
    inPlace(place, 'i'),
    ...(targetType === undefined ? [] : [sql('i.type = ?', targetType)]),
  ]);
  return {
    text: `SELECT DISTINCT t.rid, t.type FROM fhir_search_reference i JOIN fhir_resource t ON t.type = i.type AND t.id = i.id AND t.state = 0 WHERE ${where.text} ORDER BY t.rid LIMIT ?`,
    values: [...where.values, String(limit)],
  };
}

/** rids and types of resources that refer to these. */
export function revincludeSql(place: Place, type: string, rids: readonly number[], limit: number): Sql {
  const where = allOf([sql(`t.rid IN (${marks(rids.length)})`, ...rids), inPlace(place, 'i')]);
  return {
    text: `SELECT DISTINCT r.rid, r.type FROM fhir_resource t JOIN fhir_search_reference i ON i.type = t.type AND i.id = t.id JOIN fhir_resource r ON r.rid = i.rid AND r.type = ? AND r.state = 0 WHERE ${where.text} ORDER BY r.rid LIMIT ?`,
    values: [type, ...where.values, String(limit)],
  };
}
