/** What is kept of an import's undo: who is at it, as with a fetch, what it has taken back, and what it could not. */
import { type Chunk, countOutcomes, type LineIssue, type UndoConflict } from './job.ts';
import { type JobTables, now } from './job-tables.ts';
import { packLedger } from './packing.ts';

export interface UndoResult {
  /** Lines whose resources are as before. */
  readonly undone: number;
  readonly conflicts: readonly UndoConflict[];
  /** Those that are not listed here, but with their lines. */
  readonly furtherConflicts?: number;
}

export function undoState({ session, transaction }: JobTables) {
  return {
    /** Keeps an undo, or the fetching of files, for its holder; false while another has it. */
    async holdJob(jobId: number, holder: string, leaseMs: number, state: 'undoing' | 'fetching' = 'undoing'): Promise<boolean> {
      const { affectedRows } = await transaction((on) =>
        on.modify(
          `UPDATE fhir_import_job SET touched_at = ${now}, undo_result = ? WHERE job_id = ? AND state = ? AND (undo_result IS NULL OR undo_result = ? OR touched_at < ${now} - INTERVAL ? MICROSECOND)`,
          [JSON.stringify({ holder }), jobId, state, JSON.stringify({ holder }), leaseMs * 1000],
        ),
      );
      return affectedRows > 0;
    },

    /** Whether a worker is at a chunk of it. */
    async isHeld(jobId: number): Promise<boolean> {
      const [row] = await session.rows(
        `SELECT 1 FROM fhir_import_chunk WHERE job_id = ? AND state = 1 AND lease_until >= ${now} LIMIT 1`,
        [jobId],
      );
      return row !== undefined;
    },

    /** Whoever still has a chunk cannot write any more. */
    async fence(jobId: number): Promise<void> {
      await session.modify('UPDATE fhir_import_chunk SET epoch = epoch + 1, state = 0 WHERE job_id = ? AND state = 1', [jobId]);
    },

    /** Says with the lines what could not be taken back; texts by index of the line. */
    async tellConflicts({ jobId, no, lines, ledger }: Chunk, told: ReadonlyMap<number, string>): Promise<void> {
      const said = lines.map((_, index) => {
        const outcome = ledger?.[index] ?? { s: 'pending' as const };
        const text = told.get(index);
        if (text === undefined) return outcome;
        const issue: LineIssue = { severity: 'warning', code: 'conflict', text: `Not taken back: ${text}` };
        return { ...outcome, i: [...(outcome.i ?? []).filter((other) => other.text !== issue.text), issue] };
      });
      await session.modify('UPDATE fhir_import_chunk SET counts = ?, ledger = ? WHERE job_id = ? AND chunk_no = ?', [
        JSON.stringify(countOutcomes(said)),
        await packLedger(said),
        jobId,
        no,
      ]);
    },

    async endUndo(jobId: number, result: UndoResult): Promise<void> {
      await session.modify(
        `UPDATE fhir_import_job SET state = 'undone', undo_result = ?, touched_at = ${now}, finished_at = ${now} WHERE job_id = ? AND state = 'undoing'`,
        [JSON.stringify(result), jobId],
      );
    },

    async undoResult(jobId: number): Promise<UndoResult | null> {
      const [row] = await session.rows("SELECT undo_result FROM fhir_import_job WHERE job_id = ? AND state = 'undone'", [jobId]);
      return row?.[0] ? JSON.parse(String(row[0])) : null;
    },

    /** So that the same line, sent again, is news again; that the source has said something of it stays known. */
    async forgetLine(rid: number, source: string, type: string, id: string): Promise<void> {
      await session.modify("UPDATE fhir_import_line SET digest = '' WHERE rid = ?", [rid]);
      await session.modify("UPDATE fhir_import_alias SET digest = '' WHERE source = ? AND local_type = ? AND local_id = ?", [
        source,
        type,
        id,
      ]);
    },
  };
}
