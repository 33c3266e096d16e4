/** One conditional write or patch: a transaction of a single entry, so that its search and its write are one. */
import type { Seal } from '../../db/kept-answers.ts';
import type { BundleResults, WriteResult } from '../../db/repository.ts';
import { EntriesRefused, type EntryWrite } from '../../db/transaction-bundle-entries.ts';
import type { InteractionContext, InteractionRequest } from '../interaction.ts';

export async function writeOne(
  { config, repository }: InteractionContext,
  { deadline }: InteractionRequest,
  entry: EntryWrite,
  seal?: Seal<readonly WriteResult[]>,
): Promise<readonly WriteResult[]> {
  const bundle = { entries: [entry], references: [], reads: [], requireIfMatch: config.http.requireIfMatch };
  try {
    const sealed = seal && { claim: seal.claim, answer: (all: BundleResults) => seal.answer(all.get(entry.index) ?? []) };
    const results = await repository.transact(bundle, { origin: 'client', deadline }, sealed);
    return results.get(entry.index) ?? [];
  } catch (failure) {
    throw failure instanceof EntriesRefused ? (failure.failures.get(entry.index) ?? failure) : failure;
  }
}

/** The only result of a write that has just one. */
export function onlyResult([result]: readonly WriteResult[]): WriteResult {
  if (!result) throw new Error('A write without a result');
  return result;
}
