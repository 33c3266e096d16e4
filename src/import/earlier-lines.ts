/**
 * Where several lines of an import are about one resource, the last of them counts. Sent again, the earlier ones are no news: the gateway
 * knows them by their digests, lets them wait until all others had their say, and takes them only when no later line has come this time.
 */
import { insertMany } from '../db/bulk-insert.ts';
import { rowsOfParts } from '../db/in-list.ts';
import type { Session } from '../db/pool.ts';
import type { RowsInTransaction } from '../db/repository.ts';
import type { Chunk, Job, LineOutcome } from './job.ts';
import { addressKey, findHere, type Known } from './look-up.ts';
import { digestOf, type Parsed } from './parse-line.ts';

/** Digests of earlier lines by resource. */
export async function findEarlier(session: Session, rids: readonly number[]): Promise<ReadonlyMap<number, ReadonlySet<string>>> {
  const found = new Map<number, Set<string>>();
  const sql = 'SELECT rid, digest FROM fhir_import_earlier WHERE rid IN (?)';
  for (const [rid, digest] of await rowsOfParts(session, sql, rids))
    found.set(Number(rid), (found.get(Number(rid)) ?? new Set()).add(String(digest)));
  return found;
}

/** A line that says nothing new. */
export interface Claim {
  readonly parsed: Parsed;
  readonly known: Known;
  readonly lineNo: number;
  /** Its resource has earlier lines. */
  readonly hasEarlier: boolean;
}

/** Another line of the import has written a resource since it was looked at. */
export class WrittenMeanwhile extends Error {}

/**
 * Says of lines which tell nothing new that they came: an earlier line of the job about the same resource, still in work elsewhere, then has not
 * the last word. @throws WrittenMeanwhile when it was quicker
 */
export async function claimPlaces(on: Session, job: Job, claims: readonly Claim[]): Promise<void> {
  const isLater = ({ lineNo, parsed }: Claim, [digest, jobId, last]: readonly unknown[]) => {
    if (digest !== parsed.digest) throw new WrittenMeanwhile();
    return Number(jobId) !== job.id || Number(last) < lineNo;
  };
  const [others, own] = [true, false].map((alias) => claims.filter(({ known }) => known.alias === alias));
  for (const claim of others ?? []) {
    const key = [job.source, claim.parsed.id, claim.parsed.type];
    const where = 'WHERE source = ? AND id = ? AND type = ?';
    const [row = []] = await on.rows(`SELECT digest, job_id, line_no FROM fhir_import_alias ${where} FOR UPDATE`, key);
    if (isLater(claim, row))
      await on.modify(`UPDATE fhir_import_alias SET job_id = ?, line_no = ? ${where}`, [job.id, claim.lineNo, ...key]);
  }
  if (!own || own.length === 0) return;
  const rids = own.map(({ known }) => known.rid).toSorted((a, b) => a - b);
  const rows = await rowsOfParts(
    on,
    'SELECT rid, digest, job_id, line_no FROM fhir_import_line WHERE rid IN (?) FOR UPDATE',
    rids,
  );
  const last = new Map(rows.map(([rid, ...said]) => [Number(rid), said]));
  const later = own.filter((claim) => isLater(claim, last.get(claim.known.rid) ?? []));
  if (later.length === 0) return;
  await insertMany(
    on,
    'fhir_import_line',
    ['rid', 'digest', 'job_id', 'line_no'],
    later.map(({ known, parsed, lineNo }) => [known.rid, parsed.digest, job.id, lineNo]),
    'ON DUPLICATE KEY UPDATE job_id = VALUES(job_id), line_no = VALUES(line_no)',
  );
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

export async function keepEarlier(
  on: RowsInTransaction,
  lines: readonly (readonly [rid: number, digest: string])[],
): Promise<void> {
  for (const [rid, digest] of lines)
    await on.modify('INSERT IGNORE INTO fhir_import_earlier (rid, digest) VALUES (?, ?)', [rid, digest]);
}
