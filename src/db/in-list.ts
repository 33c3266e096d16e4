/** Lists as values of a statement that is sent as text (`Session.once`): the driver spreads them. */
import type { Bound } from './pool.ts';

/** For `IN (?)`. */
export function inList(values: readonly Bound[]): readonly Bound[] {
  return [values] as unknown as readonly Bound[];
}

/** For `VALUES ?`: each inner list is a row. */
export function rowList(rows: readonly (readonly Bound[])[]): readonly Bound[] {
  return [rows] as unknown as readonly Bound[];
}
