/** The records of a transaction's new resources, as they will be read: with the ids of patients and parents, and overlays that lead to final ids. */
import type { CompiledVariant } from '../mapping/compile.ts';
import type { JsonObject } from '../mapping/lift.ts';
import { complement, liftedContentOf } from '../mapping/render.ts';
import type { Stored, StoredChild } from '../mapping/types.ts';
import { after } from './clock.ts';
import { patientKeyOf } from './relative-versions.ts';
import type { ResourceRecord } from './repository.ts';
import type { Born, Work } from './transaction-bundle-work.ts';

/** The record of a new resource, with what its books need. */
export interface NewRecord {
  readonly record: ResourceRecord;
  readonly lifted: JsonObject;
  /** 0 until the resource has its row; one that is restored has its own. */
  rid: number;
  readonly patientKey: number | null;
}

/** The records of all these, in the same order. */
export async function recordsOf(work: Work, born: readonly Born[]): Promise<readonly NewRecord[]> {
  const patientIds = await idsOf(
    work,
    'Patient',
    born.map((one) => patientKey(one)),
  );
  const parentIds = await parentIdsOf(work, born);
  return born.map((one) => recordOf(work, one, patientIds, parentIds));
}

/** The record as it will be read; its references lead to the final ids now. */
function recordOf(
  { plan, writing }: Work,
  born: Born,
  patientIds: ReadonlyMap<number, string>,
  parentIds: ReadonlyMap<Born, string | null>,
): NewRecord {
  const { draft, id, row, parent, children } = born;
  const { variant, entry, identity } = draft;
  const content = entry.content(plan.addressOf);
  const lifted = liftedContentOf(variant, content, plan.env);
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
