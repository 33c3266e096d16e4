/** Where a page's statement begins: weighs the criteria of a search, and remembers for a while what it found. */
import type { Sql } from '../search/condition.ts';
import { candidatesSql } from '../search/criterion-sql.ts';
import type { Criterion, SearchPlan } from '../search/plan.ts';
import { anchorsOf, type Way, weighSql } from '../search/sql.ts';
import type { RowValues } from './pool.ts';

interface Weight {
  readonly weight: number;
  readonly until: number;
}

/** Weights decide how a page is found, never what is on it: old ones make it slow at worst. */
const rememberedMs = 30_000;
const rememberedMax = 5000;

/** `candidatesMax`: so many candidates are sorted in no time; with more of them, a page in order of an index is soon full. */
export function wayFinder(
  run: (statement: Sql) => Promise<readonly RowValues[]>,
  candidatesMax: number,
): (plan: SearchPlan) => Promise<Way> {
  const remembered = new Map<string, Weight>();

  const weigh = async (anchors: readonly Criterion[], types: readonly string[]): Promise<readonly number[]> => {
    const now = Date.now();
    const keys = anchors.map((anchor) => keyOf(candidatesSql(anchor, types)));
    const isUnknown = (key: string) => (remembered.get(key)?.until ?? 0) < now;
    if (keys.some(isUnknown)) {
      const [weights = []] = await run(weighSql(anchors, types, candidatesMax + 1));
      if (remembered.size + keys.length > rememberedMax) remembered.clear();
      for (const [at, key] of keys.entries()) remembered.set(key, { weight: Number(weights[at]), until: now + rememberedMs });
    }
    return keys.map((key) => remembered.get(key)?.weight ?? Number.POSITIVE_INFINITY);
  };

  return async (plan) => {
    const anchors = anchorsOf(plan);
    if (anchors.length === 0) return 'in order';
    const weights = await weigh(anchors, plan.types);
    const lightest = Math.min(...weights);
    const from = anchors[weights.indexOf(lightest)];
    return from && lightest <= candidatesMax ? { from } : 'in order';
  };
}

function keyOf(statement: Sql | null): string {
  if (!statement) return '';
  return [statement.text, ...statement.values.map((value) => (Buffer.isBuffer(value) ? value.toString('base64') : value))].join(
    '\n',
  );
}
