/** The new resources of a transaction: their rows in waves, what others refer to first; then overlays, which need the final ids; then the books. */
import { randomUUID } from 'node:crypto';
import type { FhirError } from '../fhir/outcome.ts';
import type { CompiledVariant } from '../mapping/compile.ts';
import { type JsonObject, lift } from '../mapping/lift.ts';
import { complement, contentOf } from '../mapping/render.ts';
import { type TableName, tables } from '../mapping/tables.ts';
import type { Columns, ColumnValue, ParentSource, Stored, StoredChild } from '../mapping/types.ts';
import { type Change, enterChanges, type NewResource, overlayText, supersede, type Writing } from './books.ts';
import { after } from './clock.ts';
import { type Identity, insertRecord, prepare } from './create.ts';
import { isRetryable, translate } from './errors.ts';
import { expressionOfColumn } from './expression-of-column.ts';
import { childrenUnder, idsNamed, takeIn } from './findings.ts';
import { type HiddenRow, hiddenRow } from './hidden-row.ts';
import { keyOfId } from './key-of-id.ts';
import type { DatabaseParts, Indexed } from './parts.ts';
import type { Session } from './pool.ts';
import { type BegunVersions, beginVersions, patientKeyOf } from './relative-versions.ts';
import { parentsOf, variantOfChildRows } from './relatives.ts';
import type { ResourceRecord, WriteResult } from './repository.ts';
import { insertRow } from './rows.ts';
import { datetimeOf } from './select.ts';
import { findOrCreateParent, identifying } from './shared-parent.ts';
import { EntriesRefused } from './transaction-bundle-entries.ts';
import {
  type Claimant,
  claimantsOf,
  claimOpen,
  holdersOf,
  refuseOtherPatient,
  settleClaimants,
} from './transaction-bundle-findings.ts';
import { type BundlePlan, type Draft, keyOf, refused } from './transaction-bundle-plan.ts';
import { insertResources, insertRows, RowRefused } from './transaction-bundle-rows.ts';

/** A draft whose rows are in the tables. */
interface Born {
  readonly draft: Draft;
  readonly id: string;
  readonly key: number;
  readonly row: Columns;
  readonly parent: Columns | null;
  /** Its own child rows, and those that other entries have put under it. */
  readonly children: StoredChild[];
  readonly inserted: readonly StoredChild[];
}

interface Work {
  readonly parts: DatabaseParts;
  readonly session: Session;
  readonly plan: BundlePlan;
  readonly writing: Writing;
  /** Keys by the negative ones of drafts. */
  readonly keys: Map<number, number>;
  /** What this transaction has inserted, by table and key. */
  readonly born: Map<string, Born>;
  readonly begun: BegunVersions[];
  /** Keys of shared parents made here for others: no resource is served of them that could have a version. */
  readonly madeParents: Set<string>;
  /** The new report that names a new finding, by the finding's placeholder. */
  readonly holders: ReadonlyMap<number, Draft>;
  /** Reports that were here before and have named what comes now, by rid. */
  readonly claimants: Map<number, Claimant>;
}

/** Writes all drafts; what they became by the index of their entry. @throws EntriesRefused when a table refuses a row */
export async function insertDrafts(
  parts: DatabaseParts,
  session: Session,
  plan: BundlePlan,
  writing: Writing,
): Promise<ReadonlyMap<number, WriteResult>> {
  const holders = holdersOf(plan.drafts);
  const work: Work = {
    parts,
    session,
    plan,
    writing,
    keys: new Map(),
    born: new Map(),
    begun: [],
    madeParents: new Set(),
    holders,
    claimants: new Map(),
  };
  const [withdrawn, drafts] = [plan.drafts.filter(isRowless), plan.drafts.filter((draft) => !isRowless(draft))];
  const identities = withdrawn.map((draft) => named(work, draft));
  for (const wave of waves(drafts, holders))
    for (const [variant, drafts] of Map.groupBy(wave, (draft) => draft.variant)) await insertGroup(work, variant, drafts);
  const born = [...work.born.values()];
  if (born.length === 0) return insertWithdrawn(work, withdrawn, identities);
  const patientIds = await idsOf(
    work,
    'Patient',
    born.map((one) => patientKey(one)),
  );
  const parentIds = await parentIdsOf(work, born);
  const records = born.map((one) => recordOf(work, one, patientIds, parentIds));
  await keepBooks(work, born, records);
  for (const begun of work.begun) await begun.finish(session, writing);
  await settleClaimants(parts, session, work.claimants.values());
  return new Map([
    ...records.map(({ record, rid }, at) => resultOf(born[at] as Born, { ...record, rid })),
    ...(await insertWithdrawn(work, withdrawn, identities)),
  ]);
}

