/**
 * Where several lines of an import are about one resource, the last of them counts. Sent again, the earlier ones are no news: the gateway
 * knows them by their digests, lets them wait until all others had their say, and takes them only when no later line has come this time.
 */
import { inList } from '../db/in-list.ts';
import type { Bound, Session } from '../db/pool.ts';
import type { Chunk, Job, LineOutcome } from './job.ts';
import { addressKey, findHere, type Known } from './look-up.ts';
import { digestOf, type Parsed } from './parse-line.ts';

/** Digests of earlier lines by resource. */
export async function findEarlier(session: Session, rids: readonly number[]): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
  const found = new Map<number, Set<string>>();
  if (rids.length === 0) return found;
  for (const [rid, digest] of await session.once('SELECT rid, digest FROM fhir_import_earlier WHERE rid IN (?)', inList(rids)))
    found.set(Number(rid), (found.get(Number(rid)) ?? new Set()).add(String(digest)));
  return found;
}

/** A line that the source has sent before and that says nothing new, of a resource that has earlier lines: these are to know that it came. */
export interface Claim {
  readonly parsed: Parsed;
  readonly known: Known;
  readonly lineNo: number;
}

/** Later than these lines there is nothing, as far as the job has come. Doing it twice is doing it once. */
export async function claimPlaces(on: Session, job: Job, claims: readonly Claim[]): Promise<void> {
  for (const { parsed, known, lineNo } of claims) {
    const isLater = 'digest = ? AND (job_id <> ? OR line_no < ?)';
    const values: Bound[] = [job.id, lineNo, parsed.digest, job.id, lineNo];
    if (known.alias) {
      await on.modify(
        `UPDATE fhir_import_alias SET job_id = ?, line_no = ? WHERE ${isLater} AND source = ? AND id = ? AND type = ?`,
        [...values, job.source, parsed.id, parsed.type],
      );
    } else
      await on.modify(`UPDATE fhir_import_line SET job_id = ?, line_no = ? WHERE ${isLater} AND rid = ?`, [...values, known.rid]);
  }
}

/** Remembers the lines of a chunk that others have overtaken. */
export async function keepOvertaken(on: Session, chunk: Chunk, ledger: readonly LineOutcome[]): Promise<void> {
  const lines = ledger.flatMap(({ s, t, id }, index) => {
    const bytes = chunk.lines[index]?.bytes;
    return s === 'overtaken' && t !== undefined && id !== undefined && bytes ? [{ type: t, id, digest: digestOf(bytes) }] : [];
  });
  if (lines.length === 0) return;
  const here = await findHere(on, lines);
  await keepEarlier(
    on,
    lines.flatMap(({ type, id, digest }): [number, string][] => {
      const known = here.get(addressKey(type, id));
      return known && known.digest !== digest ? [[known.rid, digest]] : [];
    }),
  );
}

export async function keepEarlier(on: Session, lines: readonly (readonly [rid: number, digest: string])[]): Promise<void> {
  for (const [rid, digest] of lines)
    await on.modify('INSERT IGNORE INTO fhir_import_earlier (rid, digest) VALUES (?, ?)', [rid, digest]);
}
