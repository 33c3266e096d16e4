/** How far an import has come: its files, its lines and what became of them, the chunks that are left. */
import type { Session } from '../db/pool.ts';
import { addCounts, type ChunkCounts, type Counts, type FileKind } from './job.ts';
import { now } from './job-tables.ts';

export interface Progress {
  readonly chunks: number;
  readonly chunksDone: number;
  readonly waiting: number;
  readonly lines: number;
  readonly counts: Counts;
  /** Lines with an error or a warning: as many has the report of outcomes. */
  readonly told: number;
}

export interface StoredFile {
  readonly no: number;
  readonly name: string;
  readonly kind: FileKind;
  readonly lines: number;
  readonly bytes: number;
}

export function jobProgress(session: Session) {
  return {
    async files(jobId: number): Promise<StoredFile[]> {
      const rows = await session.rows(
        'SELECT file_no, name, kind, line_count, byte_count FROM fhir_import_file WHERE job_id = ? ORDER BY file_no',
        [jobId],
      );
      return rows.map(([no, name, kind, lines, bytes]) => ({
        no: Number(no),
        name: String(name),
        kind: kind === 'bundle' ? 'bundle' : 'ndjson',
        lines: Number(lines),
        bytes: Number(bytes),
      }));
    },

    async progress(jobId: number): Promise<Progress> {
      const rows = await session.rows(
        'SELECT state, waiting, line_count, counts FROM fhir_import_chunk WHERE job_id = ? ORDER BY chunk_no',
        [jobId],
      );
      return {
        chunks: rows.length,
        chunksDone: rows.filter(([state]) => Number(state) === 2).length,
        waiting: rows.reduce((sum, [, waiting]) => sum + Number(waiting), 0),
        lines: rows.reduce((sum, [, , lines]) => sum + Number(lines), 0),
        ...addCounts(rows.flatMap(([, , , counts]) => (counts ? [JSON.parse(String(counts)) as ChunkCounts] : []))),
      };
    },

    /** Chunks of a job that are free to take now, and finished ones: the latter tells one sweep from another. */
    async free(jobId: number): Promise<{ readonly free: number; readonly mark: string }> {
      const [row] = await session.rows(
        `SELECT COUNT(CASE WHEN state = 0 OR (state = 1 AND lease_until < ${now}) THEN 1 END), COUNT(CASE WHEN state = 2 THEN 1 END), SUM(epoch), COUNT(CASE WHEN state = 1 THEN 1 END) FROM fhir_import_chunk WHERE job_id = ?`,
        [jobId],
      );
      const all = Number(row?.[0]) + Number(row?.[3]);
      return { free: all === 0 ? 1 : Number(row?.[0]), mark: `${Number(row?.[1])}.${Number(row?.[2])}` };
    },
  };
}
