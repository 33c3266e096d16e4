/** What a resource says, said again beside other rows: no version, as nothing that is served changes. */

import { FhirError } from '../fhir/outcome.ts';
import type { CompiledVariant } from '../mapping/compile.ts';
import { planColumns } from '../mapping/plan.ts';
import { complement, liftedContentOf, renderContent, renderLifted, withoutServerOwned } from '../mapping/render.ts';
import type { ChildSource, Columns, Stored, StoredChild } from '../mapping/types.ts';
import { overlayText, type Writing } from './books.ts';
import { guardRecord } from './journal/guard.ts';
import { keyOfId } from './key-of-id.ts';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';
import { patientKeyOf } from './relative-versions.ts';
import type { ResourceRecord } from './repository.ts';
import { insertRow } from './rows.ts';
import { datetimeOf } from './select.ts';

/** The report's row, which is there already. */
export interface Holder {
  readonly variant: CompiledVariant;
  readonly key: number;
  readonly row: Columns;
}

/** What lies under such a row, and how. */
export interface Taken {
  readonly child: ChildSource;
  readonly variant: CompiledVariant;
}

/** The same words beside other rows: no version, as nothing that is served changes. */
export async function restate(parts: DatabaseParts, session: Session, record: ResourceRecord, stored: Stored): Promise<void> {
  if (!record.stored) return;
  guardRecord(session, record);
  const { variant } = record;
  const env = parts.env();
  const lifted = withoutServerOwned(variant, renderLifted(variant, record.stored, record.overlay, record.refined, env));
  const { overlay, refined } = complement(variant, lifted, stored, env);
  const text = overlayText(overlay);
  await session.modify('DELETE FROM fhir_seen WHERE rid = ?', [record.rid]);
  if (refined === record.refined && text === overlayText(record.overlay)) return;
  await session.modify('UPDATE fhir_resource SET refined = ?, overlay = ? WHERE rid = ?', [refined, text, record.rid]);
}

/** Its row is about to go with the report's; the resource stays what it is, without one. */
export async function keepWithoutRow(parts: DatabaseParts, session: Session, record: ResourceRecord): Promise<void> {
  const kept = parts.registry.get(record.resourceType)?.kept;
  if (!kept || !record.stored) return;
  guardRecord(session, record);
  const env = parts.env();
  const content = renderContent(record.variant, record.stored, record.overlay, record.refined, env);
  const stored: Stored = {
    row: { rid: record.rid, patient_id: patientKeyOf(record) },
    parent: null,
    children: [],
    patientId: record.stored.patientId,
    parentId: null,
  };
  const { overlay, refined } = complement(kept, liftedContentOf(kept, content, env), stored, env);
  await session.modify('UPDATE fhir_resource SET variant = ?, source_key = NULL, refined = ?, overlay = ? WHERE rid = ?', [
    kept.name,
    refined,
    overlayText(overlay),
    record.rid,
  ]);
}

/** A valid resource that lost its row with a withdrawn report gets one under the report that names it; null for what is withdrawn itself. */
export async function regainRow(
  parts: DatabaseParts,
  session: Session,
  { child, variant }: Taken,
  record: ResourceRecord,
  holder: Holder,
  writing: Writing,
): Promise<StoredChild | null> {
  const patientKey = patientKeyOf(record);
  if (!record.stored || patientKey !== holder.row['patient_id']) return null;
  const env = parts.env();
  const content = renderContent(record.variant, record.stored, record.overlay, record.refined, env);
  const resource = { resourceType: record.resourceType, ...content };
  if (parts.registry.variantFor(record.resourceType, resource) !== variant) return null;
  const { source } = variant.variant;
  const lifted = liftedContentOf(variant, content, env);
  const timestamp = datetimeOf(writing.lastUpdated).slice(0, 19);
  let planned: Columns;
  try {
    planned = planColumns({ variant, resource, lifted, current: null, resolve: () => patientKey, env, timestamp }).row;
  } catch (failure) {
    if (failure instanceof FhirError) return null; // the rules are others than when it was accepted: it stays without a row
    throw failure;
  }
  const row = { ...planned, [child.foreignKey]: holder.key };
  const key = await insertRow(session, source.table, row, keyOfId(source, record.id));
  const stored: Stored = {
    row: { ...row, [source.key]: key },
    parent: holder.row,
    children: [],
    patientId: record.stored.patientId,
    parentId: null,
  };
  const { overlay, refined } = complement(variant, lifted, stored, env);
  await session.modify('UPDATE fhir_resource SET variant = ?, source_key = ?, refined = ?, overlay = ? WHERE rid = ?', [
    variant.name,
    key,
    refined,
    overlayText(overlay),
    record.rid,
  ]);
  return { row: stored.row, id: record.id };
}
