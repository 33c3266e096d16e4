/**
 * Finds what MediMax changed where no trigger saw it: rows that came, went or changed kind, and – where `fhir_seen` is kept – rows that say
 * something else than they did. What it finds late it can only enter late: see docs/other-writer.md for what that means.
 */
import type { CompiledVariant } from '../mapping/compile.ts';
import type { Stored } from '../mapping/types.ts';
import { adoptRows, enterAdopted } from './adopt-rows.ts';
import { enterChanges } from './books.ts';
import { after } from './clock.ts';
import { guardRow } from './journal/guard.ts';
import { unlinkFrom } from './linked-rows.ts';
import type { DatabaseParts } from './parts.ts';
import { type Session, sessionOf } from './pool.ts';
import { patientKeyOf } from './relative-versions.ts';
import type { ResourceRecord } from './repository.ts';
import { datetimeOf } from './select.ts';
import { projectionOf, staleBitsBetween } from './stored-difference.ts';
import { inTransaction } from './transaction.ts';

export interface SweepReport {
  /** Rows that had no resource. */
  readonly adopted: number;
  /** Resources whose row was gone, back again, or of another kind. */
  readonly gone: number;
  readonly back: number;
  readonly retyped: number;
  /** Resources whose row said something else than when last seen. */
  readonly changed: number;
}

export interface SweepOptions {
  /** Keep and compare what each row said: only in the mode without triggers, as it doubles what is stored. */
  readonly compareContent: boolean;
}

const chunkRows = 500;
const deadlineMs = 60_000;

export async function sweepAll(parts: DatabaseParts, options: SweepOptions): Promise<SweepReport> {
  await parts.journal.settle();
  const session = sessionOf(parts.pool, parts.timeoutMs);
  const report = { adopted: 0, gone: 0, back: 0, retyped: 0, changed: 0 };
  for (const { variants } of parts.registry.mappings) {
    for (const variant of variants) {
      for (let after = 0; ; ) {
        const rids = await ridsOf(session, variant, after);
        const last = rids.at(-1);
        if (last === undefined) break;
        after = last;
        const found = await sweepRids(parts, variant, rids, options);
        for (const key of ['gone', 'back', 'retyped', 'changed'] as const) report[key] += found[key];
      }
    }
  }
  report.adopted = await adoptRows(session, parts.registry);
  if (report.adopted > 0) await enterAdopted(session);
  return report;
}

/** The same for one resource, before it is read. */
export async function sweepOne(parts: DatabaseParts, resourceType: string, id: string, options: SweepOptions): Promise<void> {
  const session = sessionOf(parts.pool, parts.timeoutMs);
  const [row] = await session.rows('SELECT rid, variant FROM fhir_resource WHERE type = ? AND id = ? AND state < 2', [
    resourceType,
    id,
  ]);
  const variant = row ? parts.registry.variant(resourceType, String(row[1])) : undefined;
  if (row && variant && !variant.variant.source.rowless) await sweepRids(parts, variant, [Number(row[0])], options);
}

async function ridsOf(session: Session, { resourceType, name }: CompiledVariant, after: number): Promise<readonly number[]> {
  const rows = await session.rows(
    `SELECT rid FROM fhir_resource WHERE type = ? AND variant = ? AND state < 2 AND rid > ? ORDER BY rid LIMIT ${chunkRows}`,
    [resourceType, name, after],
  );
  return rows.map(([rid]) => Number(rid));
}

type Found = Omit<SweepReport, 'adopted'>;

async function sweepRids(
  parts: DatabaseParts,
  variant: CompiledVariant,
  rids: readonly number[],
  options: SweepOptions,
): Promise<Found> {
  const settings = {
    deadline: Date.now() + deadlineMs,
    timeoutMs: parts.timeoutMs,
    committed: async () => false,
    journal: parts.journal,
  };
  return inTransaction(parts.pool, settings, async (session) => {
    const found = { gone: 0, back: 0, retyped: 0, changed: 0 };
    const books = await lockBooks(session, rids);
    const seen = options.compareContent ? await seenOf(session, rids) : new Map<number, Seen>();
    const select = parts.select(variant);
    const rows = await session.rows(select.byRids(rids.length), [...rids]);
    // Deleted ones are decoded without their rows; as if living, the row's presence shows.
    const present = new Map(select.decode(rows.map((row) => row.with(4, 0))).map((record) => [record.rid, record]));
    for (const rid of rids) {
      const record = present.get(rid);
      const book = books.get(rid);
      if (!record || !book) continue;
      const { state } = book;
      guardRow(session, variant.variant.source.table, book.sourceKey);
      const before = seen.get(rid);
      if (state === 0 && !record.stored) {
        const kind = await kindNow(parts, session, record);
        if (kind) await retype(session, parts, record, kind, before);
        else {
          await bury(session, parts, record, before);
          if (variant.variant.source.child?.linked) await unlinkFrom(session, variant.variant.source, book.sourceKey);
        }
        found[kind ? 'retyped' : 'gone'] += 1;
      } else if (state === 1 && record.stored) {
        await move(session, parts, record, { doc: null, state: 1, sets: 'state = 0, refined = 0, overlay = NULL' });
        found.back += 1;
      } else if (state === 0 && options.compareContent && record.stored) {
        if (await compare(session, parts, record, record.stored, before)) found.changed += 1;
      }
    }
    return found;
  });
}

