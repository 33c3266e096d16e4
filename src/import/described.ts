/** What the ledger says of a line whatever became of it: its type, what was noticed, and its open references. */
import type { LineIssue, LineOutcome } from './job.ts';
import type { NewResource, SingleWrite } from './prepared.ts';

export function described(
  { parsed, issues, open }: NewResource | SingleWrite,
  all: readonly LineIssue[] = issues,
): Pick<LineOutcome, 't' | 'i' | 'open'> {
  return { t: parsed.type, ...(all.length > 0 ? { i: all } : {}), ...(open && open.length > 0 ? { open } : {}) };
}
