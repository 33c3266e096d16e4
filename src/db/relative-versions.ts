/** Gives resources that change because a relative's row changes their new version, before and after the rows are written. */

import { type Change, enterChanges, supersede, type Writing } from './books.ts';
import { after } from './clock.ts';
import type { DatabaseParts } from './parts.ts';
import type { Bound, Session } from './pool.ts';
import type { Relatives } from './relatives.ts';
import type { ResourceRecord } from './repository.ts';
import { datetimeOf } from './select.ts';

/** Relatives whose present state is safely kept as a version; `finish` moves them on. */
export interface BegunVersions {
  readonly records: readonly ResourceRecord[];
  finish(session: Session, writing: Writing): Promise<void>;
}

/** Locks the relatives and keeps their present state as superseded versions. `except` has its own version already. */
export async function beginVersions(
  parts: DatabaseParts,
  session: Session,
  relatives: readonly Relatives[],
  except: readonly number[] = [],
): Promise<BegunVersions> {
  const begun: { readonly record: ResourceRecord; readonly staleBits: number }[] = [];
  for (const { variant, keyColumn, key, staleBits } of relatives) {
    const select = parts.select(variant);
    const records = select.decode(await session.rows(select.lockBy(keyColumn), [key]));
    for (const record of records) if (!except.includes(record.rid)) begun.push({ record, staleBits });
  }
  const records = begun.map(({ record }) => record);
  await supersede(session, records);
  return {
    records,
    async finish(on, writing) {
      const changes: Change[] = [];
      for (const { record, staleBits } of begun) {
        const values: Bound[] = [
          datetimeOf(after(record.lastUpdated, writing.lastUpdated)),
          writing.tx,
          writing.origin,
          staleBits,
          record.rid,
        ];
        await on.modify(
          'UPDATE fhir_resource SET version = version + 1, last_updated = ?, tx = ?, origin = ?, refined = refined & ~? WHERE rid = ?',
          values,
        );
        changes.push({ rid: record.rid, version: record.version + 1, patientKey: patientKeyOf(record) });
      }
      await enterChanges(on, changes);
    },
  };
}

/** patient_id of the row a record is made of. */
export function patientKeyOf({ variant, stored }: Pick<ResourceRecord, 'variant' | 'stored'>): number | null {
  const columns = variant.variant.source.patient === 'parent' ? stored?.parent : stored?.row;
  const key = columns?.['patient_id'];
  return typeof key === 'number' ? key : null;
}