function isRowless({ variant }: Draft): boolean {
  return variant.variant.source.rowless === true;
}

/** What has no row gets its id before all others, who may refer to it. */
function named({ plan }: Work, { identity, entry, variant }: Draft): Identity {
  const id = identity.by === 'server' ? randomUUID() : identity.by === 'client' ? identity.id : identity.past.id;
  readdress(plan, entry.provisional, `${variant.resourceType}/${id}`);
  return identity.by === 'past' ? identity : { by: 'client', id };
}

/** Whatever led to the provisional address leads to the final one. */
function readdress({ addresses }: BundlePlan, provisional: string, address: string): void {
  for (const [other, leads] of addresses) if (leads === provisional) addresses.set(other, address);
  addresses.set(provisional, address);
}

async function insertWithdrawn(
  { parts, session, plan, writing }: Work,
  drafts: readonly Draft[],
  identities: readonly Identity[],
): Promise<ReadonlyMap<number, WriteResult>> {
  const results = new Map<number, WriteResult>();
  for (const [at, { entry, variant, plan: planned }] of drafts.entries()) {
    const prepared = await prepare(parts, session, variant, entry.content(plan.addressOf), plan.known);
    const record = await insertRecord(parts, session, prepared, writing, identities[at] as Identity);
    results.set(entry.index, { outcome: 'created', record, issues: planned.issues });
  }
  return results;
}

function resultOf({ draft }: Born, record: ResourceRecord): readonly [number, WriteResult] {
  return [draft.entry.index, { outcome: 'created', record, issues: draft.plan.issues }];
}

/** Drafts in the order in which their rows can be inserted: a wave needs only keys of earlier ones. */
function waves(drafts: readonly Draft[], holders: ReadonlyMap<number, Draft>): readonly (readonly Draft[])[] {
  const byKey = new Map(drafts.map((draft) => [draft.placeholderKey, draft]));
  const reports = Map.groupBy(drafts, ({ variant }) => variant.variant.source.table);
  const levels = new Map<Draft, number>();
  const level = (draft: Draft): number => {
    const known = levels.get(draft);
    if (known !== undefined) return known;
    levels.set(draft, 0); // foreign keys make no circles; should a mapping make one, the database refuses it
    const { parent } = draft.variant.variant.source;
    // A report that is new may be the one that fits.
    const above = parent?.shared ? (reports.get(parent.table) ?? []) : [];
    const needed = [...awaited(draft, holders).flatMap((key) => byKey.get(key) ?? []), ...above];
    const made = needed.reduce((highest, one) => Math.max(highest, level(one) + 1), 0);
    levels.set(draft, made);
    return made;
  };
  const groups = Map.groupBy(drafts, level);
  return [...groups.keys()].toSorted((a, b) => a - b).map((key) => groups.get(key) ?? []);
}

/** The foreign keys of a draft that are still to come. */
function awaited({ variant, plan, placeholderKey }: Draft, holders: ReadonlyMap<number, Draft>): readonly number[] {
  const { table, parent } = variant.variant.source;
  const own = plan.row[tables[table].belongsTo?.column ?? ''];
  const above = parent && plan.parent ? plan.parent[tables[parent.table].belongsTo?.column ?? ''] : null;
  return [own, above, holders.get(placeholderKey)?.placeholderKey].filter(
    (value): value is number => typeof value === 'number' && value < 0,
  );
}

