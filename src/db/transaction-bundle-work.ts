/** What the steps of a transaction's creates know in common: the rows made so far, and the final keys and addresses of what is new. */
import { type TableName, tables } from '../mapping/tables.ts';
import type { Columns, StoredChild } from '../mapping/types.ts';
import type { Writing } from './books.ts';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';
import type { BegunVersions } from './relative-versions.ts';
import type { Claimant } from './transaction-bundle-findings.ts';
import type { BundlePlan, Draft } from './transaction-bundle-plan.ts';

/** A draft whose rows are in the tables. */
export interface Born {
  readonly draft: Draft;
  readonly id: string;
  readonly key: number;
  readonly row: Columns;
  readonly parent: Columns | null;
  /** Its own child rows, and those that other entries have put under it. */
  readonly children: StoredChild[];
  readonly inserted: readonly StoredChild[];
}

export interface Work {
  readonly parts: DatabaseParts;
  readonly session: Session;
  readonly plan: BundlePlan;
  readonly writing: Writing;
  /** Keys by the negative ones of drafts. */
  readonly keys: Map<number, number>;
  /** What this transaction has inserted, by table and key. */
  readonly born: Map<string, Born>;
  readonly begun: BegunVersions[];
  /** Keys of shared parents made here for others: no resource is served of them that could have a version. */
  readonly madeParents: Set<string>;
  /** The new report that names a new finding, by the finding's placeholder. */
  readonly holders: ReadonlyMap<number, Draft>;
  /** Reports that were here before and have named what comes now, by rid. */
  readonly claimants: Map<number, Claimant>;
}

/** Whatever led to the provisional address leads to the final one. */
export function readdress({ addresses }: BundlePlan, provisional: string, address: string): void {
  for (const [other, leads] of addresses) if (leads === provisional) addresses.set(other, address);
  addresses.set(provisional, address);
}

export function isNew({ born, madeParents }: Work, table: TableName, key: number): boolean {
  return born.has(`${table} ${key}`) || madeParents.has(`${table} ${key}`);
}

export function withKeys({ keys }: Work, table: TableName, columns: Columns): Columns {
  const column = tables[table].belongsTo?.column;
  const value = column === undefined ? undefined : columns[column];
  if (column === undefined || typeof value !== 'number' || value >= 0) return columns;
  return { ...columns, [column]: keys.get(value) ?? null };
}
