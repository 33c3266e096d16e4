/** Runs the statements of a search, and looks up resources by identifier for writes. */
import type { Sql, SqlValue } from '../search/condition.ts';
import { digest, keyText, parameterId } from '../search/index-rows.ts';
import { type Place, type SearchPlan, typesOf } from '../search/plan.ts';
import { countSql, includeSql, type Position, type PositionKey, pageSql, revincludeSql } from '../search/sql.ts';
import { translate } from './errors.ts';
import type { Indexer } from './index-pending.ts';
import { type Pool, sessionOf } from './pool.ts';
import type { FindByIdentifier } from './resolve-references.ts';

/** A resource found, with the values it is sorted by. */
export interface Hit {
  readonly rid: number;
  readonly type: string;
  readonly version: number;
  readonly keys: readonly PositionKey[];
}

export interface SearchStore {
  /** Up to `limit` hits behind the position, in the order of the statement (backwards where the position says so). */
  page(plan: SearchPlan, position: Position | null, limit: number, deadline: number): Promise<readonly Hit[]>;
  /** How many match; with `atMost` never more than that. */
  count(plan: SearchPlan, deadline: number, atMost?: number): Promise<number>;
  /** Resources that these refer to through the place. */
  referredTo(place: Place, targetType: string | undefined, rids: readonly number[], limit: number): Promise<readonly Found[]>;
  /** Resources of a type that refer to these through the place. */
  referringTo(place: Place, type: string, rids: readonly number[], limit: number): Promise<readonly Found[]>;
}

export interface Found {
  readonly rid: number;
  readonly type: string;
}

/** After so many rounds changes that others make meanwhile count as later than the search. */
const roundsMax = 4;

export function createSearchStore(pool: Pool, indexer: Indexer, timeoutMs: number): SearchStore {
  const session = sessionOf(pool, timeoutMs);
  const run = async ({ text, values }: Sql) => {
    try {
      return await session.rows(text, values);
    } catch (failure) {
      throw translate(failure);
    }
  };
  const found = async (statement: Sql): Promise<readonly Found[]> =>
    (await run(statement)).map(([rid, type]) => ({ rid: Number(rid), type: String(type) }));

  const page: SearchStore['page'] = async (plan, position, limit, deadline) => {
    const watched = typesOf(plan);
    const statement = pageSql(plan, position, limit, watched);
    for (let round = 1; ; round += 1) {
      const rows = await run(statement);
      const isStale = Number(rows[0]?.[0]) === 0 && rows.length > 0;
      if (isStale && round <= roundsMax) await indexer.catchUp(watched, deadline);
      else return (isStale ? rows.slice(1) : rows).map((row) => hitOf(plan, row));
    }
  };

  return {
    page,
    async count(plan, deadline, atMost) {
      await indexer.catchUp(typesOf(plan), deadline);
      const [row] = await run(countSql(plan, atMost));
      return Number(row?.[0]);
    },
    referredTo: (place, targetType, rids, limit) => found(includeSql(place, targetType, rids, limit)),
    referringTo: (place, type, rids, limit) => found(revincludeSql(place, type, rids, limit)),
  };
}

/** Byte columns come as hexadecimal text, times as text, ranges as numbers. */
function hitOf(plan: SearchPlan, [rid, type, version, ...keys]: readonly (string | number | null)[]): Hit {
  return {
    rid: Number(rid),
    type: String(type),
    version: Number(version),
    keys: keys.map((key, index) => {
      const sorted = plan.sort[index];
      const isBytes = sorted?.by === 'value' && (sorted.place.table === 'token' || sorted.place.table === 'string');
      return isBytes && typeof key === 'string' ? { hex: key } : key;
    }),
  };
}

/** For references by identifier. The index is brought up to date first; what this transaction itself wrote is not seen. */
export function identifierFinder(indexer: Indexer, timeoutMs: number): FindByIdentifier {
  return async (session, resourceType, system, value) => {
    await indexer.catchUp([resourceType], Date.now() + timeoutMs);
    const values: SqlValue[] = [parameterId(`${resourceType}.identifier`), Buffer.from(keyText(value))];
    if (system !== undefined) values.push(Buffer.from(digest(system)));
    const rows = await session.rows(
      `SELECT DISTINCT r.source_key FROM fhir_search_token i JOIN fhir_resource r ON r.rid = i.rid AND r.state = 0 WHERE i.param = ? AND i.code = ?${system === undefined ? '' : ' AND i.system = ?'} LIMIT 3`,
      values,
    );
    return rows.map(([key]) => Number(key));
  };
}
