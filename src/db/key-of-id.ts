/** Keys that ids were made of. */
import type { Source } from '../mapping/types.ts';

/** `lf-7` comes back as row 7 of its table; undefined for ids that were not made of a key of this source's. */
export function keyOfId(source: Source, id: string): number | undefined {
  const digits = new RegExp(`^${source.idPrefix}-(\\d+)$`).exec(id)?.[1];
  return digits === undefined ? undefined : Number(digits);
}