async function insertGroup(work: Work, variant: CompiledVariant, drafts: readonly Draft[]): Promise<void> {
  const { parts, session, begun } = work;
  const { source } = variant.variant;
  const parents = await parentRows(work, variant, drafts);
  const rows = drafts.map(({ plan }, at): Columns => {
    const row = withKeys(work, source.table, plan.row);
    return source.parent?.shared ? { ...row, [source.parent.foreignKey]: parents[at]?.[source.parent.key] ?? null } : row;
  });
  // Those whose resource is new as well make their first version of all that is in this transaction.
  const relatives = new Map(
    rows
      .flatMap((row) => parentsOf(parts.registry, variant, row, null))
      .filter(({ variant: { variant: above }, key }) => !isNew(work, above.source.table, key) && !isClaimant(work, key))
      .map((relative) => [`${relative.variant.resourceType} ${relative.variant.name} ${relative.key}`, relative]),
  );
  if (relatives.size > 0) begun.push(await beginVersions(parts, session, [...relatives.values()]));

  const hidden = await hiddenRows(work, variant, drafts, rows);
  for (const [at, { row }] of hidden) rows[at] = row;
  const keys = await insertNewRows(work, variant, drafts, rows, hidden);
  const children = await insertChildren(work, variant, drafts, rows, keys, hidden);
  drafts.forEach((draft, at) => {
    const key = keys[at] as number;
    const own = children[at] ?? [];
    const { identity, entry } = draft;
    const id = identity.by === 'client' ? identity.id : identity.by === 'past' ? identity.past.id : `${source.idPrefix}-${key}`;
    const row = { ...rows[at], [source.key]: key };
    const address = `${variant.resourceType}/${id}`;
    work.keys.set(draft.placeholderKey, key);
    work.plan.known.set(address, key);
    readdress(work.plan, entry.provisional, address);
    work.born.set(`${source.table} ${key}`, {
      draft,
      id,
      key,
      row,
      parent: parents[at] ?? null,
      children: [...own],
      inserted: source.child?.taken ? [] : own,
    });
    adopt(work, variant, row, id);
  });
}

/** Rows made for findings that were sent before their report, by the place of the report in the list. */
async function hiddenRows(
  { parts, session, plan }: Work,
  variant: CompiledVariant,
  drafts: readonly Draft[],
  rows: readonly Columns[],
): Promise<ReadonlyMap<number, HiddenRow>> {
  const hidden = new Map<number, HiddenRow>();
  if (!variant.variant.source.child?.taken) return hidden;
  for (const [at, { entry, identity }] of drafts.entries()) {
    if (identity.by === 'past') continue;
    const content = contentOf(variant, entry.content(plan.addressOf), plan.env);
    const found = await hiddenRow(parts, session, variant, lift(content, variant.slices, plan.env), rows[at] ?? {});
    if (found) hidden.set(at, found);
  }
  return hidden;
}

/** A row under one that is new as well is among its children. */
function adopt({ born, claimants }: Work, { variant: { source } }: CompiledVariant, row: Columns, id: string): void {
  if (!source.parent) return;
  const above = born.get(`${source.parent.table} ${row[source.parent.foreignKey]}`);
  if (above?.draft.variant.variant.source.child?.table === source.table) above.children.push({ row, id });
  for (const { record, come } of claimants.values())
    if (source.parent.shared && keyOf(record) === row[source.parent.foreignKey]) come.push({ row, id });
}

function isNew({ born, madeParents }: Work, table: TableName, key: number): boolean {
  return born.has(`${table} ${key}`) || madeParents.has(`${table} ${key}`);
}

function isClaimant({ claimants }: Work, key: number): boolean {
  return [...claimants.values()].some(({ record }) => keyOf(record) === key);
}

function withKeys({ keys }: Work, table: TableName, columns: Columns): Columns {
  const column = tables[table].belongsTo?.column;
  const value = column === undefined ? undefined : columns[column];
  if (column === undefined || typeof value !== 'number' || value >= 0) return columns;
  return { ...columns, [column]: keys.get(value) ?? null };
}

/** The parent row of each draft, as it is or as it was made for it. */
async function parentRows(
  work: Work,
  { variant }: CompiledVariant,
  drafts: readonly Draft[],
): Promise<readonly (Columns | null)[]> {
  const { parent, table } = variant.source;
  if (!parent) return drafts.map(() => null);
  if (parent.shared) return namedOrSharedParents(work, parent, drafts);
  const keys = drafts.map(({ plan }) => Number(withKeys(work, table, plan.row)[parent.foreignKey]));
  const rows = await existingRows(work, parent.table, keys);
  return drafts.map(({ entry, plan }, at) => {
    const row = rows.get(keys[at] as number);
    if (!row) throw refused(entry.index, 'A record this one belongs to has just been deleted', entry.resourceType);
    const column = tables[parent.table].belongsTo?.column ?? '';
    const claimed = plan.parent && withKeys(work, parent.table, plan.parent)[column];
    if (claimed !== undefined && claimed !== null && claimed !== row[column]) {
      const text = `The ${parent.resourceType ?? 'record'} it belongs to is another patient's`;
      throw refused(entry.index, text, `${entry.resourceType}.subject`);
    }
    return row;
  });
}

