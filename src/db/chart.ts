/** A patient's chart: which resources belong to it, and a stamp that changes with every change of any of them. */
import type { DatabaseParts } from './parts.ts';
import { type Bound, sessionOf } from './pool.ts';
import type { Repository, ResourceRecord } from './repository.ts';
import { datetimeOf } from './select.ts';

export interface ChartQuery {
  readonly patientKey: number;
  /** Types of the registry; absent: all. */
  readonly types?: readonly string[];
  /** Instant with microseconds: only what was written at or after it. */
  readonly since?: string;
  /** Resources after this one (see `placeOf`). */
  readonly after?: number;
  readonly limit: number;
}

export interface Chart {
  /**
   * Read before the chart itself: what is kept under it is never older than it. A greatest change number alone would not do, as numbers
   * are taken before the commit; nor would the changes alone, as a record moved to another patient leaves its change there.
   */
  stamp(patientKey: number): Promise<string>;
  /** The patient first, then the resources in the order in which they came to be. */
  list(query: ChartQuery): Promise<readonly ResourceRecord[]>;
  count(query: Omit<ChartQuery, 'after' | 'limit'>): Promise<number>;
}

/** Where the next page goes on: the patient is before everything. */
export function placeOf({ resourceType, rid }: ResourceRecord): number {
  return resourceType === 'Patient' ? 0 : rid;
}

export function createChart(parts: DatabaseParts, repository: Repository): Chart {
  const session = sessionOf(parts.pool, parts.timeoutMs);
  return {
    async stamp(patientKey) {
      await parts.journal.settle();
      const [row] = await session.rows(
        "SELECT (SELECT CONCAT(COALESCE(MAX(change_id), 0), '.', COUNT(*)) FROM fhir_change WHERE patient_key = ?), " +
          '(SELECT COUNT(*) FROM fhir_resource WHERE patient_key = ?)',
        [patientKey, patientKey],
      );
      return `${row?.[0]}.${row?.[1]}`;
    },
    async list(query) {
      const { where, values } = conditions(parts, query);
      const after = query.after === undefined ? '' : " AND r.type <> 'Patient' AND r.rid > ?";
      const rows = await session.rows(
        `SELECT r.rid, r.type FROM fhir_resource r WHERE ${where}${after} ORDER BY r.type <> 'Patient', r.rid LIMIT ${Math.trunc(query.limit)}`,
        query.after === undefined ? values : [...values, query.after],
      );
      const records = new Map<number, ResourceRecord>();
      for (const [type, ofType] of Map.groupBy(rows, (row) => String(row[1]))) {
        const rids = ofType.map(([rid]) => Number(rid));
        for (const record of await repository.readMany(type, rids)) records.set(record.rid, record);
      }
      return rows.flatMap(([rid]) => {
        const record = records.get(Number(rid));
        return record?.state === 'living' ? [record] : [];
      });
    },
    async count(query) {
      const { where, values } = conditions(parts, query);
      const [row] = await session.rows(`SELECT COUNT(*) FROM fhir_resource r WHERE ${where}`, values);
      return Number(row?.[0] ?? 0);
    },
  };
}

function conditions(
  { registry }: DatabaseParts,
  { patientKey, types = registry.resourceTypes, since }: Omit<ChartQuery, 'after' | 'limit'>,
): { readonly where: string; readonly values: readonly Bound[] } {
  const marks = types.length === 0 ? 'NULL' : types.map(() => '?').join(', ');
  return {
    where: `r.patient_key = ? AND r.state = 0 AND r.type IN (${marks})${since === undefined ? '' : ' AND r.last_updated >= ?'}`,
    values: [patientKey, ...types, ...(since === undefined ? [] : [datetimeOf(since)])],
  };
}
