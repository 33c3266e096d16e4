/** Searches that name what a conditional interaction is about: made once each, under a lock that lets equal ones go one after another. */
import { hash } from 'node:crypto';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';

export interface Condition {
  readonly resourceType: string;
  readonly query: string;
  /** Whether something may be created when nothing is found. */
  readonly mayCreate: boolean;
}

export interface FoundTarget {
  readonly rid: number;
  readonly id: string;
}

/** Rows of `fhir_condition_slot`; equal conditions meet in one row, others hardly ever. */
export const slotsMax = 1024;

/** The same text for queries that say the same: order and encoding of the parameters are nothing. */
export function conditionKey({ resourceType, query }: Pick<Condition, 'resourceType' | 'query'>): string {
  const parameters = [...new URLSearchParams(query)].map((pair) => JSON.stringify(pair)).toSorted();
  return `${resourceType}?${parameters.join('&')}`;
}

export function slotOf(key: string): number {
  return Number.parseInt(hash('sha256', key, 'hex').slice(0, 8), 16) % slotsMax;
}

/**
 * What each condition finds, by its key: living resources, two at most where more than one is. Conditions that may create are locked
 * first, in one order for all, so that of a hundred equal ones the second already sees what the first has made.
 */
export async function findTargets(
  parts: DatabaseParts,
  session: Session,
  conditions: readonly Condition[],
  findMax = 2,
): Promise<ReadonlyMap<string, readonly FoundTarget[]>> {
  const slots = [...new Set(conditions.filter(({ mayCreate }) => mayCreate).map((one) => slotOf(conditionKey(one))))].toSorted(
    (a, b) => a - b,
  );
  if (slots.length > 0) {
    const marks = slots.map(() => '?').join(', ');
    await session.once(`SELECT slot FROM fhir_condition_slot WHERE slot IN (${marks}) ORDER BY slot FOR UPDATE`, slots);
  }
  const found = new Map<string, readonly FoundTarget[]>();
  for (const condition of conditions) {
    const key = conditionKey(condition);
    if (found.has(key)) continue;
    found.set(key, await find(parts, session, condition, findMax));
  }
  return found;
}

async function find(
  parts: DatabaseParts,
  session: Session,
  { resourceType, query }: Condition,
  findMax: number,
): Promise<readonly FoundTarget[]> {
  const rids = await parts.findByQuery(session, resourceType, new URLSearchParams(query), findMax);
  if (rids.length === 0) return [];
  const marks = rids.map(() => '?').join(', ');
  const rows = await session.once(`SELECT rid, id FROM fhir_resource WHERE state = 0 AND rid IN (${marks}) ORDER BY rid`, rids);
  return rows.map(([rid, id]) => ({ rid: Number(rid), id: String(id) }));
}
