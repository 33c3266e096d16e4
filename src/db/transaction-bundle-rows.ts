/** Many rows in few statements: MediMax's rows and the gateway's resource rows of a transaction. */
import type { tables } from '../mapping/tables.ts';
import type { Columns } from '../mapping/types.ts';
import { type NewResource, overlayText, valueLists, type Writing } from './books.ts';
import { hindranceOf } from './errors.ts';
import type { DatabaseParts } from './parts.ts';
import type { Bound, Session } from './pool.ts';
import { insertRow } from './rows.ts';
import { datetimeOf } from './select.ts';

const rowsMax = 500;
/** Stays below max_allowed_packet, whose least usual value is 16 MB, escaping included. */
const charactersMax = 2_000_000;

/** Which row of an insert of many the database refuses. */
export class RowRefused extends Error {
  readonly row: number;

  constructor(row: number, cause: unknown) {
    super('a row is refused', { cause });
    this.row = row;
  }
}

/**
 * Inserts rows of the same columns; returns their keys in the same order. The keys come from the server (RETURNING), as nothing says that
 * AUTO_INCREMENT numbers the rows of one statement in steps of one; where it cannot return them, row by row.
 * @throws RowRefused
 */
export async function insertRows(
  parts: DatabaseParts,
  session: Session,
  table: keyof typeof tables,
  key: string,
  rows: readonly Columns[],
): Promise<readonly number[]> {
  const keys: number[] = [];
  const names = Object.keys(rows[0] ?? {});
  for (const [start, end] of chunks(rows, (row) => JSON.stringify(row).length)) {
    const chunk = rows.slice(start, end);
    if (!parts.insertReturns || chunk.length === 1) {
      for (const [at, row] of chunk.entries()) keys.push(await naming(start + at, () => insertRow(session, table, row)));
      continue;
    }
    const sql = `INSERT INTO ${table} (${names.join(', ')}) VALUES ${valueLists(chunk.length, names.length)} RETURNING ${key}`;
    const values = chunk.flatMap((row) => names.map((name): Bound => row[name] ?? null));
    try {
      const inserted = await session.once(sql, values);
      keys.push(...inserted.map(([made]) => Number(made)));
    } catch (failure) {
      if (hindranceOf(failure)) throw failure;
      // The statement is undone as a whole, the transaction goes on: one by one says which row it was.
      for (const [at, row] of chunk.entries()) keys.push(await naming(start + at, () => insertRow(session, table, row)));
    }
  }
  return keys;
}

async function naming<Result>(row: number, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (failure) {
    throw hindranceOf(failure) ? failure : new RowRefused(row, failure);
  }
}

/** Inserts resource rows at version 1; returns their rids in the same order. */
export async function insertResources(
  parts: DatabaseParts,
  session: Session,
  resources: readonly NewResource[],
  writing: Writing,
): Promise<readonly number[]> {
  const rids = new Map<string, number>();
  const lists = resources.map((resource) => ({ resource, overlay: overlayText(resource.overlay) }));
  for (const [start, end] of chunks(lists, ({ overlay }) => overlay?.length ?? 0)) {
    const chunk = lists.slice(start, end);
    const sql =
      'INSERT INTO fhir_resource (type, id, variant, source_key, patient_key, version, last_updated, state, tx, refined, origin, overlay) ' +
      `VALUES ${valueLists(chunk.length, 12)}`;
    const values = chunk.flatMap(({ resource, overlay }): Bound[] => [
      resource.resourceType,
      resource.id,
      resource.variantName,
      resource.sourceKey,
      resource.patientKey,
      1,
      datetimeOf(writing.lastUpdated),
      resource.state ?? 0,
      writing.tx,
      resource.refined,
      writing.origin,
      overlay,
    ]);
    if (parts.insertReturns) {
      for (const [rid, type, id] of await session.once(`${sql} RETURNING rid, type, id`, values))
        rids.set(`${type}/${id}`, Number(rid));
      continue;
    }
    await session.once(sql, values);
    const tests = chunk.map(() => '(type = ? AND id = ?)').join(' OR ');
    const addresses = chunk.flatMap(({ resource }): Bound[] => [resource.resourceType, resource.id]);
    for (const [rid, type, id] of await session.once(`SELECT rid, type, id FROM fhir_resource WHERE ${tests}`, addresses))
      rids.set(`${type}/${id}`, Number(rid));
  }
  return resources.map(({ resourceType, id }) => {
    const rid = rids.get(`${resourceType}/${id}`);
    if (rid === undefined) throw new Error(`${resourceType}/${id} was inserted and is not there`);
    return rid;
  });
}

/** Bounds of chunks that are neither too many rows nor too much text. */
function chunks<Item>(items: readonly Item[], sizeOf: (item: Item) => number): readonly (readonly [number, number])[] {
  const bounds: (readonly [number, number])[] = [];
  let start = 0;
  let size = 0;
  items.forEach((item, at) => {
    size += sizeOf(item);
    if (at > start && (at - start >= rowsMax || size > charactersMax)) {
      bounds.push([start, at]);
      start = at;
      size = sizeOf(item);
    }
  });
  if (start < items.length) bounds.push([start, items.length]);
  return bounds;
}
