/** Writes index rows in bulk, in statements of few shapes. */
import type { IndexRows, IndexTable } from '../search/index-rows.ts';
import { valueLists } from './books.ts';
import type { Bound, Session } from './pool.ts';

export interface IndexedResource {
  readonly rid: number;
  readonly rows: IndexRows;
}

interface Layout {
  readonly table: string;
  readonly columns: readonly string[];
}

const layouts: Readonly<Record<IndexTable, Layout>> = {
  token: { table: 'fhir_search_token', columns: ['code', 'system'] },
  string: { table: 'fhir_search_string', columns: ['folded', 'exact', 'whole'] },
  date: { table: 'fhir_search_date', columns: ['low', 'high'] },
  quantity: {
    table: 'fhir_search_quantity',
    columns: ['low', 'high', 'system', 'code', 'unit', 'canonical', 'canonical_low', 'canonical_high'],
  },
  reference: { table: 'fhir_search_reference', columns: ['type', 'id', 'url'] },
};

const tables = Object.keys(layouts) as readonly IndexTable[];

/** Sizes of the statements: a few, so that each stays prepared, and none that takes long (bulk-insert.ts). */
const rowSizes = [40, 4, 1] as const;
const ridSizes = [500, 50, 5, 1] as const;

/** Takes away whatever the index holds of these resources. */
export async function deleteIndexRows(session: Session, rids: readonly number[]): Promise<void> {
  for (const chunk of chunksOf(rids, ridSizes)) {
    const marks = chunk.map(() => '?').join(', ');
    for (const table of tables) await session.modify(`DELETE FROM ${layouts[table].table} WHERE rid IN (${marks})`, chunk);
    await session.modify(`DELETE FROM fhir_search_daily WHERE rid IN (${marks})`, chunk);
  }
}

export async function insertIndexRows(session: Session, resources: readonly IndexedResource[]): Promise<void> {
  for (const table of tables) {
    const { columns, table: name } = layouts[table];
    const rows = resources.flatMap(({ rid, rows }) => valuesOf(rid, table, rows));
    const list = ['rid', 'param', 'n', 'place', 'edge', ...columns];
    for (const chunk of chunksOf(rows, rowSizes))
      await session.modify(
        `INSERT INTO ${name} (${list.join(', ')}) VALUES ${valueLists(chunk.length, columns.length + 5)}`,
        chunk.flat(),
      );
  }
}

/** In the order of the columns. */
function valuesOf(rid: number, table: IndexTable, rows: IndexRows): Bound[][] {
  switch (table) {
    case 'token':
      return rows.token.map((row, n) => [rid, row.param, n, row.place, row.edge, row.code, row.system]);
    case 'string':
      return rows.string.map((row, n) => [rid, row.param, n, row.place, row.edge, row.folded, row.exact, row.whole]);
    case 'date':
      return rows.date.map((row, n) => [rid, row.param, n, row.place, row.edge, row.low, row.high]);
    case 'quantity':
      return rows.quantity.map((row, n) => [
        rid,
        row.param,
        n,
        row.place,
        row.edge,
        row.low,
        row.high,
        row.system,
        row.code,
        row.unit,
        row.canonical,
        row.canonicalLow,
        row.canonicalHigh,
      ]);
    case 'reference':
      return rows.reference.map((row, n) => [rid, row.param, n, row.place, row.edge, row.type, row.id, row.url]);
  }
}

export function* chunksOf<Item>(items: readonly Item[], sizes: readonly number[]): Generator<Item[]> {
  for (let at = 0; at < items.length; ) {
    const size = sizes.find((one) => one <= items.length - at) ?? 1;
    yield items.slice(at, at + size);
    at += size;
  }
}
