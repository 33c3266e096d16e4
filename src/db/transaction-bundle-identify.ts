/** Which resource each entry of a transaction is about, with its row locked: found by id or by a search, new, or the same as another entry's. */
import { type FhirError, fault } from '../fhir/outcome.ts';
import { type Condition, conditionKey, type FoundTarget, findTargets } from './conditional-target.ts';
import type { Identity } from './create.ts';
import { guardRecord } from './journal/guard.ts';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';
import type { ResourceRecord, WriteResult } from './repository.ts';
import { EntriesRefused, type EntryWrite, type TransactionBundle, type WriteTarget } from './transaction-bundle-entries.ts';
import { checkIfMatch } from './update.ts';

type Of<Kind extends EntryWrite['kind']> = Extract<EntryWrite, { readonly kind: Kind }>;

export interface NewEntry {
  readonly entry: Of<'create' | 'update'>;
  readonly identity: Identity;
}

export interface Identified {
  readonly creates: readonly NewEntry[];
  readonly updates: readonly { readonly entry: Of<'update' | 'patch'>; readonly found: ResourceRecord }[];
  readonly deletes: readonly { readonly entry: Of<'delete'>; readonly found: readonly ResourceRecord[] }[];
  /** Entries that need no write: ifNoneExist has found a resource. */
  readonly settled: ReadonlyMap<number, readonly WriteResult[]>;
  /** An equal ifNoneExist: index of the entry → that of the one that creates. */
  readonly aliases: ReadonlyMap<number, number>;
  /** Final addresses of provisional ones and of conditional references, as far as they are known. */
  readonly addresses: ReadonlyMap<string, string>;
}