interface Seen {
  readonly version: number;
  readonly doc: string;
}

async function lockBooks(
  session: Session,
  rids: readonly number[],
): Promise<Map<number, { readonly state: number; readonly sourceKey: number }>> {
  const marks = rids.map(() => '?').join(', ');
  const rows = await session.rows(
    `SELECT rid, state, source_key FROM fhir_resource WHERE rid IN (${marks}) ORDER BY rid FOR UPDATE`,
    rids,
  );
  return new Map(rows.map(([rid, state, key]) => [Number(rid), { state: Number(state), sourceKey: Number(key) }]));
}

async function seenOf(session: Session, rids: readonly number[]): Promise<Map<number, Seen>> {
  const marks = rids.map(() => '?').join(', ');
  const rows = await session.rows(`SELECT rid, version, doc FROM fhir_seen WHERE rid IN (${marks})`, rids);
  return new Map(rows.map(([rid, version, doc]) => [Number(rid), { version: Number(version), doc: String(doc) }]));
}

/** Another variant of the same type that the row is now (a lifestyle entry that became an other one). */
async function kindNow(parts: DatabaseParts, session: Session, record: ResourceRecord): Promise<CompiledVariant | undefined> {
  const { source } = record.variant.variant;
  if (!source.where) return undefined;
  const [row] = await session.rows(
    `SELECT t.${source.where.column} FROM fhir_resource r JOIN ${source.table} t ON t.${source.key} = r.source_key WHERE r.rid = ?`,
    [record.rid],
  );
  return parts.registry
    .get(record.resourceType)
    ?.variants.find(({ variant }) => variant.source.table === source.table && variant.source.where?.value === row?.[0]);
}

async function retype(
  session: Session,
  parts: DatabaseParts,
  record: ResourceRecord,
  kind: CompiledVariant,
  before: Seen | undefined,
) {
  await move(session, parts, record, {
    doc: before?.doc ?? null,
    state: 0,
    sets: `variant = '${kind.name}', refined = 0, overlay = NULL`,
  });
}

async function bury(session: Session, parts: DatabaseParts, record: ResourceRecord, before: Seen | undefined) {
  await move(session, parts, record, { doc: before?.doc ?? null, state: 0, sets: 'state = 1, refined = 0, overlay = NULL' });
  await session.modify('DELETE FROM fhir_seen WHERE rid = ?', [record.rid]);
}

/** True when the row says something else than it did; what no resource shows may differ. */
async function compare(
  session: Session,
  parts: DatabaseParts,
  record: ResourceRecord,
  stored: Stored,
  before: Seen | undefined,
): Promise<boolean> {
  const doc = JSON.stringify(stored);
  if (before?.doc === doc && before.version === record.version) return false;
  let version = record.version;
  const past = before?.version === record.version ? (JSON.parse(before.doc) as Stored) : null; // written by this function
  const isChanged = past !== null && projectionOf(record.variant, past) !== projectionOf(record.variant, stored);
  if (isChanged && past && before) {
    const stale = staleBitsBetween(record.variant, past, stored);
    await move(session, parts, record, { doc: before.doc, state: 0, sets: `refined = refined & ~${stale}` });
    version += 1;
  }
  await session.modify('REPLACE INTO fhir_seen (rid, version, doc) VALUES (?, ?, ?)', [record.rid, version, doc]);
  return isChanged;
}

interface Move {
  readonly doc: string | null;
  /** Of the version that ends. */
  readonly state: 0 | 1;
  readonly sets: string;
}

async function move(session: Session, parts: DatabaseParts, record: ResourceRecord, { doc, state, sets }: Move): Promise<void> {
  await session.modify(
    'INSERT INTO fhir_version (rid, version, variant, last_updated, state, refined, origin, doc, overlay) ' +
      'SELECT rid, version, variant, last_updated, ?, refined, origin, ?, overlay FROM fhir_resource WHERE rid = ?',
    [state, doc, record.rid],
  );
  const patientKey = patientKeyOf(record);
  await session.modify(
    `UPDATE fhir_resource SET version = version + 1, last_updated = ?, origin = 'medimax', tx = 0, patient_key = COALESCE(?, patient_key), ${sets} WHERE rid = ?`,
    [datetimeOf(after(record.lastUpdated, parts.clock.now())), patientKey, record.rid],
  );
  const [row] = await session.rows('SELECT patient_key FROM fhir_resource WHERE rid = ?', [record.rid]);
  await enterChanges(session, [
    { rid: record.rid, version: record.version + 1, patientKey: row?.[0] === null || row === undefined ? null : Number(row[0]) },
  ]);
}
