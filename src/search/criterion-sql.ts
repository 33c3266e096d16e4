/** From a criterion to SQL: as the set of all resources that meet it, and as a question about one resource. */
import { allOf, anyOf, joined, marks, nothing, type Sql, sql } from './condition.ts';
import type { IndexTable } from './index-rows.ts';
import type { Criterion, Place, Test } from './plan.ts';
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

export function inPlace({ params, onlyType }: Place, alias: string): Sql {
  const [only] = params;
  const param =
    params.length === 1 && only !== undefined
      ? sql(`${alias}.param = ?`, only)
      : sql(`${alias}.param IN (${marks(params.length)})`, ...params);
  return onlyType === undefined ? param : allOf([param, sql(`${alias}.type = ?`, onlyType)]);
}

/** `of`: rid of the one resource that is asked about; absent: all of them. */
function rowsWhere(place: Place, more: readonly Sql[], of: string | null): Sql {
  const where = allOf([...about('i', of), inPlace(place, 'i'), ...more]);
  return { text: `SELECT i.rid FROM ${tableNames[place.table]} i WHERE ${where.text}`, values: where.values };
}

function about(alias: string, of: string | null): readonly Sql[] {
  return of === null ? [] : [sql(`${alias}.rid = ${of}`)];
}

/** Asks about one resource at a time; the LIMIT keeps the optimizer from working out the whole set first. */
function some({ text, values }: Sql, not = false): Sql {
  return { text: `(${text} LIMIT 1) IS ${not ? '' : 'NOT '}NULL`, values };
}

function within(rid: string, { text, values }: Sql, not = false): Sql {
  return { text: `${rid} ${not ? 'NOT ' : ''}IN (${text})`, values };
}

/** Resources that meet a criterion, as a set (`each` false: the optimizer chooses where to begin) or asked one by one. */
export function criterionSql(criterion: Criterion, each: boolean, r = 'r'): Sql {
  const rid = `${r}.rid`;
  const of = each ? rid : null;
  const among = (rows: Sql, not = false) => (each ? some(rows, not) : within(rid, rows, not));
  switch (criterion.is) {
    case 'match':
      return among(rowsWhere(criterion.place, [anyOf(criterion.tests.map(condition))], of), criterion.not);
    case 'missing':
      return among(rowsWhere(criterion.place, [], of), criterion.missing);
    case 'id':
      return sql(`${r}.id ${criterion.not ? 'NOT ' : ''}IN (${marks(criterion.ids.length)})`, ...criterion.ids);
    case 'updated':
      return anyOf(criterion.tests.map((test) => lastUpdatedCondition(test, `${r}.last_updated`)));
    case 'type':
      return sql(`${r}.type = ?`, criterion.type);
    case 'composite':
      return anyOf(criterion.alternatives.map((tests) => among(compositeRows(criterion.places, tests, of))));
    case 'chain':
      return among(chainRows(criterion, deeper(r), of));
    case 'has':
      return among(hasRows(criterion, deeper(r), of));
    case 'any':
      return criterion.of.length === 0 ? nothing : anyOf(criterion.of.map((one) => criterionSql(one, each, r)));
    case 'all': {
      const { text, values } = allOf(criterion.of.map((one) => criterionSql(one, each, r)));
      return { text: `(${text})`, values };
    }
  }
}

/** rids of all resources that may meet the criterion, where an index leads to them; null where none does. */
export function candidatesSql(criterion: Criterion, types: readonly string[]): Sql | null {
  switch (criterion.is) {
    case 'match':
      return criterion.not ? null : rowsWhere(criterion.place, [anyOf(criterion.tests.map(condition))], null);
    case 'id':
      if (criterion.not) return null;
      return sql(
        `SELECT x.rid FROM fhir_resource x WHERE x.type IN (${marks(types.length)}) AND x.id IN (${marks(criterion.ids.length)})`,
        ...types,
        ...criterion.ids,
      );
    case 'composite':
      return joined(
        criterion.alternatives.map((tests) => compositeRows(criterion.places, tests, null)),
        ' UNION ALL ',
      );
    case 'chain':
      return chainRows(criterion, 'r1', null);
    case 'has':
      return hasRows(criterion, 'r1', null);
    case 'any': {
      const parts = criterion.of.map((one) => candidatesSql(one, types));
      return parts.length > 0 && parts.every((part) => part !== null) ? joined(parts, ' UNION ALL ') : null;
    }
    case 'all':
      return criterion.of.map((one) => candidatesSql(one, types)).find((part) => part !== null) ?? null;
    default:
      return null;
  }
}

function deeper(alias: string): string {
  return `r${Number(alias.slice(1)) + 1}`;
}

function compositeRows(places: readonly Place[], tests: readonly Test[], of: string | null): Sql {
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
  const one = of === null ? '' : `i.rid = ${of} AND `;
  const from = parts.map(({ alias, table }) => `${table} ${alias}`).join(', ');
  return {
    text: `SELECT i.rid FROM ${from} WHERE ${one}${parts.map(({ text }) => text).join(' AND ')}`,
    values: parts.flatMap(({ values }) => values),
  };
}

function chainRows({ place, type, where }: Criterion & { readonly is: 'chain' }, r: string, of: string | null): Sql {
  return joined(
    [
      sql(
        `SELECT i.rid FROM fhir_search_reference i JOIN fhir_resource ${r} ON ${r}.type = ? AND ${r}.id = i.id AND ${r}.state = 0 WHERE i.type = ?`,
        type,
        type,
      ),
      ...about('i', of),
      inPlace(place, 'i'),
      criterionSql(where, of !== null, r),
    ],
    ' AND ',
  );
}

/** The resource referred to is found by type and id, the referring one by the row's rid. */
function hasRows({ place, type, where }: Criterion & { readonly is: 'has' }, r: string, of: string | null): Sql {
  return joined(
    [
      sql(
        `SELECT t.rid FROM fhir_search_reference i JOIN fhir_resource ${r} ON ${r}.rid = i.rid AND ${r}.type = ? AND ${r}.state = 0 JOIN fhir_resource t ON t.type = i.type AND t.id = i.id WHERE t.state = 0`,
        type,
      ),
      ...about('t', of),
      inPlace(place, 'i'),
      criterionSql(where, of !== null, r),
    ],
    ' AND ',
  );
}
