/** Creates that come in at the same time share a transaction: its round trips and its commit, the dearest of all, are divided among them. */
import type { CompiledVariant } from '../mapping/compile.ts';
import type { Registry } from '../mapping/registry.ts';
import { complement } from '../mapping/render.ts';
import { tables } from '../mapping/tables.ts';
import type { Columns, Stored } from '../mapping/types.ts';
import { newTransactionMark, type Writing } from './books.ts';
import { insertManyReturning } from './bulk-insert.ts';
import type { Prepared } from './create.ts';
import { isConnectionLost, isDatabaseError } from './errors.ts';
import { inGroups } from './gather.ts';
import type { DatabaseParts } from './parts.ts';
import type { Bound, Session } from './pool.ts';
import { parentsOf } from './relatives.ts';
import type { ResourceRecord } from './repository.ts';
import { enterNew, insertResourceRows } from './resource-rows.ts';
import { inTransaction } from './transaction.ts';

/** A create that may share its transaction: its row stands alone, and the id of its patient is known. */
export interface LoneCreate {
  readonly prepared: Prepared;
  /** FHIR id of the patient; null for a Patient, which is its own. */
  readonly patientId: string | null;
  readonly origin: string;
  readonly deadline: number;
}

/** Creates of one transaction: more make the first wait for the last. */
const createsMax = 16;
/** Transactions at a time: while one is being made durable, the next is written. */
const lanes = 2;

/** A create of a variant that stands alone; null where the id of its patient is not known yet. */
export function loneCreate(
  prepared: Prepared,
  options: { readonly origin: string; readonly deadline: number },
): LoneCreate | null {
  const { variant, plan, resolved } = prepared;
  const { source } = variant.variant;
  const { origin, deadline } = options;
  if (source.patient === 'self') return { prepared, patientId: null, origin, deadline };
  const key = plan.row['patient_id'];
  const patientId = typeof key === 'number' ? resolved.id('Patient', key) : null;
  return patientId === null ? null : { prepared, patientId, origin, deadline };
}

const known = new WeakMap<CompiledVariant, boolean>();

/** Whether a new row of this variant touches no other: it has no parent row and no child rows, and no resource is made of it but its own. */
export function standsAlone(registry: Registry, variant: CompiledVariant): boolean {
  let alone = known.get(variant);
  if (alone === undefined) {
    const { rowless, parent, child, table } = variant.variant.source;
    const everyKey: Columns = Object.fromEntries(Object.keys(tables[table].columns).map((column) => [column, 1]));
    alone = !rowless && !parent && !child && parentsOf(registry, variant, everyKey, null).length === 0;
    known.set(variant, alone);
  }
  return alone;
}

/** Creates one; whoever calls while others are being created goes with the next group. */
export function createsTogether(parts: DatabaseParts): (create: LoneCreate) => Promise<ResourceRecord> {
  return inGroups((creates) => createGroup(parts, creates), { most: createsMax, lanes });
}

/** Where a statement is refused, nothing was written, and each is tried on its own: one that is wrong is nobody else's trouble. */
async function createGroup(
  parts: DatabaseParts,
  creates: readonly LoneCreate[],
): Promise<readonly PromiseSettledResult<ResourceRecord>[]> {
  let written = false;
  try {
    const records = await createInOne(parts, creates, () => {
      written = true;
    });
    return records.map((value) => ({ status: 'fulfilled', value }));
  } catch (reason) {
    const refused = !written && isDatabaseError(reason) && !isConnectionLost(reason);
    if (!refused || creates.length === 1) return creates.map(() => ({ status: 'rejected', reason }));
    const settled: PromiseSettledResult<ResourceRecord>[] = [];
    for (const create of creates) settled.push(...(await createGroup(parts, [create])));
    return settled;
  }
}

async function createInOne(
  parts: DatabaseParts,
  creates: readonly LoneCreate[],
  onWritten: () => void,
): Promise<readonly ResourceRecord[]> {
  const tx = newTransactionMark();
  const deadline = Math.min(...creates.map((create) => create.deadline));
  let last: ResourceRecord | undefined;
  const committed = async (session: Session) => {
    const [row] = await session.rows('SELECT tx FROM fhir_resource WHERE type = ? AND id = ?', [
      last?.resourceType ?? '',
      last?.id ?? '',
    ]);
    return row !== undefined && Number(row[0]) === tx;
  };
  return inTransaction(
    parts.pool,
    { deadline, timeoutMs: parts.timeoutMs, committed, journal: parts.journal },
    async (session) => {
      const records = await insertAll(parts, session, creates, { lastUpdated: parts.clock.now(), tx });
      last = records.at(-1);
      onWritten();
      return records;
    },
  );
}

/** Rows, books and feed: a statement for each table, in the order in which single creates write them. */
async function insertAll(
  parts: DatabaseParts,
  session: Session,
  creates: readonly LoneCreate[],
  writing: Omit<Writing, 'origin'>,
): Promise<readonly ResourceRecord[]> {
  const keys = new Map<LoneCreate, number>();
  for (const [{ variant }, group] of Map.groupBy(creates, ({ prepared }) => prepared.variant)) {
    const { table, key } = variant.source;
    const columns = Object.keys(group[0]?.prepared.plan.row ?? {});
    const rows = group.map(({ prepared: { plan } }) => columns.map((column): Bound => plan.row[column] ?? null));
    const made = await insertManyReturning(session, table, key, columns, rows, parts.insertReturns);
    for (const [at, create] of group.entries()) keys.set(create, made[at] ?? 0);
  }
  const records = creates.map((create) => recordOf(create, keys.get(create) ?? 0, writing));
  const numbered = await insertResourceRows(parts, session, records, writing.tx);
  await enterNew(session, numbered);
  return numbered;
}

/** The record as it will be; its rid comes later. */
function recordOf(
  { prepared: { variant, lifted, plan, env }, patientId, origin }: LoneCreate,
  key: number,
  { lastUpdated }: Omit<Writing, 'origin'>,
): ResourceRecord {
  const { source } = variant.variant;
  const id = `${source.idPrefix}-${key}`;
  const row: Columns = { ...plan.row, [source.key]: key };
  const stored: Stored = { row, parent: null, children: [], patientId: patientId ?? id, parentId: null };
  const { overlay, refined } = complement(variant, lifted, stored, env);
  const { resourceType } = variant;
  return { rid: 0, resourceType, id, variant, version: 1, lastUpdated, state: 'living', origin, refined, overlay, stored };
}
