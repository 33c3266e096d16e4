/** From a plan to the statements that answer it. Every value is bound; the words of a statement are ours alone. */
import { allOf, anyOf, joined, marks, nothing, type Sql, type SqlValue, sql } from './condition.ts';
import type { IndexTable } from './index-rows.ts';
import type { Criterion, Place, SearchPlan, SortKey, Test } from './plan.ts';
import { dateCondition, lastUpdatedCondition } from './type/date.ts';
import { quantityCondition } from './type/quantity.ts';
import { referenceCondition } from './type/reference.ts';
import { stringCondition } from './type/string.ts';
import { tokenCondition } from './type/token.ts';
import { uriCondition } from './type/uri.ts';

export const tableNames: Readonly<Record<IndexTable, string>> = {
  token: 'fhir_search_token',
  string: 'fhir_search_string',
  date: 'fhir_search_date',
  quantity: 'fhir_search_quantity',
  reference: 'fhir_search_reference',
};

/** Where a page begins: behind (or before) the resource with these sort values. Bytes stand as `{hex}`. */
export interface Position {
  readonly backwards: boolean;
  readonly keys: readonly PositionKey[];
  readonly rid: number;
}
export type PositionKey = string | number | null | { readonly hex: string };

function condition(test: Test): Sql {
  switch (test.kind) {
    case 'token':
      return tokenCondition(test);
    case 'string':
      return stringCondition(test);
    case 'date':
      return dateCondition(test);
    case 'quantity':
      return quantityCondition(test);
    case 'reference':
      return referenceCondition(test);
    case 'uri':
      return uriCondition(test);
  }
}

function inPlace({ params, onlyType }: Place, alias: string): Sql {
  const [only] = params;
  const param =
    params.length === 1 && only !== undefined
      ? sql(`${alias}.param = ?`, only)
      : sql(`${alias}.param IN (${marks(params.length)})`, ...params);
  return onlyType === undefined ? param : allOf([param, sql(`${alias}.type = ?`, onlyType)]);
}

function rowsWhere(place: Place, more: readonly Sql[]): Sql {
  const where = allOf([inPlace(place, 'i'), ...more]);
  return { text: `SELECT i.rid FROM ${tableNames[place.table]} i WHERE ${where.text}`, values: where.values };
}

function within(rid: string, { text, values }: Sql, not = false): Sql {
  return { text: `${rid} ${not ? 'NOT ' : ''}IN (${text})`, values };
}

/** `r` is the alias of the resource the criterion is about. */
export function criterionSql(criterion: Criterion, r = 'r'): Sql {
  switch (criterion.is) {
    case 'match':
      return within(`${r}.rid`, rowsWhere(criterion.place, [anyOf(criterion.tests.map(condition))]), criterion.not);
    case 'missing':
      return within(`${r}.rid`, rowsWhere(criterion.place, []), criterion.missing);
    case 'id':
      return sql(`${r}.id ${criterion.not ? 'NOT ' : ''}IN (${marks(criterion.ids.length)})`, ...criterion.ids);
    case 'updated':
      return anyOf(criterion.tests.map((test) => lastUpdatedCondition(test, `${r}.last_updated`)));
    case 'type':
      return sql(`${r}.type = ?`, criterion.type);
    case 'composite':
      return anyOf(criterion.alternatives.map((tests) => within(`${r}.rid`, compositeRows(criterion.places, tests))));
    case 'chain':
      return within(`${r}.rid`, chainRows(criterion, deeper(r)));
    case 'has':
      return within(`${r}.rid`, hasRows(criterion, deeper(r)));
    case 'any':
      return criterion.of.length === 0 ? nothing : anyOf(criterion.of.map((one) => criterionSql(one, r)));
    case 'all': {
      const { text, values } = allOf(criterion.of.map((one) => criterionSql(one, r)));
      return { text: `(${text})`, values };
    }
  }
}

function deeper(alias: string): string {
  return `r${Number(alias.slice(1)) + 1}`;
}