async function existingRows({ session, born }: Work, table: TableName, keys: readonly number[]): Promise<Map<number, Columns>> {
  const rows = new Map<number, Columns>();
  for (const key of keys) {
    const made = born.get(`${table} ${key}`);
    if (made) rows.set(key, made.row);
  }
  const others = [...new Set(keys)].filter((key) => !rows.has(key)).toSorted((a, b) => a - b);
  if (others.length === 0) return rows;
  const columns = Object.keys(tables[table].columns);
  const found = await session.rows(
    `SELECT ${columns.join(', ')} FROM ${table} WHERE ${tables[table].key} IN (${others.map(() => '?').join(', ')}) LOCK IN SHARE MODE`,
    others,
  );
  for (const values of found) {
    const row = Object.fromEntries(columns.map((column, at) => [column, values[at] ?? null]));
    rows.set(Number(row[tables[table].key]), row);
  }
  return rows;
}

/** The row of the report that names it, new or here before; else one that fits. */
async function namedOrSharedParents(work: Work, parent: ParentSource, drafts: readonly Draft[]): Promise<readonly Columns[]> {
  const { parts, session, holders, born, keys, claimants } = work;
  const rows = new Map<Draft, Columns>();
  for (const draft of drafts) {
    const holder = holders.get(draft.placeholderKey);
    const report = holder && born.get(`${parent.table} ${keys.get(holder.placeholderKey)}`);
    if (!report) continue;
    refuseOtherPatient(draft, withKeys(work, parent.table, draft.plan.parent ?? {})['patient_id'], report.row['patient_id']);
    rows.set(draft, report.row);
  }
  const others = drafts
    .filter((draft) => !rows.has(draft))
    .map((draft) => ({
      draft,
      patientKey: Number(withKeys(work, parent.table, draft.plan.parent ?? {})['patient_id']),
    }));
  for (const [draft, { record }] of await claimantsOf(parts, session, parent, others, claimants))
    if (record.stored) rows.set(draft, record.stored.row);
  const rest = drafts.filter((draft) => !rows.has(draft));
  const shared = await sharedParents(work, parent, rest);
  for (const [at, draft] of rest.entries()) rows.set(draft, shared[at] as Columns);
  return drafts.map((draft) => rows.get(draft) as Columns);
}

/** Parents that several resources share: of a patient who is new, all at once; of others, found or made one by one. */
async function sharedParents(work: Work, parent: ParentSource, drafts: readonly Draft[]): Promise<readonly Columns[]> {
  const { parts, session, writing, plan } = work;
  const wanted = drafts.map((draft) => withKeys(work, parent.table, draft.plan.parent ?? {}));
  const texts = wanted.map((columns) => JSON.stringify(Object.entries(columns).toSorted(([a], [b]) => (a < b ? -1 : 1))));
  const distinct = new Map(texts.map((text, at) => [text, wanted[at] as Columns]));
  const made = new Map<string, Columns>();
  for (const [text, columns] of distinct) {
    const report = newReportLike(work, parent, columns);
    if (report) made.set(text, report);
  }
  const fresh = [...distinct].filter(([text, columns]) => !made.has(text) && work.born.has(`Patient ${columns['patient_id']}`));
  const rows = fresh.map(([, columns]) => wholeRow(parent.table, columns, plan.timestamp));
  const keys = await insertRows(parts, session, parent.table, parent.key, rows);
  for (const [at, [text]] of fresh.entries()) made.set(text, { ...rows[at], [parent.key]: keys[at] as number });
  for (const key of keys) work.madeParents.add(`${parent.table} ${key}`);
  const { resourceType, idPrefix } = parent;
  if (resourceType && idPrefix) {
    const kept = keys.map(
      (key, at): NewResource => ({
        resourceType,
        id: `${idPrefix}-${key}`,
        variantName: parent.table,
        sourceKey: key,
        patientKey: Number(rows[at]?.['patient_id']),
        refined: 0,
        overlay: null,
        state: 2,
      }),
    );
    await insertResources(parts, session, kept, writing);
  }
  for (const [text, columns] of distinct)
    if (!made.has(text)) made.set(text, await findOrCreateParent(session, parent, columns, writing, plan.timestamp));
  return texts.map((text) => made.get(text) as Columns);
}

