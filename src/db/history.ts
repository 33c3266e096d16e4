/** History: which versions there are, newest first, and their records in a few statements however many they are. */
import { sequenceChanges } from './change-feed.ts';
import { pastRecord } from './create-repository.ts';
import type { DatabaseParts } from './parts.ts';
import { type Bound, type RowValues, type Session, sessionOf } from './pool.ts';
import type { Repository, ResourceRecord } from './repository.ts';
import { datetimeOf, instantOf } from './select.ts';

export interface HistoryQuery {
  /** One resource, all of a type, or (both absent) everything. */
  readonly resourceType?: string;
  readonly id?: string;
  /** Instants with microseconds. Versions made at or after this. */
  readonly since?: string;
  /** Versions that were current at some time in [from, to). */
  readonly at?: { readonly from: string; readonly to: string };
  readonly count: number;
  /** Where the page before ended. */
  readonly before?: number;
}

export interface HistoryEntry {
  /** A living record without `stored` is a version whose content was lost (its row was changed where no trigger could see it). */
  readonly record: ResourceRecord;
  /** True when the version before it was none, or a deletion. */
  readonly isCreation: boolean;
}

export interface HistoryPage {
  readonly entries: readonly HistoryEntry[];
  /** For `before` of the next page; null when this is the last. */
  readonly next: number | null;
  /** Versions that match in all; known for one resource only. */
  readonly total: number | null;
  /** Everything committed before this instant is in the answer. */
  readonly until: string;
}

export interface History {
  /** Null when the resource never existed. */
  read(query: HistoryQuery): Promise<HistoryPage | null>;
}

/** One version by its place in the feed or in its resource's history. */
interface Found {
  readonly place: number;
  readonly rid: number;
  readonly version: number;
  readonly resourceType: string;
  readonly id: string;
  readonly isCreation: boolean;
}

export function createHistory(parts: DatabaseParts, repository: Repository): History {
  const session = sessionOf(parts.pool, parts.timeoutMs);
  return {
    async read(query) {
      const { until } = await sequenceChanges(parts.pool, parts.journal, parts.timeoutMs);
      const rid = query.id === undefined ? null : await ridOf(session, query.resourceType ?? '', query.id);
      if (query.id !== undefined && rid === null) return null;
      const found = await find(session, query, rid);
      const page = found.slice(0, query.count);
      const last = page.at(-1);
      return {
        entries: await load(parts, repository, session, page),
        next: found.length > query.count && last ? last.place : null,
        total: rid === null ? null : await count(session, query, rid),
        until: instantOf(until),
      };
    },
  };
}

async function ridOf(session: Session, resourceType: string, id: string): Promise<number | null> {
  const [row] = await session.rows('SELECT rid FROM fhir_resource WHERE type = ? AND id = ? AND state < 2', [resourceType, id]);
  return row ? Number(row[0]) : null;
}

/** The conditions of a query, and what they bind. */
function conditions(query: HistoryQuery, rid: number | null): { readonly where: string; readonly values: readonly Bound[] } {
  const tests: string[] = ['c.seq IS NOT NULL'];
  const values: Bound[] = [];
  const add = (test: string, ...bound: Bound[]) => {
    tests.push(test);
    values.push(...bound);
  };
  if (rid !== null) add('c.rid = ?', rid);
  else if (query.resourceType !== undefined) add('c.type = ?', query.resourceType);
  // `seen` grows with `seq`, so the first change of that time bounds all later ones.
  if (query.since !== undefined && rid !== null) add('c.seen >= ?', datetimeOf(query.since));
  else if (query.since !== undefined)
    add(
      'c.seq >= COALESCE((SELECT s.seq FROM fhir_change s WHERE s.seen >= ? ORDER BY s.seen, s.seq LIMIT 1), 18446744073709551615)',
      datetimeOf(query.since),
    );
  if (query.at) {
    add(`${madeAt('c.version')} < ?`, datetimeOf(query.at.to));
    add(`COALESCE(${madeAt('c.version + 1')}, '9999-12-31') > ?`, datetimeOf(query.at.from));
  }
  return { where: tests.join(' AND '), values };
}

/** When this version of the resource was made; NULL when there is none. */
function madeAt(version: string): string {
  return `IF(r.version = ${version}, r.last_updated, (SELECT w.last_updated FROM fhir_version w WHERE w.rid = c.rid AND w.version = ${version}))`;
}

const from = 'FROM fhir_change c JOIN fhir_resource r ON r.rid = c.rid AND r.state < 2';

async function find(session: Session, query: HistoryQuery, rid: number | null): Promise<readonly Found[]> {
  const { where, values } = conditions(query, rid);
  const place = rid === null ? 'c.seq' : 'c.version';
  const page = query.before === undefined ? '' : ` AND ${place} < ?`;
  const rows = await session.rows(
    `SELECT ${place}, c.rid, c.version, r.type, r.id, p.state ${from} ` +
      'LEFT JOIN fhir_version p ON p.rid = c.rid AND p.version = c.version - 1 ' +
      `WHERE ${where}${page} ORDER BY ${place} DESC LIMIT ${query.count + 1}`,
    query.before === undefined ? values : [...values, query.before],
  );
  return rows.map(([at, rowRid, version, type, id, stateBefore]) => ({
    place: Number(at),
    rid: Number(rowRid),
    version: Number(version),
    resourceType: String(type),
    id: String(id),
    isCreation: Number(version) === 1 || Number(stateBefore) === 1,
  }));
}

async function count(session: Session, query: HistoryQuery, rid: number): Promise<number> {
  const { where, values } = conditions(query, rid);
  const [row] = await session.rows(`SELECT COUNT(*) ${from} WHERE ${where}`, values);
  return Number(row?.[0] ?? 0);
}

/** Superseded versions are looked for first; what is not among them is current – or has just been superseded, and is looked for again. */
async function load(
  parts: DatabaseParts,
  repository: Repository,
  session: Session,
  wanted: readonly Found[],
): Promise<readonly HistoryEntry[]> {
  const records = new Map<string, ResourceRecord>();
  const key = (one: { readonly rid: number; readonly version: number }) => `${one.rid}/${one.version}`;
  const missing = () => wanted.filter((one) => !records.has(key(one)));
  for (let round = 0; round < 3 && missing().length > 0; round += 1) {
    for (const record of await superseded(parts, session, missing())) records.set(key(record), record);
    for (const [resourceType, ofType] of Map.groupBy(missing(), (one) => one.resourceType)) {
      const rids = ofType.map(({ rid }) => rid);
      for (const record of await repository.readMany(resourceType, rids)) records.set(key(record), record);
    }
  }
  return wanted.flatMap((one) => {
    const record = records.get(key(one));
    return record ? [{ record, isCreation: one.isCreation }] : [];
  });
}

async function superseded(parts: DatabaseParts, session: Session, wanted: readonly Found[]): Promise<readonly ResourceRecord[]> {
  if (wanted.length === 0) return [];
  const byRid = new Map(wanted.map((one) => [one.rid, one]));
  const tests = wanted.map(() => '(rid = ? AND version = ?)').join(' OR ');
  const rows: readonly RowValues[] = await session.rows(
    `SELECT version, variant, last_updated, state, refined, origin, doc, overlay, rid FROM fhir_version WHERE ${tests}`,
    wanted.flatMap(({ rid, version }) => [rid, version]),
  );
  return rows.flatMap((row): ResourceRecord[] => {
    const identity = byRid.get(Number(row[8]));
    const record = identity ? pastRecord(parts, identity, row) : null;
    return record ? [record] : [];
  });
}
