/** Creates a resource: its row, its relatives, its overlay and its first version in one transaction. */
import { randomUUID } from 'node:crypto';
import { fault } from '../fhir/outcome.ts';
import type { CompiledVariant } from '../mapping/compile.ts';
import type { JsonObject } from '../mapping/lift.ts';
import { type ColumnPlan, neededReferences, planColumns } from '../mapping/plan.ts';
import { complement, liftedContentOf } from '../mapping/render.ts';
import type { Columns, Env, Stored, StoredChild } from '../mapping/types.ts';
import { enterChanges, insertResource, newTransactionMark, overlayText, supersede, type Writing } from './books.ts';
import { claimsOn, dropClaims, replaceClaims } from './claims.ts';
import { after } from './clock.ts';
import { isDuplicate, translate } from './errors.ts';
import { expressionOfColumn } from './expression-of-column.ts';
import { childrenUnder, idsNamed, inOrder, lockHolder, takeIn, takenChildren } from './findings.ts';
import { type HiddenRow, hiddenRow } from './hidden-row.ts';
import { afterJournal } from './journal/journal.ts';
import { keyOfId } from './key-of-id.ts';
import type { DatabaseParts } from './parts.ts';
import { type Session, sessionOf } from './pool.ts';
import { beginVersions, patientKeyOf } from './relative-versions.ts';
import { parentsOf, variantOfChildRows } from './relatives.ts';
import type { ResourceRecord, WriteOptions, WriteResult } from './repository.ts';
import { type KnownKeys, type Resolved, resolveReferences } from './resolve-references.ts';
import { restate } from './restate.ts';
import { insertRow, matchChildren, readRow, writeChildren } from './rows.ts';
import { datetimeOf } from './select.ts';
import { findOrCreateParent, lockPatient } from './shared-parent.ts';
import { inTransaction } from './transaction.ts';

/** Who names the new resource: the server, the client (PUT), or its own past (PUT to what was deleted, or withdrawn). */
export type Identity =
  | { readonly by: 'server' }
  | { readonly by: 'client'; readonly id: string }
  | { readonly by: 'past'; readonly past: ResourceRecord };

/** Thrown inside when the id appeared meanwhile: the caller then updates instead. */
export class IdTaken extends Error {}

export interface Prepared {
  readonly variant: CompiledVariant;
  readonly lifted: JsonObject;
  readonly env: Env;
  readonly resolved: Resolved;
  readonly plan: ColumnPlan;
  readonly timestamp: string;
}

export async function createResource(
  parts: DatabaseParts,
  resourceType: string,
  resource: JsonObject,
  options: WriteOptions,
  identity: Identity,
): Promise<WriteResult> {
  const variant = parts.registry.variantFor(resourceType, resource);
  const session = sessionOf(parts.pool, parts.timeoutMs);
  const prepared = await afterJournal(parts.journal, () => prepare(parts, session, variant, resource));
  const tx = newTransactionMark();
  let written: ResourceRecord | null = null;
  const committed = async (session: Session) => {
    const [row] = await session.rows('SELECT tx FROM fhir_resource WHERE type = ? AND id = ?', [resourceType, written?.id ?? '']);
    return row !== undefined && Number(row[0]) === tx;
  };
  try {
    const record = await inTransaction(
      parts.pool,
      { deadline: options.deadline, timeoutMs: parts.timeoutMs, committed, journal: parts.journal },
      async (session) => {
        await options.fence?.(session);
        written = await insertRecord(
          parts,
          session,
          prepared,
          { lastUpdated: parts.clock.now(), origin: options.origin, tx },
          identity,
        );
        return written;
      },
    );
    return { outcome: 'created', record, issues: prepared.plan.issues };
  } catch (failure) {
    // The id has appeared, or MediMax has put a row under its key.
    if (isDuplicate(failure) && identity.by !== 'server') throw new IdTaken();
    throw translate(failure, expressionOfColumn(variant));
  }
}

/** All that can be known before a row is written. @throws FhirError 422 with every refusal */
export async function prepare(
  parts: DatabaseParts,
  session: Session,
  variant: CompiledVariant,
  resource: JsonObject,
  known?: KnownKeys,
): Promise<Prepared> {
  const env = parts.env();
  const lifted = liftedContentOf(variant, resource, env);
  const needed = neededReferences(variant, lifted);
  const resolved = await resolveReferences(session, needed, parts.references, parts.findByIdentifier, known);
  const timestamp = datetimeOf(parts.clock.now()).slice(0, 19);
  const plan = planColumns({ variant, resource, lifted, current: null, resolve: resolved.key, env, timestamp });
  return { variant, lifted, env, resolved, plan, timestamp };
}

