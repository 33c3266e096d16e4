/** Resources of several variants in one statement: each variant has columns of its own, so that no type is changed by another's. */
import type { RowValues } from './pool.ts';
import type { ResourceRecord } from './repository.ts';
import { sharedColumns, type VariantSelect } from './select.ts';

/** A statement over the same `count` rids for every variant; each rid is a row of at most one of them. */
export function unionByRids(selects: readonly VariantSelect[], count: number): string {
  const whole = selects.reduce((sum, { width }) => sum + width, 0);
  let before = 0;
  const parts = selects.map((select, branch) => {
    const part = select.byRids(count, { branch, before, after: whole - before - select.width });
    before += select.width;
    return `(${part})`;
  });
  return parts.join(' UNION ALL ');
}

export function decodeUnion(selects: readonly VariantSelect[], rows: readonly RowValues[]): ResourceRecord[] {
  let before = 1 + sharedColumns;
  return selects.flatMap((select, branch) => {
    const [from, to] = [before, before + select.width];
    const own = rows
      .filter(([of]) => Number(of) === branch)
      .map((row) => [...row.slice(1, 1 + sharedColumns), ...row.slice(from, to)]);
    before += select.width;
    return select.decode(own);
  });
}
