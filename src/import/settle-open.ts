/** References to what had not come when their lines were done: some have come since, the last pass tells of the others. */
import type { Job, LineIssue, LineOutcome } from './job.ts';
import { findHere } from './look-up.ts';
import type { ImportParts } from './parts.ts';

/** References to what may still come: those that have come are no matter any more; in the last pass the others are told. */
export async function settleOpen({ store }: ImportParts, job: Job, ledger: LineOutcome[]): Promise<void> {
  const addresses = ledger.flatMap(({ open }) => open ?? []).map(([type, id]) => ({ type, id }));
  if (addresses.length === 0) return;
  const here = await findHere(store.session, addresses);
  ledger.forEach((outcome, index) => {
    if (!outcome.open) return;
    const { open, ...rest } = outcome;
    const left = open.filter(([type, id]) => here.get(`${type}/${id}`)?.state !== 0);
    if (left.length === 0) ledger[index] = rest;
    else if (!job.lastPass) ledger[index] = { ...rest, open: left };
    else {
      const warnings = left.map(([type, id]): LineIssue => {
        const text = `It refers to ${type}/${id}, which has not come; the reference holds as soon as it comes`;
        return { severity: 'warning', code: 'not-found', text };
      });
      ledger[index] = { ...rest, i: [...(rest.i ?? []), ...warnings] };
    }
  });
}
