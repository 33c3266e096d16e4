/** Keeps where the ids of a source lead, when that does not follow from them. */
import { insertMany } from '../db/bulk-insert.ts';
import type { Bound, Session } from '../db/pool.ts';
import type { NewAlias } from './prepared.ts';

/** What a dry run would have made, and of which line. */
export interface Predicted extends NewAlias {
  readonly digest: string | null;
  readonly lineNo: number;
}

/** Those that are there already stay as they are. */
export async function keepAliases(
  on: Session,
  source: string,
  jobId: number,
  aliases: readonly (NewAlias | Predicted)[],
): Promise<void> {
  const rows = aliases.map((alias): Bound[] => {
    const { digest, lineNo } = 'digest' in alias ? alias : { digest: null, lineNo: 0 };
    return [source, alias.id, alias.type, alias.localType, alias.localId, digest, jobId, lineNo];
  });
  const columns = ['source', 'id', 'type', 'local_type', 'local_id', 'digest', 'job_id', 'line_no'];
  await insertMany(on, 'fhir_import_alias', columns, rows, 'ON DUPLICATE KEY UPDATE job_id = job_id');
}

/** A later line has its say on what a dry run would have made. */
export async function keepLater(on: Session, source: string, { id, type, digest, lineNo }: Predicted): Promise<void> {
  await on.modify(
    'UPDATE fhir_import_alias SET digest = ?, line_no = ? WHERE source = ? AND id = ? AND type = ? AND line_no < ?',
    [digest, lineNo, source, id, type, lineNo],
  );
}
