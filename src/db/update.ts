/** Updates a resource: only the columns whose elements changed, one version, or nothing at all when nothing changed. */
import { sameJson } from '../fhir/json.ts';
import { FhirError } from '../fhir/outcome.ts';
import { type JsonObject, lift, lower } from '../mapping/lift.ts';
import { neededReferences, planColumns } from '../mapping/plan.ts';
import { complement, contentOf, renderLifted, withoutServerOwned } from '../mapping/render.ts';
import type { Columns, Stored } from '../mapping/types.ts';
import { type Change, enterChanges, insertResource, newTransactionMark, overlayText, supersede, type Writing } from './books.ts';
import { changeVariant } from './change-variant.ts';
import { replaceClaims } from './claims.ts';
import { after } from './clock.ts';
import { translate } from './errors.ts';
import { expressionOfColumn } from './expression-of-column.ts';
import { idsNamed, letGo, recordsUnder, takeIn, takenChildren } from './findings.ts';
import { guardRecord } from './journal/guard.ts';
import { markDeleted } from './mark-deleted.ts';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';
import { refuseOtherPatient } from './refuse-other-patient.ts';
import { beginVersions, patientKeyOf } from './relative-versions.ts';
import { childrenOf, parentsOf, type Relatives, variantOfChildRows } from './relatives.ts';
import type { ResourceRecord, WriteOptions, WriteResult } from './repository.ts';
import { type KnownKeys, type Resolved, resolveReferences } from './resolve-references.ts';
import { type ChildChanges, childrenChanged, matchChildren, updateRow, writeChildren } from './rows.ts';
import { datetimeOf } from './select.ts';
import { findOrCreateParent, isListed, lockParents, removeIfEmpty } from './shared-parent.ts';
import { inTransaction } from './transaction.ts';

/** Thrown inside when the row has gone meanwhile: the caller looks again. */
export class RowGone extends Error {}

/** `found` says where the resource is; everything else is read again under the lock. */
export async function updateResource(
  parts: DatabaseParts,
  found: ResourceRecord,
  resource: JsonObject,
  options: WriteOptions,
): Promise<WriteResult> {
  const tx = newTransactionMark();
  const committed = async (session: Session) => {
    const [row] = await session.rows('SELECT tx FROM fhir_resource WHERE rid = ?', [found.rid]);
    return row !== undefined && Number(row[0]) === tx;
  };
  const settings = { deadline: options.deadline, timeoutMs: parts.timeoutMs, committed, journal: parts.journal };
  try {
    return await inTransaction(parts.pool, settings, async (session) => {
      await options.fence?.(session);
      const current = await lockRecord(parts, session, found);
      checkIfMatch(current, options.ifMatch);
      return writeVersion(parts, session, current, resource, { lastUpdated: parts.clock.now(), origin: options.origin, tx });
    });
  } catch (failure) {
    throw translate(failure, expressionOfColumn(found.variant));
  }
}

/** The record as it is now, its row and its resource locked in the order of MediMax's own writes. */
export async function lockRecord(parts: DatabaseParts, session: Session, found: ResourceRecord): Promise<ResourceRecord> {
  const select = parts.select(found.variant);
  const { key, parent } = found.variant.variant.source;
  if (parent?.shared) await lockParents(session, parent, [Number(found.stored?.row[parent.foreignKey])]);
  const rows = await session.rows(select.lockBy(key), [Number(found.stored?.row[key])]);
  const record = select.decode(rows).find(({ rid }) => rid === found.rid);
  if (!record?.stored) throw new RowGone();
  // Even where nothing is to be written: the version that is answered must be that of these rows.
  guardRecord(session, record);
  return record;
}

/** The same for a record that this transaction may have given another row, or none; null when it has gone. */
export async function lockAgain(parts: DatabaseParts, session: Session, { rid }: ResourceRecord): Promise<ResourceRecord | null> {
  const [row] = await session.rows('SELECT type, variant, source_key FROM fhir_resource WHERE rid = ? AND state = 0', [rid]);
  const variant = row ? parts.registry.variant(String(row[0]), String(row[1])) : undefined;
  if (!row || !variant) return null;
  const { key, rowless } = variant.variant.source;
  const select = parts.select(variant);
  const rows = await session.rows(select.lockBy(key), [rowless ? rid : Number(row[2])]);
  const record = select.decode(rows).find((one) => one.rid === rid) ?? null;
  if (record) guardRecord(session, record);
  return record;
}

