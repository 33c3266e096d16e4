/** The repository on MariaDB: reads by id and rid, past versions, and the writes of create.ts, update.ts and delete.ts. */
import { parseJson } from '../fhir/json.ts';
import { fault } from '../fhir/outcome.ts';
import type { CompiledVariant, Overlay } from '../mapping/compile.ts';
import type { JsonObject } from '../mapping/lift.ts';
import { renderResource } from '../mapping/render-resource.ts';
import type { Stored } from '../mapping/types.ts';
import { createAsyncJobs } from './async-jobs.ts';
import { createResource, IdTaken, prepare } from './create.ts';
import { createsTogether, loneCreate, standsAlone } from './create-together.ts';
import { deleteResource } from './delete.ts';
import { translate } from './errors.ts';
import { expressionOfColumn } from './expression-of-column.ts';
import { gathered } from './gather.ts';
import { createIdempotencyStore } from './idempotency.ts';
import { afterJournal } from './journal/journal.ts';
import type { Seal } from './kept-answers.ts';
import type { DatabaseParts } from './parts.ts';
import { type RowValues, sessionOf } from './pool.ts';
import { manyReader } from './read-many.ts';
import type { BundleResults, Repository, ResourceRecord, WriteOptions, WriteResult } from './repository.ts';
import { instantOf } from './select.ts';
import { writeBundle } from './transaction-bundle.ts';
import type { TransactionBundle } from './transaction-bundle-entries.ts';
import { RowGone, updateResource } from './update.ts';
import { tellingConflicts } from './version-conflict.ts';

/** Reads in one statement: more would keep the first of them waiting for the last. */
const readsMax = 8;

/** Writes that lost a race against a delete or a create look again this often. */
const racesMax = 5;

