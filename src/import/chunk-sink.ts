/** Where files that come in are kept: a row for each file, its lines in packed chunks. */
import type { Session } from '../db/pool.ts';
import type { FileKind } from './job.ts';
import type { PackedLines } from './packing.ts';

export interface NewChunk {
  readonly jobId: number;
  readonly no: number;
  readonly fileNo: number;
  readonly firstLine: number;
  readonly firstOffset: number;
  readonly lineCount: number;
}

export type ChunkSink = ReturnType<typeof chunkSink>;

/** `within` gives each write its session, and may refuse it. */
export function chunkSink(within: (jobId: number, write: (on: Session) => Promise<void>) => Promise<void>) {
  return {
    addFile(jobId: number, fileNo: number, name: string, kind: FileKind): Promise<void> {
      return within(jobId, async (on) => {
        await on.modify('INSERT INTO fhir_import_file (job_id, file_no, name, kind) VALUES (?, ?, ?, ?)', [
          jobId,
          fileNo,
          name.slice(0, 255),
          kind,
        ]);
      });
    },

    addChunk(chunk: NewChunk, packed: PackedLines): Promise<void> {
      return within(chunk.jobId, async (on) => {
        await on.modify(
          'INSERT INTO fhir_import_chunk (job_id, chunk_no, file_no, first_line, first_offset, line_count, body, places) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
          [chunk.jobId, chunk.no, chunk.fileNo, chunk.firstLine, chunk.firstOffset, chunk.lineCount, packed.body, packed.places],
        );
        await on.modify('UPDATE fhir_import_job SET touched_at = UTC_TIMESTAMP(6) WHERE job_id = ?', [chunk.jobId]);
      });
    },

    sealFile(jobId: number, fileNo: number, lines: number, bytes: number): Promise<void> {
      return within(jobId, async (on) => {
        await on.modify('UPDATE fhir_import_file SET line_count = ?, byte_count = ? WHERE job_id = ? AND file_no = ?', [
          lines,
          bytes,
          jobId,
          fileNo,
        ]);
      });
    },
  };
}
