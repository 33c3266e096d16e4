/** Rows that the gateway made for findings sent without their report, and the report that gets one. */
import type { CompiledVariant } from '../mapping/compile.ts';
import type { JsonObject } from '../mapping/lift.ts';
import { tables } from '../mapping/tables.ts';
import type { Columns } from '../mapping/types.ts';
import { idsNamed, takenChildren } from './findings.ts';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';
import { readRow } from './rows.ts';
import { lockPatient } from './shared-parent.ts';

/** A row that the gateway made for others and that says exactly what this report says: its key. */
async function hiddenLike(session: Session, { variant }: CompiledVariant, row: Columns): Promise<number | null> {
  const { table, key } = variant.source;
  const columns = Object.entries(tables[table].columns).filter(([name, { type }]) => name !== key && type !== 'timestamp');
  const tests = columns.map(([name, { type }]) =>
    type === 'varchar' ? `CAST(t.${name} AS BINARY) <=> CAST(? AS BINARY)` : `t.${name} <=> ?`,
  );
  const [found] = await session.rows(
    `SELECT t.${key} FROM ${table} t WHERE ${tests.join(' AND ')} AND EXISTS (SELECT 1 FROM fhir_resource r WHERE r.variant = '${table}' AND r.source_key = t.${key} AND r.state = 2) ORDER BY t.${key} LIMIT 1 FOR UPDATE`,
    columns.map(([name]) => row[name] ?? null),
  );
  return found ? Number(found[0]) : null;
}

/** A row that was made for findings sent without their report. */
export interface HiddenRow {
  readonly key: number;
  readonly row: Columns;
}

/** Such a row becomes the row of the report that says the same and lists none itself. */
export async function hiddenRow(
  parts: DatabaseParts,
  session: Session,
  variant: CompiledVariant,
  lifted: JsonObject,
  row: Columns,
): Promise<HiddenRow | null> {
  const { source } = variant.variant;
  if (!takenChildren(parts, variant) || idsNamed(parts, variant, lifted).length > 0) return null;
  await lockPatient(session, Number(row['patient_id']));
  const key = await hiddenLike(session, variant, row);
  if (key === null) return null;
  await session.modify('DELETE FROM fhir_resource WHERE type = ? AND variant = ? AND source_key = ? AND state = 2', [
    variant.resourceType,
    variant.name,
    key,
  ]);
  return { key, row: await readRow(session, source.table, key) };
}