/** @throws EntriesRefused with every entry whose condition, version or target is not as it must be */
export async function identify(parts: DatabaseParts, session: Session, bundle: TransactionBundle): Promise<Identified> {
  const failures = new Map<number, FhirError>();
  const refuse = (index: number, failure: FhirError) => failures.set(index, failures.get(index) ?? failure);
  const targets = await findTargets(parts, session, conditionsOf(bundle), deletesMax(bundle) + 1);
  const foundBy = (resourceType: string, query: string) => targets.get(conditionKey({ resourceType, query })) ?? [];
  const addresses = new Map<string, string>();

  for (const { index, text, resourceType, query, expression } of bundle.references) {
    const [one, ...more] = foundBy(resourceType, query);
    if (one && more.length === 0) addresses.set(text, `${resourceType}/${one.id}`);
    else refuse(index, unresolved(text, one !== undefined, expression));
  }

  const wanted = new Map<string, EntryWrite[]>();
  const foundOf = new Map<EntryWrite, readonly FoundTarget[]>();
  for (const entry of bundle.entries) {
    if (entry.kind === 'create') continue;
    const found = 'query' in entry.target ? foundBy(entry.resourceType, entry.target.query) : null;
    if (found) foundOf.set(entry, found);
    const max = entry.kind === 'delete' ? entry.deletesMax : 1;
    if (found && found.length > max) refuse(entry.index, severalMatches(entry.resourceType, max));
    else
      for (const id of idsOf(entry.target, found)) {
        const address = `${entry.resourceType}/${id}`;
        wanted.set(address, [...(wanted.get(address) ?? []), entry]);
      }
  }
  for (const [address, entries] of wanted)
    for (const entry of entries.slice(1))
      refuse(entry.index, fault('malformed', 'invariant', `${address} is written by more than one entry of this transaction.`));

  const records = await recordsAt(parts, session, [...wanted.keys()]);
  const creates: NewEntry[] = [];
  const updates: Identified['updates'][number][] = [];
  const deletes: Identified['deletes'][number][] = [];
  const settled = new Map<number, readonly WriteResult[]>();
  const aliases = new Map<number, number>();
  const makers = new Map<string, Of<'create'>>();

  const create = (entry: Of<'create'>) => {
    const key = entry.unless === undefined ? undefined : conditionKey({ resourceType: entry.resourceType, query: entry.unless });
    const found = key === undefined ? [] : (targets.get(key) ?? []);
    if (found.length > 1) return refuse(entry.index, severalMatches(entry.resourceType, 1));
    if (found[0]) {
      addresses.set(entry.provisional, `${entry.resourceType}/${found[0].id}`);
      return matched.push({ entry, found: found[0] });
    }
    const maker = key === undefined ? undefined : makers.get(key);
    if (maker) return aliases.set(entry.index, maker.index);
    if (key !== undefined) makers.set(key, entry);
    return creates.push({ entry, identity: { by: 'server' } });
  };
  const matched: { readonly entry: Of<'create'>; readonly found: FoundTarget }[] = [];

  const update = (entry: Of<'update'>) => {
    const found = foundOf.get(entry);
    const id = 'id' in entry.target ? entry.target.id : (found?.[0]?.id ?? entry.ownId);
    if (id === undefined) return creates.push({ entry, identity: { by: 'server' } });
    if (found?.[0] && entry.ownId !== undefined && entry.ownId !== found[0].id)
      return refuse(entry.index, otherId(entry.resourceType, found[0].id));
    const address = `${entry.resourceType}/${id}`;
    const record = records.get(address);
    addresses.set(entry.provisional, address);
    if (record?.state === 'living') {
      if (entry.mustNotExist) return refuse(entry.index, existsAlready(address));
      if (found?.length === 0) return refuse(entry.index, idInUse(address));
      return updates.push({ entry, found: record });
    }
    if (entry.ifMatch !== undefined) return refuse(entry.index, nothingToMatch(address, entry.ifMatch));
    if (record) return creates.push({ entry, identity: { by: 'past', past: record } });
    if (entry.mayNotCreate) return refuse(entry.index, entry.mayNotCreate);
    return creates.push({ entry, identity: { by: 'client', id } });
  };

  const patch = (entry: Of<'patch'>) => {
    const [id] = idsOf(entry.target, foundOf.get(entry) ?? null);
    const record = id === undefined ? undefined : records.get(`${entry.resourceType}/${id}`);
    if (record?.state === 'living') return updates.push({ entry, found: record });
    const text = id === undefined ? 'The search finds nothing to patch.' : `${entry.resourceType}/${id} does not exist.`;
    return refuse(entry.index, fault('not-found', 'not-found', text));
  };

  const remove = (entry: Of<'delete'>) => {
    const found = idsOf(entry.target, foundOf.get(entry) ?? null).flatMap(
      (id) => records.get(`${entry.resourceType}/${id}`) ?? [],
    );
    return deletes.push({ entry, found: found.filter(({ state }) => state === 'living') });
  };

  for (const entry of bundle.entries) {
    if (failures.has(entry.index)) continue;
    if (entry.kind === 'create') create(entry);
    else if (entry.kind === 'update') update(entry);
    else if (entry.kind === 'patch') patch(entry);
    else remove(entry);
  }
  for (const { entry, found } of [
    ...updates,
    ...deletes.flatMap((one) => one.found.map((found) => ({ entry: one.entry, found }))),
  ]) {
    try {
      if (bundle.requireIfMatch && entry.ifMatch === undefined) throw ifMatchRequired(`${found.resourceType}/${found.id}`);
      checkIfMatch(found, entry.ifMatch);
    } catch (failure) {
      refuse(entry.index, failure as FhirError); // nothing else is thrown here
    }
  }
  const matchedRecords = await recordsAt(
    parts,
    session,
    matched.map(({ entry, found }) => `${entry.resourceType}/${found.id}`),
  );
  for (const { entry, found } of matched) {
    const record = matchedRecords.get(`${entry.resourceType}/${found.id}`);
    if (record) settled.set(entry.index, [{ outcome: 'unchanged', record, issues: [] }]);
  }
  if (failures.size > 0) throw new EntriesRefused(failures);
  return { creates, updates, deletes, settled, aliases, addresses };
}

function conditionsOf({ entries, references }: TransactionBundle): readonly Condition[] {
  const conditions: Condition[] = references.map(({ resourceType, query }) => ({ resourceType, query, mayCreate: false }));
  for (const entry of entries) {
    const { resourceType } = entry;
    if (entry.kind === 'create') {
      if (entry.unless !== undefined) conditions.push({ resourceType, query: entry.unless, mayCreate: true });
    } else if ('query' in entry.target)
      conditions.push({ resourceType, query: entry.target.query, mayCreate: entry.kind === 'update' });
  }
  return conditions;
}

function deletesMax({ entries }: TransactionBundle): number {
  return entries.reduce((max, entry) => (entry.kind === 'delete' ? Math.max(max, entry.deletesMax) : max), 1);
}

