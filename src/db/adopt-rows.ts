/** Gives rows that have no resource yet theirs: those that were there before the gateway, and those written while it could not watch. */
import type { CompiledVariant } from '../mapping/compile.ts';
import type { Registry } from '../mapping/registry.ts';
import { placeOf } from './journal/entry.ts';
import { unlessLinked } from './linked-rows.ts';
import type { Bound, Session } from './pool.ts';

const chunkRows = 5000;

/** Adopts every row of every registered variant in chunks; returns how many were adopted. Safe to run at any time and again. */
export async function adoptRows(session: Session, registry: Registry): Promise<number> {
  let adopted = 0;
  for (const { variants } of registry.mappings) {
    for (const variant of variants) adopted += await adoptVariant(session, variant);
  }
  return adopted;
}

/** Adopts the one row of this key; false when there is none or it has its resource already. */
export async function adoptRow(session: Session, variant: CompiledVariant, key: number): Promise<boolean> {
  return (await session.modify(adoptStatement(variant, 't.KEY = ?'), [key])).affectedRows > 0;
}

async function adoptVariant(session: Session, variant: CompiledVariant): Promise<number> {
  const { table, key } = variant.variant.source;
  let adopted = 0;
  for (let from = 0; ; ) {
    // The chunk's end is found first, so that sparse keys make no empty rounds.
    const [last] = await session.rows(
      `SELECT MAX(k) FROM (SELECT ${key} AS k FROM ${table} WHERE ${key} > ? ORDER BY ${key} LIMIT ${chunkRows}) c`,
      [from],
    );
    if (last?.[0] === null || last?.[0] === undefined) return adopted;
    const to = Number(last[0]);
    const range: Bound[] = [from, to];
    adopted += (await session.modify(adoptStatement(variant, 't.KEY > ? AND t.KEY <= ?'), range)).affectedRows;
    from = to;
  }
}

/**
 * A row's first known version: as old as its last change in MediMax, where the table says so. The feed gets an entry for each,
 * from a trigger-free statement of its own (see enterAdopted).
 */
function adoptStatement({ resourceType, name, variant: { source } }: CompiledVariant, range: string): string {
  const where = source.where ? ` AND t.${source.where.column} = '${source.where.value}'` : '';
  const joinParent = source.parent
    ? ` JOIN ${source.parent.table} p ON p.${source.parent.key} = t.${source.parent.foreignKey}`
    : '';
  const patient = source.patient === 'parent' ? 'p.patient_id' : 't.patient_id';
  return (
    'INSERT INTO fhir_resource (type, id, variant, source_key, patient_key, version, last_updated, state, tx, refined, origin) ' +
    `SELECT '${resourceType}', CONCAT('${source.idPrefix}-', t.${source.key}), '${name}', t.${source.key}, ${patient}, 1, UTC_TIMESTAMP(6), 0, 0, 0, 'medimax' ` +
    `FROM ${source.table} t${joinParent} ` +
    `LEFT JOIN fhir_resource r ON r.type = '${resourceType}' AND r.variant = '${name}' AND r.source_key = t.${source.key} ` +
    `LEFT JOIN fhir_resource o ON o.type = '${resourceType}' AND o.id = CONCAT('${source.idPrefix}-', t.${source.key}) ` +
    `WHERE ${range.replaceAll('KEY', source.key)}${where}${unlessLinked(source, 't')} AND r.rid IS NULL AND o.rid IS NULL ` +
    // What the journal has is entered with its time and statement.
    `AND NOT EXISTS (SELECT 1 FROM fhir_journal j WHERE j.row_key = t.${source.key} AND j.place = ${placeOf(source.table)})`
  );
}

/** Enters adopted resources into the change feed, once each. */
export async function enterAdopted(session: Session): Promise<void> {
  await session.modify(
    'INSERT INTO fhir_change (rid, version, patient_key) SELECT r.rid, r.version, r.patient_key FROM fhir_resource r ' +
      'LEFT JOIN fhir_change c ON c.rid = r.rid AND c.version = r.version WHERE c.change_id IS NULL AND r.state < 2 ORDER BY r.rid',
  );
}
