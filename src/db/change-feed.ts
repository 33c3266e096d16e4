/**
 * The change feed: gives every committed change its place in one sequence without gaps. Auto-increment numbers will not do: they are
 * taken before the commit, so a reader that has seen 11 may miss 10. See docs/other-writer.md.
 */
import type { Bound, Pool, RowValues, Session } from './pool.ts';
import { inTransaction } from './transaction.ts';

/** One version of one resource, made by whomever. */
export interface FeedEntry {
  readonly seq: number;
  readonly rid: number;
  readonly version: number;
  readonly resourceType: string;
  readonly patientKey: number | null;
}

export interface Sequenced {
  /** The highest number given so far; 0 when none is. */
  readonly last: number;
  /** UTC with microseconds, `2026-11-23 10:00:00.123456`: everything committed before it has its number; what comes later is seen later. */
  readonly until: string;
}

const chunkRows = 2000;
const deadlineMs = 30_000;

/**
 * Numbers what has been committed since; every reader of the feed runs it first. Only committed rows are seen by its plain reads, and a
 * lock on the counter makes its runs follow each other, so the number of a change is above all that any reader has seen before.
 * `seen`, the time by which `_since` goes, is that of the version, or that of the run before where the version's commit came after it:
 * whoever asks for what came since an earlier answer is given it even so.
 */
export async function sequenceChanges(pool: Pool, journal: { settle(): Promise<number> }, timeoutMs: number): Promise<Sequenced> {
  await journal.settle();
  for (;;) {
    const { done, ...sequenced } = await inTransaction(
      pool,
      { deadline: Date.now() + deadlineMs, timeoutMs, committed: async () => false },
      sequenceChunk,
    );
    if (done) return sequenced;
  }
}

/** Changes after a number, oldest first: for caches, exports and subscriptions that follow along. */
export async function readChanges(session: Session, after: number, limit: number): Promise<readonly FeedEntry[]> {
  const rows = await session.rows(
    'SELECT c.seq, c.rid, c.version, c.type, c.patient_key FROM fhir_change c WHERE c.seq > ? AND c.type IS NOT NULL ' +
      `ORDER BY c.seq LIMIT ${Math.trunc(limit)}`,
    [after],
  );
  return rows.map(([seq, rid, version, type, patient]) => ({
    seq: Number(seq),
    rid: Number(rid),
    version: Number(version),
    resourceType: String(type),
    patientKey: patient === null || patient === undefined ? null : Number(patient),
  }));
}

async function sequenceChunk(session: Session): Promise<Sequenced & { readonly done: boolean }> {
  const settings = new Map(
    (
      await session.rows(
        "SELECT name, value FROM fhir_setting WHERE name IN ('change_sequence', 'change_sequenced_until') ORDER BY name FOR UPDATE",
      )
    ).map(([name, value]) => [String(name), String(value)]),
  );
  const before = { last: Number(settings.get('change_sequence') ?? 0), until: settings.get('change_sequenced_until') ?? '' };
  const [now] = await session.rows('SELECT UTC_TIMESTAMP(6)');
  const rows = await session.rows(
    'SELECT c.change_id, c.rid, c.version, r.type, COALESCE(v.last_updated, r.last_updated) FROM fhir_change c ' +
      'LEFT JOIN fhir_resource r ON r.rid = c.rid LEFT JOIN fhir_version v ON v.rid = c.rid AND v.version = c.version ' +
      `WHERE c.seq IS NULL ORDER BY c.change_id LIMIT ${chunkRows}`,
  );
  const done = rows.length < chunkRows;
  const numbered = rows.map((row) => ({ row, seen: later(textOf(row), before.until) })).toSorted(bySeen);
  const last = before.last + numbered.length;
  if (numbered.length > 0) await enter(session, numbered, before.last);
  const newest = later(numbered.at(-1)?.seen ?? '', before.until);
  // A chunk of a long backlog is not the last word on its time.
  const until = done ? later(newest, String(now?.[0])) : newest;
  await session.modify(
    "UPDATE fhir_setting SET value = CASE name WHEN 'change_sequence' THEN ? ELSE ? END WHERE name IN ('change_sequence', 'change_sequenced_until')",
    [String(last), until],
  );
  return { last, until, done };
}

interface Numbered {
  readonly row: RowValues;
  readonly seen: string;
}

/** By time, and where it is the same by place; the versions of one resource, written under its lock, stay in order. */
function bySeen(a: Numbered, b: Numbered): number {
  if (a.seen !== b.seen) return a.seen < b.seen ? -1 : 1;
  return Number(a.row[0]) - Number(b.row[0]);
}

/** Existing rows get their numbers by key: an UPDATE with a join would wait for rows that others are still inserting. */
async function enter(session: Session, numbered: readonly Numbered[], after: number): Promise<void> {
  const marks = numbered.map(() => '(?, ?, ?, ?, ?, ?)').join(', ');
  const values = numbered.flatMap(({ row: [changeId, rid, version, type], seen }, index): Bound[] => [
    Number(changeId),
    Number(rid),
    Number(version),
    after + index + 1,
    type ?? null,
    seen === '' ? null : seen,
  ]);
  await session.modify(
    `INSERT INTO fhir_change (change_id, rid, version, seq, type, seen) VALUES ${marks} ` +
      'ON DUPLICATE KEY UPDATE seq = VALUES(seq), type = VALUES(type), seen = VALUES(seen)',
    values,
  );
}

function textOf(row: RowValues): string {
  return row[4] === null || row[4] === undefined ? '' : String(row[4]);
}

/** Texts of one form compare as their times do. */
function later(a: string, b: string): string {
  return a > b ? a : b;
}
