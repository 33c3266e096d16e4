/** A resource that is withdrawn loses its row, and one that is valid again gets one: the same resource, its next version. */
import type { CompiledVariant } from '../mapping/compile.ts';
import type { JsonObject } from '../mapping/lift.ts';
import type { ChildSource } from '../mapping/types.ts';
import type { Writing } from './books.ts';
import { addClaims } from './claims.ts';
import { insertRecord, prepare } from './create.ts';
import { lockHolder } from './findings.ts';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';
import { refuseOtherPatient } from './refuse-other-patient.ts';
import { removeRows } from './remove-rows.ts';
import type { ResourceRecord, WriteResult } from './repository.ts';
import type { KnownKeys } from './resolve-references.ts';
import { restate } from './restate.ts';

/** Writes the next version of a locked record as this other variant, inside the caller's transaction. */
export async function changeVariant(
  parts: DatabaseParts,
  session: Session,
  current: ResourceRecord,
  variant: CompiledVariant,
  resource: JsonObject,
  writing: Writing,
  known?: KnownKeys,
): Promise<WriteResult> {
  const prepared = await prepare(parts, session, variant, resource, known);
  refuseOtherPatient(current, prepared.plan.row, prepared.plan.parent);
  const { child, holder } = await holderOf(parts, session, current);
  const except = holder ? [holder.rid] : [];
  await removeRows(parts, session, current, writing, { taken: 'without row', except });
  const record = await insertRecord(parts, session, prepared, writing, { by: 'past', past: current });
  if (child && holder?.stored) {
    // The report goes on naming what was withdrawn; should it get a row again, it lies here.
    const { stored } = holder;
    const key = current.stored?.row[child.key];
    await restate(parts, session, holder, { ...stored, children: stored.children.filter(({ row }) => row[child.key] !== key) });
    await addClaims(session, holder.rid, current.resourceType, [current.id]);
  }
  return { outcome: 'updated', record, issues: prepared.plan.issues };
}

/** The living report that this record's row lies under, locked. */
async function holderOf(
  parts: DatabaseParts,
  session: Session,
  { variant, stored }: ResourceRecord,
): Promise<{ readonly child?: ChildSource | undefined; readonly holder: ResourceRecord | null }> {
  const { parent } = variant.variant.source;
  if (!stored || !parent?.shared || !parent.resourceType) return { holder: null };
  const key = Number(stored.row[parent.foreignKey]);
  const holder = await lockHolder(parts, session, parent.resourceType, parent.table, key);
  return { child: holder?.variant.variant.source.child, holder };
}