/** The row of a new report that says the same and lists nothing itself. */
function newReportLike({ born, parts, plan }: Work, parent: ParentSource, columns: Columns): Columns | undefined {
  for (const { draft, row } of born.values()) {
    const { variant, entry } = draft;
    if (variant.variant.source.table !== parent.table) continue;
    if (identifying(parent).some((column) => (row[column] ?? null) !== (columns[column] ?? null))) continue;
    const content = contentOf(variant, entry.content(plan.addressOf), plan.env);
    if (idsNamed(parts, variant, lift(content, variant.slices, plan.env)).length === 0) return row;
  }
  return undefined;
}

/** Every column is named on insert, as a default is a statement nobody made. */
function wholeRow(table: TableName, written: Columns, timestamp: string): Columns {
  const row: Record<string, ColumnValue> = {};
  for (const [name, column] of Object.entries(tables[table].columns)) {
    if (name !== tables[table].key) row[name] = written[name] ?? (column.type === 'timestamp' ? timestamp : null);
  }
  return row;
}

async function insertNewRows(
  { parts, session }: Work,
  { variant }: CompiledVariant,
  drafts: readonly Draft[],
  rows: readonly Columns[],
  hidden: ReadonlyMap<number, HiddenRow>,
): Promise<readonly number[]> {
  const { table, key } = variant.source;
  const keys = new Map([...hidden].map(([at, row]) => [at, row.key]));
  const numbered: number[] = [];
  try {
    for (const [at, draft] of drafts.entries()) {
      if (hidden.has(at)) continue;
      if (draft.identity.by !== 'past') numbered.push(at);
      else await lockDeleted(session, draft.entry.index, draft.identity.past);
    }
    for (const [at, draft] of drafts.entries()) {
      if (draft.identity.by !== 'past') continue;
      try {
        keys.set(at, await insertRow(session, table, rows[at] ?? {}, keyOfId(variant.source, draft.identity.past.id)));
      } catch (failure) {
        throw isRetryable(failure) ? failure : new RowRefused(at, failure);
      }
    }
    const made = await insertRows(
      parts,
      session,
      table,
      key,
      numbered.map((at) => rows[at] ?? {}),
    ).catch((failure: unknown) => {
      throw failure instanceof RowRefused ? new RowRefused(numbered[failure.row] ?? 0, failure.cause) : failure;
    });
    for (const [at, one] of made.entries()) keys.set(numbered[at] as number, one);
  } catch (failure) {
    throw ofEntry(failure, drafts);
  }
  return drafts.map((_draft, at) => keys.get(at) as number);
}

/** What a table says about a row is said of the entry that brings it. */
function ofEntry(failure: unknown, drafts: readonly Draft[]): unknown {
  if (!(failure instanceof RowRefused)) return failure;
  const draft = drafts[failure.row];
  const known = draft ? translate(failure.cause, expressionOfColumn(draft.variant)) : failure.cause;
  const isFault = known instanceof Error && 'kind' in known && 'issues' in known;
  return draft && isFault ? new EntriesRefused(new Map([[draft.entry.index, known as FhirError]])) : known;
}

/** The deleted resource under a lock; who restores it at the same time is waited for, and the whole is refused then. */
async function lockDeleted(session: Session, index: number, deleted: ResourceRecord): Promise<void> {
  const [row] = await session.rows('SELECT version, state FROM fhir_resource WHERE rid = ? FOR UPDATE', [deleted.rid]);
  if (!row || Number(row[0]) !== deleted.version || Number(row[1]) !== 1)
    throw refused(index, `${deleted.resourceType}/${deleted.id} is being written by others; try again`, deleted.resourceType);
}

