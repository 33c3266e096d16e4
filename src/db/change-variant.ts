/** A resource that is withdrawn loses its row, and one that is valid again gets one: the same resource, its next version. */
import type { CompiledVariant } from '../mapping/compile.ts';
import type { JsonObject } from '../mapping/lift.ts';
import type { Writing } from './books.ts';
import { insertRecord, prepare } from './create.ts';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';
import { refuseOtherPatient } from './refuse-other-patient.ts';
import { removeRows } from './remove-rows.ts';
import type { ResourceRecord, WriteResult } from './repository.ts';
import type { KnownKeys } from './resolve-references.ts';

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
  await removeRows(parts, session, current, writing);
  const record = await insertRecord(parts, session, prepared, writing, { by: 'past', past: current });
  return { outcome: 'updated', record, issues: prepared.plan.issues };
}
