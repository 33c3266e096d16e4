/** Puts the gateway's own tables right; MediMax's are never touched. */
import { linkedVariants, looseTies } from '../linked-rows.ts';
import type { DatabaseParts } from '../parts.ts';
import { sessionOf } from '../pool.ts';
import { sweepAll } from '../sweep.ts';
import { inTransaction } from '../transaction.ts';

/** Returns what was done, for people. */
export async function fixBooks(parts: DatabaseParts, compareContent: boolean): Promise<readonly string[]> {
  const session = sessionOf(parts.pool, parts.timeoutMs);
  const done: string[] = [];
  const run = async (what: string, sql: string) => {
    const { affectedRows } = await session.modify(sql);
    if (affectedRows > 0) done.push(`${what}: ${affectedRows}`);
  };
  await run(
    'versions of no resource removed',
    'DELETE v FROM fhir_version v LEFT JOIN fhir_resource r ON r.rid = v.rid WHERE r.rid IS NULL',
  );
  await run(
    'versions ahead of their resource removed',
    'DELETE v FROM fhir_version v JOIN fhir_resource r ON r.rid = v.rid WHERE v.version >= r.version',
  );
  await run(
    'doubled changes removed',
    'DELETE c FROM fhir_change c JOIN (SELECT rid, version, MIN(change_id) AS kept FROM fhir_change GROUP BY rid, version HAVING COUNT(*) > 1) d ' +
      'ON d.rid = c.rid AND d.version = c.version WHERE c.change_id > d.kept',
  );
  await parts.journal.settle();
  for (const variant of linkedVariants(parts.registry))
    await run('loose ties of further rows removed', `DELETE l ${looseTies(variant)}`);
  const swept = await sweepAll(parts, { compareContent });
  for (const [what, count] of Object.entries(swept)) if (count > 0) done.push(`${what}: ${count}`);
  const settled = await settleTroubles(parts);
  if (settled > 0) done.push(`resources whose change had not been entered: ${settled}`);
  await run(
    'changes entered',
    'INSERT INTO fhir_change (rid, version, patient_key) SELECT r.rid, r.version, r.patient_key FROM fhir_resource r ' +
      'LEFT JOIN fhir_change c ON c.rid = r.rid AND c.version = r.version WHERE c.change_id IS NULL AND r.state < 2 ORDER BY r.rid',
  );
  return done;
}

/** What a trigger could not enter gets a version now; what the version before said is not known any more, and its history says so. */
async function settleTroubles(parts: DatabaseParts): Promise<number> {
  const settings = { deadline: Date.now() + 60_000, timeoutMs: parts.timeoutMs, committed: async () => false };
  return inTransaction(parts.pool, settings, async (session) => {
    const troubles = await session.rows('SELECT trouble_id, place, source_key FROM fhir_trouble FOR UPDATE');
    let settled = 0;
    for (const [, place, key] of troubles) {
      for (const { variants } of parts.registry.mappings) {
        for (const { resourceType, name, variant } of variants) {
          if (variant.source.table !== place || key === null || key === undefined) continue;
          const [row] = await session.rows(
            'SELECT rid FROM fhir_resource WHERE type = ? AND variant = ? AND source_key = ? AND state = 0 AND last_updated < (SELECT MAX(noted) FROM fhir_trouble WHERE place = ? AND source_key = ?) FOR UPDATE',
            [resourceType, name, key, String(place), key],
          );
          if (!row) continue;
          await session.modify(
            'INSERT INTO fhir_version (rid, version, variant, last_updated, state, refined, origin, doc, overlay) ' +
              'SELECT rid, version, variant, last_updated, state, refined, origin, NULL, overlay FROM fhir_resource WHERE rid = ?',
            [Number(row[0])],
          );
          await session.modify(
            "UPDATE fhir_resource SET version = version + 1, last_updated = GREATEST(UTC_TIMESTAMP(6), last_updated + INTERVAL 1 MICROSECOND), origin = 'medimax', tx = 0 WHERE rid = ?",
            [Number(row[0])],
          );
          settled += 1;
        }
      }
    }
    for (const [id] of troubles) await session.modify('DELETE FROM fhir_trouble WHERE trouble_id = ?', [Number(id)]);
    return settled;
  });
}