export function createRepository(parts: DatabaseParts): Repository {
  const session = sessionOf(parts.pool, parts.timeoutMs);

  const fetchers = new Map<CompiledVariant, (id: string) => Promise<ResourceRecord | null>>();
  const fetch = (variant: CompiledVariant, id: string): Promise<ResourceRecord | null> => {
    let fetcher = fetchers.get(variant);
    if (!fetcher) {
      fetcher = gathered((ids) => fetchMany(variant, ids), readsMax);
      fetchers.set(variant, fetcher);
    }
    return fetcher(id);
  };
  const fetchMany = async (variant: CompiledVariant, ids: readonly string[]): Promise<Map<string, ResourceRecord>> => {
    const select = parts.select(variant);
    const padded = paddedToPower(ids);
    const records = await parts.journal.upToDate(session, async (on) =>
      select.decode(await on.rows(select.byIds(padded.length), [variant.resourceType, ...padded])),
    );
    return new Map(records.map((record) => [record.id, record]));
  };

  /** A row that MediMax has just inserted is found once the journal is entered. */
  const read = async (resourceType: string, id: string): Promise<ResourceRecord | null> => {
    const found = await readKnown(resourceType, id);
    if (found || !parts.registry.get(resourceType)) return found;
    await parts.journal.settle();
    return readKnown(resourceType, id);
  };

  const readKnown = async (resourceType: string, id: string): Promise<ResourceRecord | null> => {
    const mapping = parts.registry.get(resourceType);
    if (!mapping) return null;
    const guess = mapping.variants.find(({ variant }) => id.startsWith(`${variant.source.idPrefix}-`)) ?? mapping.variants[0];
    const found = guess ? await fetch(guess, id) : null;
    if (found || mapping.all.length === 1) return found;
    for (let race = 1; race <= racesMax; race += 1) {
      const [row] = await session.rows('SELECT variant FROM fhir_resource WHERE type = ? AND id = ? AND state < 2', [
        resourceType,
        id,
      ]);
      const variant = row ? parts.registry.variant(resourceType, String(row[0])) : undefined;
      const now = variant ? await fetch(variant, id) : null;
      if (!variant || now) return now; // else it has become another variant in between
    }
    return null;
  };

  const readMany = manyReader(parts, session);

  const readVersion = async (resourceType: string, id: string, version: number): Promise<ResourceRecord | null> => {
    const current = await read(resourceType, id);
    if (!current || current.version === version) return current;
    const [row] = await session.rows(
      'SELECT version, variant, last_updated, state, refined, origin, doc, overlay FROM fhir_version WHERE rid = ? AND version = ?',
      [current.rid, version],
    );
    return row ? pastRecord(parts, current, row) : null;
  };

  const update = async (resourceType: string, id: string, resource: JsonObject, options: WriteOptions): Promise<WriteResult> => {
    for (let race = 1; ; race += 1) {
      const found = await read(resourceType, id);
      try {
        if (found?.state === 'living')
          return await afterJournal(parts.journal, () => updateResource(parts, found, resource, options));
        if (options.ifMatch !== undefined) throw missing(resourceType, id, options.ifMatch);
        if (found) return await createResource(parts, resourceType, resource, options, { by: 'past', past: found });
        return await createResource(parts, resourceType, resource, options, { by: 'client', id });
      } catch (failure) {
        const raced = failure instanceof IdTaken || failure instanceof RowGone;
        if (!raced || race >= racesMax)
          throw raced ? fault('conflict', 'conflict', `${resourceType}/${id} is being written by others`) : failure;
      }
    }
  };

  const createLone = createsTogether(parts);
  const create = async (resourceType: string, resource: JsonObject, options: WriteOptions): Promise<WriteResult> => {
    const variant = parts.registry.variantFor(resourceType, resource);
    const alone = () => createResource(parts, resourceType, resource, options, { by: 'server' });
    if (!standsAlone(parts.registry, variant)) return alone();
    const prepared = await afterJournal(parts.journal, () => prepare(parts, session, variant, resource));
    const lone = loneCreate(prepared, options);
    if (!lone) return alone();
    try {
      return { outcome: 'created', record: await createLone(lone), issues: prepared.plan.issues };
    } catch (failure) {
      throw translate(failure, expressionOfColumn(variant));
    }
  };

  const remove: Repository['delete'] = async (resourceType, id, options) => {
    for (let race = 1; race <= racesMax; race += 1) {
      const found = await read(resourceType, id);
      if (found?.state !== 'living') return null;
      try {
        return await deleteResource(parts, found, options);
      } catch (failure) {
        if (!(failure instanceof RowGone)) throw failure;
      }
    }
    return null;
  };

  const guarded = <Arguments extends readonly unknown[], Result>(run: (...given: Arguments) => Promise<Result>) => {
    return async (...given: Arguments): Promise<Result> => {
      try {
        return await run(...given);
      } catch (failure) {
        throw translate(failure);
      }
    };
  };

  const render = (record: ResourceRecord) => renderResource(record, parts.env());
  const views = { read, readVersion, render };

  return {
    read: guarded(read),
    readVersion: guarded(readVersion),
    readMany: guarded(readMany),
    create: guarded(create),
    update: guarded((resourceType: string, id: string, resource: JsonObject, options: WriteOptions) =>
      tellingConflicts(views, session, { resourceType, id, ifMatch: options.ifMatch }, () =>
        update(resourceType, id, resource, options),
      ),
    ),
    delete: guarded((resourceType: string, id: string, options: Parameters<Repository['delete']>[2]) =>
      tellingConflicts(views, session, { resourceType, id, ifMatch: options.ifMatch }, () => remove(resourceType, id, options)),
    ),
    transact: guarded((bundle: TransactionBundle, options: WriteOptions, seal?: Seal<BundleResults>) =>
      writeBundle(parts, bundle, options, seal),
    ),
    answers: createIdempotencyStore(parts.pool, parts.timeoutMs, parts.idempotencyHours),
    jobs: createAsyncJobs(parts.pool, parts.timeoutMs, parts.idempotencyHours),
    render,
  };
}

/** With the last key repeated up to a power of two, so that a few prepared statements serve every number of keys. */
function paddedToPower(keys: readonly string[]): readonly string[] {
  const length = 2 ** Math.ceil(Math.log2(keys.length));
  const last = keys.at(-1) ?? '';
  return length === keys.length ? keys : [...keys, ...Array.from({ length: length - keys.length }, () => last)];
}

function missing(resourceType: string, id: string, version: number) {
  return fault(
    'precondition-failed',
    'conflict',
    `If-Match names version ${version}, but ${resourceType}/${id} does not exist now`,
    'http.If-Match',
  );
}

/** A superseded version from its document; the same mapping code renders it. */
export function pastRecord(
  parts: DatabaseParts,
  current: Pick<ResourceRecord, 'rid' | 'resourceType' | 'id'>,
  row: RowValues,
): ResourceRecord | null {
  const [version, variantName, lastUpdated, state, refined, origin, doc, overlay] = row;
  const variant = parts.registry.variant(current.resourceType, String(variantName));
  if (!variant) return null;
  return {
    rid: current.rid,
    resourceType: current.resourceType,
    id: current.id,
    variant,
    version: Number(version),
    lastUpdated: instantOf(String(lastUpdated)),
    state: Number(state) === 1 ? 'deleted' : 'living',
    origin: String(origin),
    refined: Number(refined),
    overlay: overlay === null || overlay === undefined ? null : (parseJson(String(overlay), { depthMax: 2000 }) as Overlay),
    stored: doc === null || doc === undefined ? null : (JSON.parse(String(doc)) as Stored),
  };
}
