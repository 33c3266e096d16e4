/** Looking without writing: what a create would make, and which resources a row of MediMax's is part of. */

import type { Issue } from '../fhir/outcome.ts';
import type { CompiledVariant, Overlay } from '../mapping/compile.ts';
import type { JsonObject } from '../mapping/lift.ts';
import { neededReferences, planColumns } from '../mapping/plan.ts';
import { complement, liftedContentOf } from '../mapping/render.ts';
import { type TableName, tables } from '../mapping/tables.ts';
import type { Columns, ColumnValue, Stored } from '../mapping/types.ts';
import { afterJournal } from './journal/journal.ts';
import { linkedJoin } from './linked-rows.ts';
import type { DatabaseParts } from './parts.ts';
import { type Session, sessionOf } from './pool.ts';
import { type Resolved, resolveReferences } from './resolve-references.ts';
import { datetimeOf } from './select.ts';

/** What a create would store. Rows have no key yet. */
export interface Preview {
  readonly variant: CompiledVariant;
  readonly stored: Stored;
  readonly overlay: Overlay | null;
  readonly refined: number;
  readonly issues: readonly Issue[];
}

export interface ResourceOfRow {
  readonly resourceType: string;
  readonly id: string;
  readonly isDeleted: boolean;
  /** The row is the resource's own, its parent's, or one of its children. */
  readonly as: 'row' | 'parent' | 'child';
}

export interface Inspection {
  /** @throws FhirError `unprocessable` with everything a create would be refused for */
  preview(resourceType: string, resource: JsonObject): Promise<Preview>;
  /** Null when the table is none of MediMax's. */
  resourcesOf(table: string, key: number): Promise<readonly ResourceOfRow[] | null>;
}

export function createInspection(parts: DatabaseParts): Inspection {
  const session = sessionOf(parts.pool, parts.timeoutMs);
  return {
    preview: (resourceType, resource) => afterJournal(parts.journal, () => preview(parts, session, resourceType, resource)),
    async resourcesOf(table, key) {
      const known = Object.values(tables).find(({ name }) => name === table);
      if (!known) return null;
      await parts.journal.settle();
      const found: ResourceOfRow[] = [];
      for (const variant of parts.registry.ofTable(table as TableName))
        found.push(...(await resourcesIn(session, variant, table, key))); // marked place: a name of the tables
      return found;
    },
  };
}

async function preview(parts: DatabaseParts, session: Session, resourceType: string, resource: JsonObject): Promise<Preview> {
  const variant = parts.registry.variantFor(resourceType, resource);
  const env = parts.env();
  const lifted = liftedContentOf(variant, resource, env);
  const resolved = await resolveReferences(session, neededReferences(variant, lifted), parts.references, parts.findByIdentifier);
  const timestamp = datetimeOf(parts.clock.now()).slice(0, 19);
  const plan = planColumns({ variant, resource, lifted, current: null, resolve: resolved.key, env, timestamp });
  const { source } = variant.variant;
  const parent = await parentRow(session, variant, plan.row, plan.parent, timestamp);
  const patientKey = source.patient === 'parent' ? parent?.['patient_id'] : plan.row['patient_id'];
  const stored: Stored = {
    row: plan.row,
    parent,
    children: (plan.children ?? []).map((row) => ({ row, id: null })),
    patientId: idOf(resolved, 'Patient', patientKey),
    parentId: source.parent?.resourceType ? idOf(resolved, source.parent.resourceType, plan.row[source.parent.foreignKey]) : null,
  };
  return { variant, stored, ...complement(variant, lifted, stored, env), issues: plan.issues };
}

function idOf(resolved: Resolved, resourceType: string, key: ColumnValue | undefined): string | null {
  return typeof key === 'number' ? resolved.id(resourceType, key) : null;
}

/** A shared parent is found or made when the resource is written; another one is there already. */
async function parentRow(
  session: Session,
  { variant: { source } }: CompiledVariant,
  row: Columns,
  written: Columns | null,
  timestamp: string,
): Promise<Columns | null> {
  const { parent } = source;
  if (!parent) return null;
  const columns = Object.keys(tables[parent.table].columns);
  if (parent.shared) {
    const made = Object.fromEntries(columns.map((column) => [column, written?.[column] ?? null]));
    return { ...made, created_at: timestamp, updated_at: timestamp };
  }
  const [found] = await session.rows(`SELECT ${columns.join(', ')} FROM ${parent.table} WHERE ${parent.key} = ?`, [
    Number(row[parent.foreignKey]),
  ]);
  return found ? Object.fromEntries(columns.map((column, index) => [column, found[index] ?? null])) : null;
}

/** Deleted resources are found by the row they had. */
async function resourcesIn(
  session: Session,
  variant: CompiledVariant,
  table: string,
  key: number,
): Promise<readonly ResourceOfRow[]> {
  const { source } = variant.variant;
  const places = [
    ...(source.table === table ? [{ as: 'row' as const, join: '', test: 'r.source_key = ?' }] : []),
    ...(source.parent?.table === table
      ? [
          {
            as: 'parent' as const,
            join: `JOIN ${source.table} t ON t.${source.key} = r.source_key`,
            test: `t.${source.parent.foreignKey} = ?`,
          },
        ]
      : []),
    ...(source.child?.table === table
      ? [
          {
            as: 'child' as const,
            join: source.child.linked
              ? `JOIN ${source.table} t ON t.${source.key} = r.source_key ${linkedJoin(source)}`
              : `JOIN ${source.child.table} c ON c.${source.child.foreignKey} = r.source_key`,
            test: `c.${source.child.key} = ?`,
          },
        ]
      : []),
  ];
  const found: ResourceOfRow[] = [];
  for (const { as, join, test } of places) {
    const rows = await session.rows(
      `SELECT r.id, r.state FROM fhir_resource r ${join} WHERE r.type = ? AND r.variant = ? AND r.state < 2 AND ${test} ORDER BY r.rid LIMIT 1000`,
      [variant.resourceType, variant.name, key],
    );
    for (const [id, state] of rows)
      found.push({ resourceType: variant.resourceType, id: String(id), isDeleted: Number(state) === 1, as });
  }
  return found;
}