/** Writes rows and books, inside the caller's transaction. */
export async function insertRecord(
  parts: DatabaseParts,
  session: Session,
  { variant, lifted, env, resolved, plan, timestamp }: Prepared,
  writing: Writing,
  identity: Identity,
): Promise<ResourceRecord> {
  const { source } = variant.variant;
  const past = identity.by === 'past' ? await lockPast(session, identity.past) : null;
  const claim = await claimant(parts, session, variant, plan, identity.by === 'client' ? identity.id : past?.id);
  const parent = claim?.stored?.row ?? (await parentRow(session, variant, plan, writing, timestamp));
  const row: Columns =
    parent && source.parent?.shared ? { ...plan.row, [source.parent.foreignKey]: parent[source.parent.key] ?? null } : plan.row;
  const parents = await beginVersions(parts, session, claim ? [] : parentsOf(parts.registry, variant, row, null));

  const hidden = past === null ? await hiddenRow(parts, session, variant, lifted, row) : null;
  const key = source.rowless
    ? null
    : (hidden?.key ?? (await insertRow(session, source.table, row, past ? keyOfId(source, past.id) : undefined)));
  const childVariant = variantOfChildRows(parts.registry, variant);
  const written = await childRows(parts, session, variant, { lifted, plan, row, key, hidden }, writing);
  const id = identity.by === 'client' ? identity.id : (past?.id ?? (key === null ? randomUUID() : `${source.idPrefix}-${key}`));
  const partial: Stored = {
    row: source.rowless ? row : { ...row, ...hidden?.row, [source.key]: key },
    parent,
    children: written.children,
    patientId: null,
    parentId: null,
  };
  const patientKey = patientKeyOf({ variant, stored: partial });
  const stored: Stored = {
    ...partial,
    patientId: source.patient === 'self' ? id : await idOf(session, resolved, 'Patient', patientKey),
    parentId:
      source.parent?.resourceType && !source.parent.shared
        ? await idOf(session, resolved, source.parent.resourceType, Number(row[source.parent.foreignKey]))
        : null,
  };
  const { overlay, refined } = complement(variant, lifted, stored, env);

  const resource = {
    resourceType: variant.resourceType,
    id,
    variantName: variant.name,
    sourceKey: key,
    patientKey,
    refined,
    overlay,
  };
  const lastUpdated = past ? after(past.lastUpdated, writing.lastUpdated) : writing.lastUpdated;
  let rid = past?.rid ?? 0;
  if (past) {
    await supersede(session, [past]);
    await session.modify(
      'UPDATE fhir_resource SET variant = ?, source_key = ?, patient_key = ?, version = version + 1, last_updated = ?, state = 0, tx = ?, refined = ?, origin = ?, overlay = ? WHERE rid = ?',
      [
        variant.name,
        key,
        patientKey,
        datetimeOf(lastUpdated),
        writing.tx,
        refined,
        writing.origin,
        overlayText(overlay),
        past.rid,
      ],
    );
  } else rid = await insertResource(session, resource, writing);
  const version = (past?.version ?? 0) + 1;
  if (takenChildren(parts, variant)) await replaceClaims(session, rid, childVariant?.resourceType ?? '', written.open);
  if (claim?.stored) {
    const child = claim.variant.variant.source.child;
    if (child)
      await restate(parts, session, claim, {
        ...claim.stored,
        children: inOrder(child, [...claim.stored.children, { row: stored.row, id }]),
      });
    await dropClaims(session, variant.resourceType, [id]);
  }
  const changes = [{ rid, version, patientKey }];
  for (const child of written.inserted) {
    if (!childVariant || !child.id || !source.child) continue;
    const childKey = Number(child.row[source.child.key]);
    const asResource = {
      resourceType: childVariant.resourceType,
      id: child.id,
      variantName: childVariant.name,
      sourceKey: childKey,
      patientKey,
    };
    changes.push({
      rid: await insertResource(session, { ...asResource, refined: 0, overlay: null }, writing),
      version: 1,
      patientKey,
    });
  }
  await enterChanges(session, changes);
  await parents.finish(session, writing);
  return {
    rid,
    resourceType: variant.resourceType,
    id,
    variant,
    version,
    lastUpdated,
    state: 'living',
    origin: writing.origin,
    refined,
    overlay,
    stored: source.rowless ? { ...stored, row: { ...stored.row, [source.key]: rid } } : stored,
  };
}

