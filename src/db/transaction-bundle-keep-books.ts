/** The books of a transaction's new resources: those that are restored continue their versions, all others begin at the first. */
import { type Change, enterChanges, type NewResource, overlayText, supersede } from './books.ts';
import { variantOfChildRows } from './relatives.ts';
import type { ResourceRecord } from './repository.ts';
import { datetimeOf } from './select.ts';
import { claimOpen } from './transaction-bundle-findings.ts';
import type { NewRecord } from './transaction-bundle-records.ts';
import { insertResources } from './transaction-bundle-rows.ts';
import type { Born, Work } from './transaction-bundle-work.ts';

/** Resource rows and the change feed: one statement each, however many resources there are. */
export async function keepBooks(work: Work, born: readonly Born[], records: readonly NewRecord[]): Promise<void> {
  const { parts, session, writing } = work;
  const rows: NewResource[] = [];
  const takeRid: ((rid: number) => void)[] = [];
  const changes: (() => Change)[] = [];
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
    childResources(work, born[at] as Born, patientKey, (child) => {
      rows.push(child);
      takeRid.push((rid) => changes.push(() => ({ rid, version: 1, patientKey })));
    });
  }
  const rids = await insertResources(parts, session, rows, writing);
  for (const [at, rid] of rids.entries()) takeRid[at]?.(rid);
  for (const { record, rid, lifted } of records) await claimOpen(parts, session, { ...record, rid }, lifted);
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
