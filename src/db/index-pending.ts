/** Keeps the search index in step with the resources: whatever a trigger has noted is rendered as a read would, and its values are replaced. */
import { fault } from '../fhir/outcome.ts';
import type { CompiledVariant } from '../mapping/compile.ts';
import { renderResource } from '../mapping/render-resource.ts';
import type { Env } from '../mapping/types.ts';
import type { SearchEnv } from '../search/env.ts';
import { extractIndex } from '../search/extract.ts';
import { hindranceOf } from './errors.ts';
import { chunksOf, deleteIndexRows, type IndexedResource, insertIndexRows } from './index-rows-writer.ts';
import type { DatabaseParts } from './parts.ts';
import { type Session, sessionOf } from './pool.ts';
import type { ResourceRecord } from './repository.ts';
import { inTransaction } from './transaction.ts';

export interface Indexer {
  /**
   * Indexes everything that was committed before the call; of all types, or of these. Returns how many resources. `isInTransaction`: what
   * MediMax has just changed is left to the journal, which may be waiting for the locks of the caller's transaction.
   * @throws FhirError `unavailable` when that takes longer than the deadline allows
   */
  catchUp(types: readonly string[] | null, deadline: number, isInTransaction?: boolean): Promise<number>;
  /** Does the same now and then until stopped, so that searches find little to do. */
  start(): void;
  stop(): Promise<void>;
}

export type IndexerParts = Pick<DatabaseParts, 'pool' | 'registry' | 'select' | 'env' | 'timeoutMs' | 'journal'>;

const batchMax = 500;
const idleMs = 250;

/** `configuration` changes when the same rows are served (and so found) differently: then everything is indexed again. */
export function createIndexer(parts: IndexerParts, searchEnv: SearchEnv, configuration: string): Indexer {
  const session = sessionOf(parts.pool, parts.timeoutMs);
  let dayIndexed = '';
  let timer: NodeJS.Timeout | null = null;
  let running: Promise<unknown> = Promise.resolve();
  let stopped = false;

  const catchUp: Indexer['catchUp'] = async (types, deadline, isInTransaction = false) => {
    if (!isInTransaction) await parts.journal.settle();
    if (dayIndexed !== parts.env().today) {
      dayIndexed = parts.env().today;
      await requeue(session, configuration, dayIndexed);
    }
    const filter = types ? ` WHERE type IN (${types.map(() => '?').join(', ')})` : '';
    const [last] = await session.rows(`SELECT MAX(seq) FROM fhir_search_pending${filter}`, types ?? []);
    const until = last?.[0];
    if (until === null || until === undefined) return 0;
    let total = 0;
    for (;;) {
      const done = await inTransaction(parts.pool, { deadline, timeoutMs: parts.timeoutMs }, (own) =>
        indexBatch(own, parts, searchEnv, types, Number(until)),
      );
      total += done;
      // When the process ends, what is left waits for the next one.
      if (done === 0 || stopped) return total;
      if (Date.now() > deadline - 500) throw stillIndexing();
    }
  };

  const round = async () => {
    let wait = idleMs;
    try {
      if ((await catchUp(null, Date.now() + 30_000)) > 0) wait = 50;
    } catch {
      // A search that needs the index says what is wrong; here the next round tries again.
    }
    if (!stopped) timer = setTimeout(() => (running = round()), wait).unref();
  };

  return {
    catchUp,
    start: () => {
      running = round();
    },
    stop: async () => {
      stopped = true;
      if (timer) clearTimeout(timer);
      await running;
    },
  };
}

function stillIndexing() {
  const text = 'The search index is still taking in many changes at once. Try again in a moment.';
  return Object.assign(fault('unavailable', 'transient', text), { headers: { 'Retry-After': '5' } });
}

/** Notes everything when the configuration is another than at the last indexing, and what depends on the day when the day is another. */
async function requeue(session: Session, configuration: string, today: string): Promise<void> {
  // '': nothing was indexed yet, and the migration has noted everything.
  await session.modify("UPDATE fhir_setting SET value = ? WHERE name = 'search_index' AND value = ''", [configuration]);
  const changed = await session.modify("UPDATE fhir_setting SET value = ? WHERE name = 'search_index' AND value <> ?", [
    configuration,
    configuration,
  ]);
  if (changed.affectedRows > 0)
    await session.modify('INSERT INTO fhir_search_pending (type, rid) SELECT type, rid FROM fhir_resource');
  const day = await session.modify("UPDATE fhir_setting SET value = ? WHERE name = 'search_index_day' AND value <> ?", [
    today,
    today,
  ]);
  if (day.affectedRows === 0) return;
  await session.modify(
    'INSERT INTO fhir_search_pending (type, rid) SELECT r.type, r.rid FROM fhir_search_daily d JOIN fhir_resource r ON r.rid = d.rid',
  );
}

