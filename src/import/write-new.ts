/** Inserts what is new in a chunk, set-wise: the resources, who they are, and the ledger that says so. */
import { newTransactionMark } from '../db/books.ts';
import { bulkCreate } from '../db/bulk-create.ts';
import { insertMany } from '../db/bulk-insert.ts';
import { inList } from '../db/in-list.ts';
import type { Bound, Session } from '../db/pool.ts';
import { described } from './described.ts';
import type { Chunk, Job, LineOutcome } from './job.ts';
import { keepAliases } from './keep-aliases.ts';
import type { ImportParts } from './parts.ts';
import { lineNoOf, type NewResource, type Prepared } from './prepared.ts';
import { originOf } from './source.ts';

/** New resources, who they are, and the ledger that says so: all of it or nothing. */
export async function writeNew(
  given: ImportParts,
  job: Job,
  chunk: Chunk,
  { ledger: before, created, aliases, stale }: Prepared,
): Promise<LineOutcome[]> {
  if (created.length + aliases.length === 0) return [...before];
  const { store, parts } = given;
  return store.transaction(async (on) => {
    await store.hold(on, chunk);
    const ledger = [...before];
    const writing = { lastUpdated: parts.clock.now(), origin: originOf(job.source, job.id), tx: newTransactionMark() };
    if (created.length > 0) {
      const made = await bulkCreate(
        parts,
        on,
        created.map(({ item }) => item),
        writing,
      );
      await insertMany(
        on,
        'fhir_import_line',
        ['rid', 'digest', 'job_id', 'line_no'],
        created.map(({ parsed }, index): Bound[] => [made[index]?.rid ?? 0, parsed.digest, job.id, lineNoOf(chunk, parsed)]),
      );
      await claimIdentifiers(on, created, made, stale);
      created.forEach((one, index) => {
        ledger[one.parsed.index] = {
          s: 'created',
          ...described(one),
          id: one.item.id,
          v: 1,
          table: one.item.variant.variant.source.table,
          key: made[index]?.key ?? 0,
        };
      });
    }
    await keepAliases(on, job.source, job.id, aliases);
    await store.save(on, chunk, ledger, false);
    return ledger;
  });
}

async function claimIdentifiers(
  on: Session,
  created: readonly NewResource[],
  made: readonly { readonly rid: number }[],
  stale: ReadonlySet<string>,
): Promise<void> {
  const claims = created.flatMap(({ identifiers }, index) =>
    identifiers.map((digest): [string, number] => [digest, made[index]?.rid ?? 0]),
  );
  if (claims.length === 0) return;
  const old = claims.map(([digest]) => digest).filter((digest) => stale.has(digest));
  if (old.length > 0) await on.once('DELETE FROM fhir_import_identifier WHERE digest IN (?)', inList(old));
  await insertMany(
    on,
    'fhir_import_identifier',
    ['digest', 'rid'],
    claims.toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );
}
