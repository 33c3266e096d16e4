/** Runs the statements of a search, and looks up resources by identifier for writes. */
import type { Sql, SqlValue } from '../search/condition.ts';
import { digest, keyText, parameterId } from '../search/index-rows.ts';
import { type Place, type SearchPlan, typesOf } from '../search/plan.ts';
import { countSql, includeSql, type Position, type PositionKey, pageSql, revincludeSql } from '../search/sql.ts';
import { translate } from './errors.ts';
import type { Indexer } from './index-pending.ts';
import { type Pool, sessionOf } from './pool.ts';
import type { FindByIdentifier } from './resolve-references.ts';
import { wayFinder } from './search-way.ts';

/** A resource found, with the values it is sorted by. */
export interface Hit {
  readonly rid: number;
  readonly type: string;
  readonly version: number;
  readonly variant: string;
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

/** Notes of no type: the statement does not look at them. */
const noType: readonly string[] = [''];

/** So many candidates are sorted in no time; with more of them, a page in order of an index is soon full. */
const fewCandidates = 3000;

export function createSearchStore(pool: Pool, indexer: Indexer, timeoutMs: number, candidatesMax = fewCandidates): SearchStore {
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

  const wayOf = wayFinder(run, candidatesMax);

  const readParts = async (statements: readonly Sql[], plan: SearchPlan, limit: number) => {
    const hits: Hit[] = [];
    for (const statement of statements) {
      const rows = await run(statement);
      if (rows.length > 0 && Number(rows[0]?.[0]) === 0) return { hits, isStale: true };
      hits.push(...rows.map((row) => hitOf(plan, row)));
      if (hits.length >= limit) break;
    }
    return { hits: hits.slice(0, limit), isStale: false };
  };

  const page: SearchStore['page'] = async (plan, position, limit, deadline) => {
    const watched = typesOf(plan);
    for (let round = 1; ; round += 1) {
      if (round > roundsMax) await indexer.catchUp(watched, deadline);
      const statements = pageSql(plan, position, limit, round > roundsMax ? noType : watched, await wayOf(plan));
      const { hits, isStale } = await readParts(statements, plan, limit);
      if (!isStale) return hits;
      await indexer.catchUp(watched, deadline);
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
function hitOf(plan: SearchPlan, [rid, type, version, variant, ...keys]: readonly (string | number | null)[]): Hit {
  return {
    rid: Number(rid),
    type: String(type),
    version: Number(version),
    variant: String(variant),
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
    await indexer.catchUp([resourceType], Date.now() + timeoutMs, session.guarded !== undefined);
    const values: SqlValue[] = [parameterId(`${resourceType}.identifier`), Buffer.from(keyText(value))];
    if (system !== undefined) values.push(Buffer.from(digest(system)));
    const rows = await session.rows(
      `SELECT DISTINCT r.source_key FROM fhir_search_token i JOIN fhir_resource r ON r.rid = i.rid AND r.state = 0 WHERE i.param = ? AND i.code = ?${system === undefined ? '' : ' AND i.system = ?'} LIMIT 3`,
      values,
    );
    return rows.map(([key]) => Number(key));
  };
}