async function insertChildren(
  { parts, session, plan, writing }: Work,
  variant: CompiledVariant,
  drafts: readonly Draft[],
  rows: readonly Columns[],
  keys: readonly number[],
  hidden: ReadonlyMap<number, HiddenRow>,
): Promise<readonly (readonly StoredChild[])[]> {
  const { child, key } = variant.variant.source;
  if (!child) return drafts.map(() => []);
  if (child.taken) {
    const taken: (readonly StoredChild[])[] = [];
    for (const [at, { entry }] of drafts.entries()) {
      const content = entry.content(plan.addressOf);
      const ids = idsNamed(parts, variant, lift(contentOf(variant, content, plan.env), variant.slices, plan.env));
      const holder = { variant, key: keys[at] as number, row: { ...rows[at], [key]: keys[at] as number } };
      taken.push(
        hidden.has(at)
          ? await childrenUnder(parts, session, holder)
          : (await takeIn(parts, session, holder, ids, writing)).children,
      );
    }
    return taken;
  }
  const owners: number[] = [];
  const made = drafts.flatMap(({ plan }, at) =>
    (plan.children ?? []).map((columns): Columns => {
      owners.push(at);
      const row: Record<string, ColumnValue> = {};
      for (const name of Object.keys(tables[child.table].columns)) if (name !== child.key) row[name] = columns[name] ?? null;
      return { ...row, [child.foreignKey]: keys[at] as number };
    }),
  );
  const childKeys = await insertRows(parts, session, child.table, child.key, made).catch((failure: unknown) => {
    throw failure instanceof RowRefused ? ofEntry(new RowRefused(owners[failure.row] ?? 0, failure.cause), drafts) : failure;
  });
  const prefix = variantOfChildRows(parts.registry, variant)?.variant.source.idPrefix;
  const children: StoredChild[][] = drafts.map(() => []);
  childKeys.forEach((key, at) => {
    const id = prefix === undefined ? null : `${prefix}-${key}`;
    children[owners[at] as number]?.push({ row: { ...made[at], [child.key]: key }, id });
  });
  return children;
}

function patientKey({ draft, row, parent }: Born): number | null {
  return patientKeyOf({ variant: draft.variant, stored: { row, parent, children: [], patientId: null, parentId: null } });
}

/** FHIR ids of these keys: of what is new here, and of others in one statement. */
async function idsOf(
  { session, born }: Work,
  resourceType: 'Patient' | 'Appointment' | string,
  keys: readonly (number | null)[],
): Promise<ReadonlyMap<number, string>> {
  const ids = new Map<number, string>();
  const others = new Set<number>();
  for (const key of keys) {
    if (key === null) continue;
    const made = born.get(`${resourceType} ${key}`);
    if (made) ids.set(key, made.id);
    else others.add(key);
  }
  if (others.size === 0) return ids;
  const marks = [...others].map(() => '?').join(', ');
  const rows = await session.once(
    `SELECT source_key, id FROM fhir_resource WHERE type = ? AND variant = ? AND source_key IN (${marks})`,
    [resourceType, resourceType, ...others],
  );
  for (const [key, id] of rows) ids.set(Number(key), String(id));
  return ids;
}

async function parentIdsOf(work: Work, born: readonly Born[]): Promise<ReadonlyMap<Born, string | null>> {
  const ids = new Map<Born, string | null>();
  for (const [variant, group] of Map.groupBy(born, ({ draft }) => draft.variant)) {
    const { parent } = variant.variant.source;
    if (!parent?.resourceType || parent.shared) continue;
    const keys = group.map(({ row }) => Number(row[parent.foreignKey]));
    const found = await idsOf(work, parent.resourceType, keys);
    for (const [at, one] of group.entries()) ids.set(one, found.get(keys[at] as number) ?? null);
  }
  return ids;
}