/** One indexer at a time, so that an older state never overwrites a newer one. Returns how many notes were worked off. */
async function indexBatch(
  session: Session,
  parts: IndexerParts,
  searchEnv: SearchEnv,
  types: readonly string[] | null,
  until: number,
): Promise<number> {
  await session.rows("SELECT value FROM fhir_setting WHERE name = 'search_index_lock' FOR UPDATE");
  const filter = types ? `type IN (${types.map(() => '?').join(', ')}) AND ` : '';
  const notes = await session.rows(
    `SELECT seq, rid FROM fhir_search_pending WHERE ${filter}seq <= ? ORDER BY seq LIMIT ${batchMax}`,
    [...(types ?? []), until],
  );
  if (notes.length === 0) return 0;
  const rids = [...new Set(notes.map(([, rid]) => Number(rid)))];
  const records = await livingRecords(session, parts, rids);
  const env = parts.env();
  await deleteIndexRows(session, rids);
  await insertApart(session, records, (record) => extractIndex(renderResource(record, env), searchEnv));
  for (const { rid } of records.filter((record) => dependsOnDay(record, env)))
    await session.modify('INSERT INTO fhir_search_daily (rid) VALUES (?)', [rid]);
  const seqs = notes.map(([seq]) => Number(seq));
  for (const chunk of chunksOf(seqs, [500, 50, 5, 1]))
    await session.modify(`DELETE FROM fhir_search_pending WHERE seq IN (${chunk.map(() => '?').join(', ')})`, chunk);
  return notes.length;
}

/**
 * Inserts the rows of all; where that fails, of each on its own: one odd resource is found by nothing, and noted where `check` looks,
 * rather than keeping every other from being found.
 */
async function insertApart(
  session: Session,
  records: readonly ResourceRecord[],
  rowsOf: (record: ResourceRecord) => IndexedResource['rows'],
): Promise<void> {
  const indexed = (group: readonly ResourceRecord[]) => group.map((record) => ({ rid: record.rid, rows: rowsOf(record) }));
  const insert = async (group: readonly ResourceRecord[]): Promise<unknown> => {
    await session.modify('SAVEPOINT fhir_indexing');
    try {
      await insertIndexRows(session, indexed(group));
      return null;
    } catch (failure) {
      // What takes too long together is tried one by one; nothing else that hinders the database is any resource's fault.
      const hindrance = hindranceOf(failure);
      if (hindrance && hindrance !== 'slow') throw failure;
      await session.modify('ROLLBACK TO SAVEPOINT fhir_indexing');
      return failure;
    }
  };
  if ((await insert(records)) === null) return;
  for (const record of records) {
    if ((await insert([record])) === null) continue;
    const key = record.stored?.row[record.variant.variant.source.key] ?? 0;
    await session.modify(
      'INSERT INTO fhir_trouble (noted, place, source_key, errno, text) VALUES (UTC_TIMESTAMP(6), ?, ?, 0, ?)',
      [record.variant.variant.source.table, key, `${record.resourceType} of this row could not be indexed for search`],
    );
  }
}

async function livingRecords(session: Session, parts: IndexerParts, rids: readonly number[]): Promise<ResourceRecord[]> {
  const ridsByVariant = new Map<CompiledVariant, number[]>();
  for (const chunk of chunksOf(rids, [500, 50, 5, 1])) {
    const rows = await session.rows(
      `SELECT rid, type, variant FROM fhir_resource WHERE state = 0 AND rid IN (${chunk.map(() => '?').join(', ')})`,
      chunk,
    );
    for (const [rid, type, name] of rows) {
      const variant = parts.registry.variant(String(type), String(name));
      if (variant) ridsByVariant.set(variant, [...(ridsByVariant.get(variant) ?? []), Number(rid)]);
    }
  }
  const records: ResourceRecord[] = [];
  for (const [variant, ofVariant] of ridsByVariant) {
    const select = parts.select(variant);
    for (const chunk of chunksOf(ofVariant, [500, 50, 5, 1]))
      records.push(...select.decode(await session.rows(select.byRids(chunk.length), chunk)));
  }
  return records.filter(({ state }) => state === 'living');
}

/** Whether the same row reads otherwise long before or long after today. */
function dependsOnDay(record: ResourceRecord, env: Env): boolean {
  if (!record.variant.pairs.some(({ pair }) => pair.volatile)) return false;
  const on = (today: string) => JSON.stringify(renderResource(record, { ...env, today }));
  return on('0001-01-01') !== on('9999-12-31');
}
