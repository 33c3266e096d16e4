/** Indexes resources in the transaction that creates them, without a note: a search finds them from their commit on, and has nothing to wait for. */
import { renderResource } from '../mapping/render-resource.ts';
import type { SearchEnv } from '../search/env.ts';
import { extractIndex } from '../search/extract.ts';
import { insertIndexRows } from './index-rows-writer.ts';
import type { DatabaseParts, FreshIndex } from './parts.ts';
import type { Session } from './pool.ts';

/** Each has a dozen rows or so, of which only so many are in memory at a time. */
const recordsMax = 500;

export function freshIndex({ env }: Pick<DatabaseParts, 'env'>, searchEnv: SearchEnv): FreshIndex {
  return {
    covers: ({ pairs }) => !pairs.some(({ pair }) => pair.volatile),
    async insert(session, records) {
      const today = env();
      for (let start = 0; start < records.length; start += recordsMax) {
        const indexed = records
          .slice(start, start + recordsMax)
          .map((record) => ({ rid: record.rid, rows: extractIndex(renderResource(record, today), searchEnv) }));
        await insertIndexRows(session, indexed);
      }
    },
  };
}

/**
 * From here on in this transaction the trigger makes no note of new resources that carry this mark (`tx`); no other transaction has the
 * same, so that nothing has to be taken back.
 */
export async function withoutNotes(session: Session, mark: number): Promise<void> {
  await session.modify('SET @fhir_indexed = ?', [mark]);
}