function idsOf(target: WriteTarget, found: readonly FoundTarget[] | null): readonly string[] {
  return 'id' in target ? [target.id] : (found ?? []).map(({ id }) => id);
}

/** Records at these addresses, living or deleted; the living ones locked. Two statements, and one more a kind of row. */
async function recordsAt(
  parts: DatabaseParts,
  session: Session,
  addresses: readonly string[],
): Promise<ReadonlyMap<string, ResourceRecord>> {
  const records = new Map<string, ResourceRecord>();
  if (addresses.length === 0) return records;
  const tests = addresses.map(() => '(type = ? AND id = ?)').join(' OR ');
  const rows = await session.once(
    `SELECT rid, type, variant FROM fhir_resource WHERE state < 2 AND (${tests})`,
    addresses.flatMap((address) => address.split('/')),
  );
  const groups = Map.groupBy(rows, ([, type, variant]) => `${type} ${variant}`);
  for (const group of groups.values()) {
    const [, type, name] = group[0] ?? [];
    const variant = parts.registry.variant(String(type), String(name));
    if (!variant) continue;
    const rids = group.map(([rid]) => Number(rid));
    const select = parts.select(variant);
    const seen = select.decode(await session.rows(select.byRids(rids.length), rids));
    const locked = new Map((await lockRecords(parts, session, seen)).map((record) => [record.rid, record]));
    for (const record of seen) {
      const current = locked.get(record.rid) ?? (record.state === 'deleted' ? record : undefined);
      if (current) records.set(`${current.resourceType}/${current.id}`, current);
    }
  }
  return records;
}

/** The living among these records as they are now, their rows and resources locked: one statement a kind of row. */
export async function lockRecords(
  parts: DatabaseParts,
  session: Session,
  found: readonly ResourceRecord[],
): Promise<readonly ResourceRecord[]> {
  const locked: ResourceRecord[] = [];
  const rids = new Set(found.map(({ rid }) => rid));
  for (const [variant, records] of Map.groupBy(found, (record) => record.variant)) {
    const { key } = variant.variant.source;
    const keys = records.flatMap(({ stored }) => (stored ? [Number(stored.row[key])] : [])).toSorted((a, b) => a - b);
    if (keys.length === 0) continue;
    const select = parts.select(variant);
    for (const record of select.decode(await session.rows(select.lockBy(key, keys.length), keys)))
      if (rids.has(record.rid) && record.stored) locked.push(record);
  }
  for (const record of locked) guardRecord(session, record);
  return locked;
}

function unresolved(text: string, several: boolean, expression: string): FhirError {
  return several
    ? fault('precondition-failed', 'multiple-matches', `${expression}: ${text} finds more than one resource.`, expression)
    : fault('precondition-failed', 'not-found', `${expression}: ${text} finds nothing.`, expression);
}

export function severalMatches(resourceType: string, max: number): FhirError {
  const text =
    max === 1
      ? `The search finds more than one ${resourceType}; nothing was changed. Say more, so that it finds just one.`
      : `The search finds more than ${max} ${resourceType} resources, the most that one request may delete; nothing was changed.`;
  return fault('precondition-failed', 'multiple-matches', text);
}

function otherId(resourceType: string, id: string): FhirError {
  return fault(
    'malformed',
    'value',
    `The search finds ${resourceType}/${id}; the resource carries another id.`,
    `${resourceType}.id`,
  );
}

function idInUse(address: string): FhirError {
  return fault('conflict', 'duplicate', `The search finds nothing, but ${address} exists: it does not match the search.`);
}

function existsAlready(address: string): FhirError {
  return fault('precondition-failed', 'conflict', `${address} exists already.`, 'http.If-None-Match');
}

/** R4: servers can require If-Match "by returning 400 Client Error status codes when no If-Match header is found". */
function ifMatchRequired(address: string): FhirError {
  const text = `This gateway changes ${address} only with If-Match: send the ETag of the version you have read.`;
  return fault('malformed', 'required', text, 'http.If-Match');
}

function nothingToMatch(address: string, version: number): FhirError {
  const text = `If-Match names version ${version}, but ${address} does not exist now`;
  return fault('precondition-failed', 'conflict', text, 'http.If-Match');
}
