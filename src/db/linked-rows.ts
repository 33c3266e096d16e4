/** Further rows of a resource in its own table (the conditions of one relative): which they are, and how a statement finds them. */
import type { CompiledVariant } from '../mapping/compile.ts';
import type { Registry } from '../mapping/registry.ts';
import { tables } from '../mapping/tables.ts';
import type { ChildSource, Columns, Source } from '../mapping/types.ts';
import { placeOf } from './journal/entry.ts';
import type { Session } from './pool.ts';

/** Rows of the child table with alias `c` of the row with alias `t`: only those that still are of its kind and its patient's. */
export function linkedJoin({ table, key, where }: Source): string {
  const isOf = where ? ` AND c.${where.column} = '${where.value}'` : '';
  return (
    `LEFT JOIN (fhir_linked_row l JOIN ${table} c ON c.${key} = l.row_key${isOf}) ` +
    `ON l.place = ${placeOf(table)} AND l.owner_key = t.${key} AND c.patient_id = t.patient_id`
  );
}

/** A condition on a row with this alias: it is a resource of its own, where rows of its variant may also be further rows of others. */
export function unlessLinked({ table, key, child }: Source, alias: string): string {
  if (!child?.linked) return '';
  return ` AND NOT EXISTS (SELECT 1 FROM fhir_linked_row l WHERE l.place = ${placeOf(table)} AND l.row_key = ${alias}.${key})`;
}

/** A whole further row: of the owner's kind and patient, NULL in what its condition does not say. */
export function linkedRow({ table, key, where }: Source, owner: Columns, written: Columns): Columns {
  const row = Object.fromEntries(
    Object.entries(tables[table].columns)
      .filter(([column]) => column !== key)
      .map(([column, { type }]) => [column, type === 'timestamp' ? (owner[column] ?? null) : (written[column] ?? null)]),
  );
  return { ...row, patient_id: owner['patient_id'] ?? null, ...(where && { [where.column]: where.value }) };
}

export async function link(
  session: Session,
  { table }: Pick<ChildSource, 'table'>,
  links: readonly { readonly key: number; readonly owner: number }[],
): Promise<void> {
  if (links.length === 0) return;
  const place = placeOf(table);
  const marks = links.map(() => '(?, ?, ?)').join(', ');
  // A key that MediMax has used again may have been linked once.
  await session.once(
    `REPLACE INTO fhir_linked_row (place, row_key, owner_key) VALUES ${marks}`,
    links.flatMap(({ key, owner }) => [place, key, owner]),
  );
}

/** Ties of rows that are gone, or to rows that are no living resource: without them a row is a resource of its own. Alias `l`. */
export function looseTies({ resourceType, name, variant: { source } }: CompiledVariant): string {
  return (
    `FROM fhir_linked_row l LEFT JOIN ${source.table} c ON c.${source.key} = l.row_key ` +
    `LEFT JOIN fhir_resource r ON r.type = '${resourceType}' AND r.variant = '${name}' AND r.source_key = l.owner_key AND r.state = 0 ` +
    `WHERE l.place = ${placeOf(source.table)} AND (c.${source.key} IS NULL OR r.rid IS NULL)`
  );
}

/** Variants whose resources may have further rows. */
export function linkedVariants(registry: Registry): readonly CompiledVariant[] {
  return registry.mappings.flatMap(({ variants }) => variants.filter(({ variant }) => variant.source.child?.linked));
}

/** Before the rows of a patient fall with the patient's. */
export async function unlinkAllOf(session: Session, registry: Registry, patientKey: number): Promise<void> {
  for (const { table, key } of linkedVariants(registry).map(({ variant }) => variant.source)) {
    await session.modify(
      `DELETE l FROM fhir_linked_row l JOIN ${table} c ON c.${key} = l.row_key WHERE l.place = ? AND c.patient_id = ?`,
      [placeOf(table), patientKey],
    );
  }
}

export async function unlink(session: Session, { table }: Pick<ChildSource, 'table'>, keys: readonly number[]): Promise<void> {
  if (keys.length === 0) return;
  const marks = keys.map(() => '?').join(', ');
  await session.once(`DELETE FROM fhir_linked_row WHERE place = ? AND row_key IN (${marks})`, [placeOf(table), ...keys]);
}

/** The rows that were tied to this one are resources of their own, once they are adopted. */
export async function unlinkFrom(session: Session, { table }: Pick<Source, 'table'>, ownerKey: number): Promise<void> {
  await session.modify('DELETE FROM fhir_linked_row WHERE place = ? AND owner_key = ?', [placeOf(table), ownerKey]);
}