/** The report that has named this resource before it came, locked; its row is the new row's parent. */
async function claimant(
  parts: DatabaseParts,
  session: Session,
  { variant: { source }, resourceType }: CompiledVariant,
  plan: ColumnPlan,
  id: string | undefined,
): Promise<ResourceRecord | null> {
  const { parent } = source;
  if (!parent?.shared || !parent.resourceType || id === undefined) return null;
  const patientKey = plan.parent?.['patient_id'];
  if (typeof patientKey !== 'number') return null;
  await lockPatient(session, patientKey);
  const { resourceType: parentType, table } = parent;
  const claims = (await claimsOn(session, resourceType, [id], { resourceType: parentType, table })).get(id) ?? [];
  const claim = claims.find((one) => one.patientKey === patientKey);
  return claim ? lockHolder(parts, session, parentType, table, claim.sourceKey) : null;
}

interface ChildRows {
  readonly children: readonly StoredChild[];
  readonly inserted: readonly StoredChild[];
  readonly open: readonly string[];
}

/** The child rows of a row that is new: made with it, or taken in. */
async function childRows(
  parts: DatabaseParts,
  session: Session,
  variant: CompiledVariant,
  given: {
    readonly lifted: JsonObject;
    readonly plan: ColumnPlan;
    readonly row: Columns;
    readonly key: number | null;
    readonly hidden: HiddenRow | null;
  },
  writing: Writing,
): Promise<ChildRows> {
  const { child, key: keyColumn } = variant.variant.source;
  const { lifted, plan, key, hidden } = given;
  if (!child || key === null) return { children: [], inserted: [], open: [] };
  const childVariant = variantOfChildRows(parts.registry, variant);
  if (!child.taken) {
    const changes = matchChildren(child, [], plan.children ?? []);
    const source = { ...variant.variant.source, child };
    return { ...(await writeChildren(session, source, key, given.row, changes, childVariant)), open: [] };
  }
  const holder = { variant, key, row: { ...given.row, ...hidden?.row, [keyColumn]: key } };
  if (hidden) return { children: await childrenUnder(parts, session, holder), inserted: [], open: [] };
  return { ...(await takeIn(parts, session, holder, idsNamed(parts, variant, lifted), writing)), inserted: [] };
}

/** The resource as it was, under a lock; somebody else may have written it meanwhile. */
async function lockPast(session: Session, past: ResourceRecord): Promise<ResourceRecord> {
  const [row] = await session.rows('SELECT version, state FROM fhir_resource WHERE rid = ? FOR UPDATE', [past.rid]);
  const state = past.state === 'deleted' ? 1 : 0;
  if (!row || Number(row[0]) !== past.version || Number(row[1]) !== state) throw new IdTaken();
  return past;
}

async function parentRow(
  session: Session,
  compiled: CompiledVariant,
  plan: ColumnPlan,
  writing: Writing,
  timestamp: string,
): Promise<Columns | null> {
  const { parent } = compiled.variant.source;
  if (!parent) return null;
  if (parent.shared) return findOrCreateParent(session, parent, plan.parent ?? {}, writing, timestamp);
  const found = await readRow(session, parent.table, Number(plan.row[parent.foreignKey]));
  refuseOtherParent(compiled, found, plan.parent ?? {});
  return found;
}

/** A parent that is not shared is only referred to: what the client says of its columns must be what they say. */
function refuseOtherParent({ name, pairs, resourceType, variant }: CompiledVariant, found: Columns, said: Columns): void {
  const [column] = Object.keys(said).filter((one) => said[one] !== found[one]);
  if (column === undefined) return;
  const element = pairs.find(({ reads }) => reads.parent.includes(column))?.pair.elements[0] ?? name;
  const text = `${resourceType}.${element} must be the one of the ${variant.source.parent?.resourceType ?? 'record'} this ${resourceType} belongs to`;
  throw fault('unprocessable', 'business-rule', text, `${resourceType}.${element}`);
}

async function idOf(session: Session, resolved: Resolved, resourceType: string, key: number | null): Promise<string | null> {
  if (key === null) return null;
  const known = resolved.id(resourceType, key);
  if (known !== null) return known;
  const [row] = await session.rows('SELECT id FROM fhir_resource WHERE type = ? AND variant = ? AND source_key = ?', [
    resourceType,
    resourceType,
    key,
  ]);
  return row ? String(row[0]) : null;
}
