/** Chunks of an import as they are kept: their numbers, their lines and what became of these. */
import type { Session } from '../db/pool.ts';
import type { Chunk } from './job.ts';
import { unpackLedger, unpackLines } from './packing.ts';

export async function chunkNumbers(session: Session, jobId: number): Promise<number[]> {
  const rows = await session.rows('SELECT chunk_no FROM fhir_import_chunk WHERE job_id = ? ORDER BY chunk_no', [jobId]);
  return rows.map(([no]) => Number(no));
}

export async function readChunk(session: Session, jobId: number, chunkNo: number): Promise<Chunk> {
  const [row] = await session.rows(
    'SELECT c.file_no, f.kind, f.name, c.epoch, c.attempts, c.first_line, c.first_offset, c.body, c.places, c.ledger FROM fhir_import_chunk c JOIN fhir_import_file f ON f.job_id = c.job_id AND f.file_no = c.file_no WHERE c.job_id = ? AND c.chunk_no = ?',
    [jobId, chunkNo],
  );
  if (!row) throw new Error('A chunk has vanished');
  const [fileNo, kind, fileName, epoch, attempts, firstLine, firstOffset] = row;
  const [body, places, ledger] = row.slice(7) as unknown as [Buffer, Buffer | null, Buffer | null]; // BLOB columns
  return {
    jobId,
    no: chunkNo,
    fileNo: Number(fileNo),
    kind: kind === 'bundle' ? 'bundle' : 'ndjson',
    fileName: String(fileName),
    epoch: Number(epoch),
    attempts: Number(attempts),
    lines: await unpackLines({ body, places }, Number(firstLine), Number(firstOffset)),
    ledger: ledger === null ? null : await unpackLedger(ledger),
  };
}