export function checkIfMatch(record: ResourceRecord, ifMatch: number | undefined): void {
  if (ifMatch === undefined || ifMatch === record.version) return;
  const text = `If-Match names version ${ifMatch}, but ${record.resourceType}/${record.id} is at version ${record.version}, written ${record.lastUpdated} by ${record.origin}. Read it again and repeat your change.`;
  throw new FhirError('precondition-failed', [{ severity: 'error', code: 'conflict', text, expression: ['http.If-Match'] }]);
}

/** Writes a new version of a locked record, inside the caller's transaction. */
export async function writeVersion(
  parts: DatabaseParts,
  session: Session,
  current: ResourceRecord,
  resource: JsonObject,
  writing: Writing,
  known?: KnownKeys,
): Promise<WriteResult> {
  const { variant } = current;
  const target = parts.registry.variantAfter(variant, resource);
  if (target !== variant) return changeVariant(parts, session, current, target, resource, writing, known);
  const { source } = variant.variant;
  const before = storedOf(current);
  const env = parts.env();
  const content = contentOf(variant, resource, env);
  const currentLifted = withoutServerOwned(variant, renderLifted(variant, before, current.overlay, current.refined, env));
  if (sameJson(content, lower(currentLifted, variant.slices))) return { outcome: 'unchanged', record: current, issues: [] };

  const lifted = lift(content, variant.slices, env);
  const needed = neededReferences(variant, lifted);
  const resolved = await resolveReferences(session, needed, parts.references, parts.findByIdentifier, known);
  const timestamp = datetimeOf(writing.lastUpdated).slice(0, 19);
  const plan = planColumns({
    variant,
    resource,
    lifted,
    current: { stored: before, lifted: currentLifted },
    resolve: resolved.key,
    env,
    timestamp,
  });
  refuseOtherPatient(current, plan.row, plan.parent);

  const parentKey = Number(before.row[source.parent?.foreignKey ?? '']);
  // What a report's client has listed stays there, whatever it says of day or facility itself.
  const mayMove = plan.parent && source.parent && !(await isListed(session, source.parent, parentKey));
  const parent =
    mayMove && source.parent
      ? await findOrCreateParent(session, source.parent, { ...before.parent, ...plan.parent }, writing, timestamp)
      : before.parent;
  const moved =
    parent !== before.parent && source.parent ? { [source.parent.foreignKey]: parent?.[source.parent.key] ?? null } : {};
  const row: Columns = { ...plan.row, ...moved };
  const taken = plan.children ? takenChildren(parts, variant) : null;
  const children = source.child && !taken && plan.children ? matchChildren(source.child, before.children, plan.children) : null;
  const key = Number(before.row[source.key]);

  await supersede(session, [current]);
  const named = taken ? idsNamed(parts, variant, lifted) : [];
  if (taken) await letGoUnnamed(parts, session, current, named, writing);
  const relatives = await beginVersions(parts, session, relativesOf(parts, current, row), [current.rid]);
  const goneChildren = await beginVersions(parts, session, deletedChildren(parts, current, children));
  if (!source.rowless) await updateRow(session, source.table, key, row);
  const childVariant = variantOfChildRows(parts.registry, variant);
  const written =
    source.child && children && childrenChanged(children)
      ? await writeChildren(session, { ...source, child: source.child }, key, { ...before.row, ...row }, children, childVariant)
      : null;

  const rowNow = { ...before.row, ...row };
  const takenNow = taken ? await takeIn(parts, session, { variant, key, row: rowNow }, named, writing) : null;
  if (taken && takenNow) await replaceClaims(session, current.rid, taken.variant.resourceType, takenNow.open);
  const stored: Stored = {
    ...before,
    row: rowNow,
    parent,
    children: takenNow?.children ?? written?.children ?? before.children,
    ...movedIds(source, row, resolved),
  };
  const { overlay, refined } = complement(variant, lifted, stored, env);
  const lastUpdated = after(current.lastUpdated, writing.lastUpdated);
  await session.modify(
    'UPDATE fhir_resource SET version = version + 1, last_updated = ?, tx = ?, refined = ?, origin = ?, overlay = ? WHERE rid = ?',
    [datetimeOf(lastUpdated), writing.tx, refined, writing.origin, overlayText(overlay), current.rid],
  );
  const record: ResourceRecord = {
    ...current,
    version: current.version + 1,
    lastUpdated,
    origin: writing.origin,
    refined,
    overlay,
    stored,
  };
  const patientKey = patientKeyOf(record);
  const changes: Change[] = [{ rid: record.rid, version: record.version, patientKey }];
  for (const child of written?.inserted ?? []) {
    if (!childVariant || !child.id || !source.child) continue;
    const sourceKey = Number(child.row[source.child.key]);
    const asResource = {
      resourceType: childVariant.resourceType,
      id: child.id,
      variantName: childVariant.name,
      sourceKey,
      patientKey,
    };
    changes.push({
      rid: await insertResource(session, { ...asResource, refined: 0, overlay: null }, writing),
      version: 1,
      patientKey,
    });
  }
  await enterChanges(session, changes);
  await relatives.finish(session, writing);
  await markDeleted(session, goneChildren.records, writing);
  if (parent !== before.parent) await removeIfEmpty(session, variant, Number(before.row[source.parent?.foreignKey ?? '']));
  return { outcome: 'updated', record, issues: plan.issues };
}

