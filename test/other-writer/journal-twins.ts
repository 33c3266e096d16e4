/** Two databases that MediMax writes alike: in one the journal is entered after every statement, in the other one much later. */
import assert from 'node:assert/strict';
import { pastRecord } from '../../src/db/create-repository.ts';
import { foldBatch } from '../../src/db/journal/fold.ts';
import { inTransaction } from '../../src/db/transaction.ts';
import { stringifyJson } from '../../src/fhir/json.ts';
import type { JsonObject } from '../../src/mapping/lift.ts';
import { type TwoWriters, twoWriters } from './legacy.ts';

/** Errors that MediMax's own tables answer with; the statement has changed nothing then. */
const refusals = [4025, 1048, 1452, 1062, 1451];

/** Every version of every resource, `Type/id version` → what it says. */
export type Books = ReadonlyMap<string, string>;

export interface Twins {
  readonly prompt: TwoWriters;
  readonly late: TwoWriters;
  /** Runs a statement on both; returns the first key it made, null where both refused it. */
  run(sql: string, values?: readonly unknown[]): Promise<number | null>;
  close(): Promise<void>;
}

export async function twins(): Promise<Twins> {
  const [prompt, late] = await Promise.all([stillWriters(), stillWriters()]);
  const attempt = async (writers: TwoWriters, sql: string, values: readonly unknown[]) => {
    try {
      return { key: await writers.run(sql, values), errno: 0 };
    } catch (failure) {
      const { errno = 0 } = failure as { errno?: number };
      if (!refusals.includes(errno)) throw failure;
      return { key: null, errno };
    }
  };
  return {
    prompt,
    late,
    async run(sql, values = []) {
      const [one, other] = await Promise.all([attempt(prompt, sql, values), attempt(late, sql, values)]);
      assert.deepEqual(one, other, sql);
      await prompt.gateway.parts.journal.settle();
      return one.key;
    },
    close: async () => {
      await Promise.all([prompt.close(), late.close()]);
    },
  };
}

/** MediMax's own times would differ between the two. */
async function stillWriters(): Promise<TwoWriters> {
  const writers = await twoWriters();
  const columns = await writers.rows(
    "SELECT table_name AS name, column_name AS col FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name NOT LIKE 'fhir\\_%' AND data_type = 'timestamp'",
  );
  for (const { name, col } of columns) {
    await writers.run(`ALTER TABLE ${name} MODIFY ${col} TIMESTAMP NULL DEFAULT '2020-01-01 00:00:00'`);
  }
  return writers;
}

/** Enters all that waits, so many entries at a time. */
export async function foldBy(writers: TwoWriters, limit: number): Promise<void> {
  const { pool, parts } = writers.gateway;
  for (let isLast = false; !isLast; ) {
    ({ isLast } = await inTransaction(pool, { deadline: Date.now() + 60_000, timeoutMs: 30_000, isSnapshot: true }, (session) =>
      foldBatch(session, parts.registry, parts.env(), limit),
    ));
  }
}

export async function booksOf(writers: TwoWriters): Promise<Books> {
  const { repository, parts, session } = { ...writers.gateway, session: writers.session };
  const books = new Map<string, string>();
  const resources = await writers.rows(
    'SELECT rid, type, id, variant, source_key, patient_key, version, state, refined, overlay, origin FROM fhir_resource ORDER BY type, id',
  );
  const places = new Map<number, { readonly type: string; readonly id: string }>();
  for (const { rid, type, id, variant, source_key, patient_key, version, state, refined, overlay, origin } of resources) {
    places.set(Number(rid), { type: String(type), id: String(id) });
    const record = state === 0 ? await repository.read(String(type), String(id)) : null;
    if (record) assert.equal(record.version, version, `${type}/${id}`);
    books.set(
      `${type}/${id} ${version} now`,
      `${variant} ${source_key} ${patient_key} state ${state} refined ${refined} ${origin} ${overlay ?? ''} ${record ? contentOf(repository.render(record)) : ''}`,
    );
  }
  const past = await session.rows(
    'SELECT version, variant, last_updated, state, refined, origin, doc, overlay, rid FROM fhir_version ORDER BY rid, version',
  );
  for (const row of past) {
    const [version, variant, , state, refined] = row;
    const place = places.get(Number(row[8]));
    if (!place) throw new Error(`version of ${row[8]}`);
    const { type: resourceType, id } = place;
    const record = pastRecord(parts, { rid: Number(row[8]), resourceType, id }, row);
    books.set(
      `${resourceType}/${id} ${version}`,
      `${variant} state ${state} refined ${refined} ${record?.stored ? contentOf(repository.render(record)) : 'nothing'}`,
    );
  }
  const changes = await writers.rows(
    'SELECT r.type, r.id, c.version, GROUP_CONCAT(IFNULL(c.patient_key, 0)) AS patients FROM fhir_change c JOIN fhir_resource r USING (rid) GROUP BY r.rid, c.version',
  );
  for (const { type, id, version, patients } of changes) books.set(`${type}/${id} ${version} change`, String(patients));
  return books;
}

/** Without what must differ from version to version. */
export function contentOf({ meta: _meta, ...content }: JsonObject): string {
  return stringifyJson(content);
}

export function sameBooks(actual: Books, expected: Books): void {
  const differing = [...new Set([...actual.keys(), ...expected.keys()])].filter(
    (name) => actual.get(name) !== expected.get(name),
  );
  const [first] = differing;
  if (first === undefined) return;
  assert.equal(
    actual.get(first),
    expected.get(first),
    `${first}; ${differing.length} of ${expected.size} differ: ${differing.slice(0, 12).join(', ')}`,
  );
}

/** Versions count from 1 without a gap, and no change is told twice. */
export function gapless(books: Books): void {
  for (const [name] of books) {
    const [place = '', version = '0', what] = name.split(' ');
    if (what !== 'now') continue;
    for (let past = 1; past < Number(version); past += 1) assert.ok(books.has(`${place} ${past}`), `${place} ${past}`);
    for (let each = 1; each <= Number(version); each += 1) {
      const told = books.get(`${place} ${each} change`);
      assert.ok(told !== undefined && !told.includes(','), `${place} ${each}: ${told}`);
    }
  }
}
