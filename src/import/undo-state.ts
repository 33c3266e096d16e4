/** What is kept of an import's undo: who is at it, as with a fetch, what it has taken back, and what it could not. */
import type { UndoConflict } from './job.ts';
import { type JobTables, now } from './job-tables.ts';

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

    async endUndo(
      jobId: number,
      result: { readonly undone: number; readonly conflicts: readonly UndoConflict[] },
    ): Promise<void> {
      await session.modify(
        `UPDATE fhir_import_job SET state = 'undone', undo_result = ?, touched_at = ${now}, finished_at = ${now} WHERE job_id = ? AND state = 'undoing'`,
        [JSON.stringify(result), jobId],
      );
    },

    async undoResult(jobId: number): Promise<{ readonly undone: number; readonly conflicts: readonly UndoConflict[] } | null> {
      const [row] = await session.rows("SELECT undo_result FROM fhir_import_job WHERE job_id = ? AND state = 'undone'", [jobId]);
      return row?.[0] ? JSON.parse(String(row[0])) : null;
    },

    /** So that the same line, sent again, is news again. */
    async forgetLine(rid: number, source: string, type: string, id: string): Promise<void> {
      await session.modify("UPDATE fhir_import_line SET digest = '' WHERE rid = ?", [rid]);
      await session.modify('UPDATE fhir_import_alias SET digest = NULL WHERE source = ? AND local_type = ? AND local_id = ?', [
        source,
        type,
        id,
      ]);
    },
  };
}