/** Findings that the report names no longer are not deleted by that: they lie under a report of their own again. */
async function letGoUnnamed(
  parts: DatabaseParts,
  session: Session,
  current: ResourceRecord,
  named: readonly string[],
  writing: Writing,
): Promise<void> {
  const { variant, stored } = current;
  if (!stored) return;
  const holder = { variant, key: Number(stored.row[variant.variant.source.key]), row: stored.row };
  const records = await recordsUnder(parts, session, holder);
  await letGo(
    parts,
    session,
    holder,
    records.filter(({ id }) => !named.includes(id)),
    writing,
  );
}

function storedOf(record: ResourceRecord): Stored {
  if (!record.stored) throw new RowGone();
  return record.stored;
}

function relativesOf(parts: DatabaseParts, current: ResourceRecord, changed: Columns): readonly Relatives[] {
  const { variant, stored } = current;
  const { source } = variant.variant;
  if (Object.keys(changed).length === 0 || !stored) return [];
  const key = Number(stored.row[source.key]);
  const movedTo =
    source.parent && source.parent.foreignKey in changed
      ? parentsOf(parts.registry, variant, { ...stored.row, ...changed }, null)
      : [];
  return [
    ...parentsOf(parts.registry, variant, stored.row, movedTo.length > 0 ? null : changed),
    ...movedTo,
    ...childrenOf(parts.registry, variant, key, changed),
  ];
}

/** The resources of child rows that this update removes. */
function deletedChildren(parts: DatabaseParts, { variant }: ResourceRecord, changes: ChildChanges | null): readonly Relatives[] {
  const childVariant = variantOfChildRows(parts.registry, variant);
  const { child } = variant.variant.source;
  if (!childVariant || !changes || !child) return [];
  return changes.deleted.map(({ row }) => ({
    variant: childVariant,
    keyColumn: child.key,
    key: Number(row[child.key]),
    staleBits: 0,
  }));
}

/** Ids that follow a foreign key which this update changed. */
function movedIds(
  source: { readonly parent?: { readonly foreignKey: string; readonly shared: boolean; readonly resourceType?: string } },
  row: Columns,
  resolved: Resolved,
): Partial<Stored> {
  const { parent } = source;
  const key = parent && !parent.shared ? row[parent.foreignKey] : undefined;
  return parent?.resourceType && typeof key === 'number' ? { parentId: resolved.id(parent.resourceType, key) } : {};
}