function compositeRows(places: readonly Place[], tests: readonly Test[]): Sql {
  const parts = tests.map((test, index) => {
    const place = places[index] as Place; // parse.ts gives as many tests as places
    const alias = index === 0 ? 'i' : `i${index}`;
    const { text, values } = allOf([inPlace(place, 'i'), condition(test)]);
    const join = index === 0 ? '' : `${alias}.rid = i.rid AND ${alias}.place = i.place AND `;
    return {
      alias,
      table: tableNames[place.table],
      text: `${join}${index === 0 ? text : text.replace(/\bi\./g, `${alias}.`)}`,
      values,
    };
  });
  const from = parts.map(({ alias, table }) => `${table} ${alias}`).join(', ');
  return {
    text: `SELECT i.rid FROM ${from} WHERE ${parts.map(({ text }) => text).join(' AND ')}`,
    values: parts.flatMap(({ values }) => values),
  };
}

function chainRows({ place, type, where }: Criterion & { readonly is: 'chain' }, r: string): Sql {
  return joined(
    [
      sql(
        `SELECT i.rid FROM fhir_search_reference i JOIN fhir_resource ${r} ON ${r}.type = ? AND ${r}.id = i.id AND ${r}.state = 0 WHERE i.type = ?`,
        type,
        type,
      ),
      inPlace(place, 'i'),
      criterionSql(where, r),
    ],
    ' AND ',
  );
}

/** The resource referred to is found by type and id, the referring one by the row's rid. */
function hasRows({ place, type, where }: Criterion & { readonly is: 'has' }, r: string): Sql {
  return joined(
    [
      sql(
        `SELECT t.rid FROM fhir_search_reference i JOIN fhir_resource ${r} ON ${r}.rid = i.rid AND ${r}.type = ? AND ${r}.state = 0 JOIN fhir_resource t ON t.type = i.type AND t.id = i.id WHERE t.state = 0`,
        type,
      ),
      inPlace(place, 'i'),
      criterionSql(where, r),
    ],
    ' AND ',
  );
}

function whereOf({ types, where }: SearchPlan): Sql {
  const [only] = types;
  const ofTypes = types.length === 1 && only ? sql('r.type = ?', only) : sql(`r.type IN (${marks(types.length)})`, ...types);
  return allOf([ofTypes, sql('r.state = 0'), ...where.map((criterion) => criterionSql(criterion))]);
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
 * One page: rid, type, version and the sort values of up to `limit` resources. A first row with rid 0 says that the index does not know yet of every
 * change: one statement sees both in one state of the database.
 */
export function pageSql(plan: SearchPlan, position: Position | null, limit: number, watched: readonly string[]): Sql {
  const columns = plan.sort.map(sortColumn);
  const backwards = position?.backwards ?? false;
  const where = whereOf(plan);
  const from = position ? afterPosition(columns, position) : null;
  const joins = joined(
    columns.map(({ join }) => join),
    '',
  );
  const selected = ['r.rid', 'r.type', 'r.version', ...columns.map(({ shown }) => shown)].join(', ');
  const order = [
    ...columns.flatMap((column) => orderBy(column, backwards)),
    `r.rid ${isDescending(columns) === backwards ? 'ASC' : 'DESC'}`,
  ].join(', ');
  const stale = `SELECT 0, '', 0${columns.map(() => ', NULL').join('')} FROM (SELECT 1 FROM fhir_search_pending WHERE type IN (${marks(watched.length)}) LIMIT 1) p`;
  return {
    text: `(${stale}) UNION ALL (SELECT ${selected} FROM fhir_resource r${joins.text} WHERE ${where.text}${from ? ` AND ${from.text}` : ''} ORDER BY ${order} LIMIT ?)`,
    values: [...watched, ...joins.values, ...where.values, ...(from?.values ?? []), String(limit)],
  };
}

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
  const where = whereOf(plan);
  if (atMost === undefined) return { text: `SELECT COUNT(*) FROM fhir_resource r WHERE ${where.text}`, values: where.values };
  return {
    text: `SELECT COUNT(*) FROM (SELECT 1 FROM fhir_resource r WHERE ${where.text} LIMIT ?) c`,
    values: [...where.values, String(atMost)],
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