/** The record as it will be read; its references lead to the final ids now. */
function recordOf(
  { plan, writing }: Work,
  born: Born,
  patientIds: ReadonlyMap<number, string>,
  parentIds: ReadonlyMap<Born, string | null>,
): { readonly record: ResourceRecord; readonly lifted: JsonObject; rid: number; readonly patientKey: number | null } {
  const { draft, id, row, parent, children } = born;
  const { variant, entry, identity } = draft;
  const content = entry.content(plan.addressOf);
  const lifted = lift(contentOf(variant, content, plan.env), variant.slices, plan.env);
  const key = patientKey(born);
  const stored: Stored = {
    row,
    parent,
    children: children.toSorted((a, b) => childKey(variant, a) - childKey(variant, b)),
    patientId: variant.variant.source.patient === 'self' ? id : key === null ? null : (patientIds.get(key) ?? null),
    parentId: parentIds.get(born) ?? null,
  };
  const { overlay, refined } = complement(variant, lifted, stored, plan.env);
  const past = identity.by === 'past' ? identity.past : null;
  const record: ResourceRecord = {
    rid: past?.rid ?? 0,
    resourceType: variant.resourceType,
    id,
    variant,
    version: (past?.version ?? 0) + 1,
    lastUpdated: past ? after(past.lastUpdated, writing.lastUpdated) : writing.lastUpdated,
    state: 'living',
    origin: writing.origin,
    refined,
    overlay,
    stored,
  };
  return { record, lifted, rid: record.rid, patientKey: key };
}

function childKey({ variant }: CompiledVariant, { row }: StoredChild): number {
  return Number(row[variant.source.child?.key ?? '']);
}

/** Resource rows, the index of what overlays say, the change feed: one statement each, however many resources there are. */
async function keepBooks(work: Work, born: readonly Born[], records: readonly ReturnType<typeof recordOf>[]): Promise<void> {
  const { parts, session, writing } = work;
  const rows: NewResource[] = [];
  const takeRid: ((rid: number) => void)[] = [];
  const changes: (() => Change)[] = [];
  const indexed: (() => Indexed)[] = [];
  for (const [at, one] of records.entries()) {
    const { record, patientKey } = one;
    const { variant, overlay, refined } = record;
    if (one.rid === 0) {
      rows.push({
        resourceType: record.resourceType,
        id: record.id,
        variantName: variant.name,
        sourceKey: (born[at] as Born).key,
        patientKey,
        refined,
        overlay,
      });
      takeRid.push((rid) => {
        one.rid = rid;
      });
    } else await restore(work, born[at] as Born, record, patientKey);
    changes.push(() => ({ rid: one.rid, version: record.version, patientKey }));
    if (overlay) indexed.push(() => ({ rid: one.rid, variant, overlay }));
    childResources(work, born[at] as Born, patientKey, (child) => {
      rows.push(child);
      takeRid.push((rid) => changes.push(() => ({ rid, version: 1, patientKey })));
    });
  }
  const rids = await insertResources(parts, session, rows, writing);
  for (const [at, rid] of rids.entries()) takeRid[at]?.(rid);
  for (const { record, rid, lifted } of records) await claimOpen(parts, session, { ...record, rid }, lifted);
  const fresh = records.every(({ record }) => record.version === 1);
  if (indexed.length > 0)
    await parts.index.replace(
      session,
      indexed.map((make) => make()),
      fresh,
    );
  await enterChanges(
    session,
    changes.map((make) => make()),
  );
}

/** Child rows that are served as resources of their own (a symptom of an Appointment). */
function childResources(
  { parts }: Work,
  { draft, inserted }: Born,
  patientKey: number | null,
  take: (child: NewResource) => void,
): void {
  const childVariant = variantOfChildRows(parts.registry, draft.variant);
  const { child } = draft.variant.variant.source;
  if (!childVariant || !child) return;
  for (const { id, row } of inserted) {
    if (id === null) continue;
    const { resourceType, name } = childVariant;
    take({ resourceType, id, variantName: name, sourceKey: Number(row[child.key]), patientKey, refined: 0, overlay: null });
  }
}

/** A deleted resource that comes back continues its versions. */
async function restore(
  { session, writing }: Work,
  { draft, key }: Born,
  record: ResourceRecord,
  patientKey: number | null,
): Promise<void> {
  if (draft.identity.by !== 'past') return;
  await supersede(session, [draft.identity.past]);
  await session.modify(
    'UPDATE fhir_resource SET variant = ?, source_key = ?, patient_key = ?, version = version + 1, last_updated = ?, state = 0, tx = ?, refined = ?, origin = ?, overlay = ? WHERE rid = ?',
    [
      record.variant.name,
      key,
      patientKey,
      datetimeOf(record.lastUpdated),
      writing.tx,
      record.refined,
      writing.origin,
      overlayText(record.overlay),
      record.rid,
    ],
  );
}
