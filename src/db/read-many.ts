/** Reads many resources of a type by rid: in one statement where it is known which variants they are of. */
import type { CompiledVariant } from '../mapping/compile.ts';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';
import type { Repository, ResourceRecord } from './repository.ts';
import { decodeUnion, unionByRids } from './select-union.ts';

export function manyReader(
  parts: Pick<DatabaseParts, 'registry' | 'select' | 'journal'>,
  session: Session,
): Repository['readMany'] {
  const readAs = (variants: readonly CompiledVariant[], rids: readonly number[]) =>
    parts.journal.upToDate(session, (on) => readNow(on, variants, rids));
  const readNow = async (
    on: Session,
    variants: readonly CompiledVariant[],
    rids: readonly number[],
  ): Promise<ResourceRecord[]> => {
    if (variants.length === 0 || rids.length === 0) return [];
    const selects = variants.map(parts.select);
    const [only] = selects;
    if (only && selects.length === 1) return only.decode(await on.rows(only.byRids(rids.length), rids));
    const bound = selects.flatMap(() => rids);
    return decodeUnion(selects, await on.rows(unionByRids(selects, rids.length), bound));
  };

  return async (resourceType, rids, names = []) => {
    const variants = parts.registry.get(resourceType)?.all ?? [];
    const known = variants.filter(({ name }) => names.includes(name));
    const byRid = new Map((await readAs(known, rids)).map((record) => [record.rid, record]));
    // Where no variants were given; or what has become another one since they were looked up.
    for (const variant of variants.filter((one) => !known.includes(one))) {
      const missing = rids.filter((rid) => !byRid.has(rid));
      for (const record of await readAs([variant], missing)) byRid.set(record.rid, record);
    }
    return rids.flatMap((rid) => byRid.get(rid) ?? []);
  };
}
