/** A transaction Bundle: all its writes in one database transaction, planned and checked before the first of them is done. */
import { newTransactionMark, type Writing } from './books.ts';
import { removeRecord } from './delete.ts';
import { translate } from './errors.ts';
import { expressionOfColumn } from './expression-of-column.ts';
import { sealAnswer } from './idempotency.ts';
import type { Seal } from './kept-answers.ts';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';
import type { BundleResults, ResourceRecord, WriteOptions, WriteResult } from './repository.ts';
import { inTransaction } from './transaction.ts';
import { enterGathered } from './transaction-bundle-books.ts';
import { insertDrafts } from './transaction-bundle-create.ts';
import { EntriesRefused, isRefusal, type TransactionBundle } from './transaction-bundle-entries.ts';
import { identify, lockRecords } from './transaction-bundle-identify.ts';
import { planBundle } from './transaction-bundle-plan.ts';
import { lockAgain, writeVersion } from './update.ts';

/** @throws EntriesRefused; FhirError `unavailable` when the database is busy or away */
export async function writeBundle(
  parts: DatabaseParts,
  bundle: TransactionBundle,
  options: WriteOptions,
  seal?: Seal<BundleResults>,
): Promise<BundleResults> {
  const tx = newTransactionMark();
  let first: WriteResult | undefined;
  const committed = async (session: Session) => {
    if (!first) return true;
    const [row] = await session.rows('SELECT tx FROM fhir_resource WHERE type = ? AND id = ?', [
      first.record.resourceType,
      first.record.id,
    ]);
    return row !== undefined && Number(row[0]) === tx;
  };
  // Conditions and identifiers are looked up under locks that the journal may need: what MediMax has committed is entered before.
  await parts.journal.settle();
  return inTransaction(
    parts.pool,
    { deadline: options.deadline, timeoutMs: parts.timeoutMs, committed, journal: parts.journal },
    async (own) => {
      const session: Session = { ...own, gathered: { superseded: [], changes: [] } };
      const written = await write(parts, session, bundle, { lastUpdated: parts.clock.now(), origin: options.origin, tx });
      const results = withVersions(written, await enterGathered(own, session.gathered));
      if (seal) await sealAnswer(own, seal.claim, seal.answer(results));
      first = [...results.values()].flat().find(({ outcome }) => outcome !== 'unchanged');
      return results;
    },
  );
}

/** R4's order: deletes, creates, updates and patches; each kind in the order of the Bundle. https://hl7.org/fhir/R4/http.html#trules */
async function write(
  parts: DatabaseParts,
  session: Session,
  bundle: TransactionBundle,
  writing: Writing,
): Promise<BundleResults> {
  const identified = await identify(parts, session, bundle);
  const plan = await planBundle(parts, session, bundle, identified, writing);
  const results = new Map<number, readonly WriteResult[]>(identified.settled);

  for (const { entry, found } of identified.deletes) {
    const gone: WriteResult[] = [];
    // A record that went with another one of this Bundle is gone already.
    for (const record of await lockRecords(parts, session, found))
      gone.push(await blaming(entry.index, () => removeRecord(parts, session, record, writing, entry.cascade)));
    results.set(entry.index, gone);
  }

  const created = await insertDrafts(parts, session, plan, writing);
  for (const [index, result] of created) results.set(index, [result]);
  for (const [index, of] of identified.aliases) results.set(index, aliasOf(results.get(of)));

  const current = await lockRecords(
    parts,
    session,
    identified.updates.map(({ found }) => found),
  );
  const byRid = new Map(current.map((record) => [record.rid, record]));
  for (const { entry, found } of identified.updates) {
    const result = await blaming(entry.index, async () => {
      const record = hasRelatives(found) ? await lockAgain(parts, session, found) : byRid.get(found.rid);
      if (!record) throw new Error('A record that is updated has gone under its lock');
      const content =
        entry.kind === 'patch'
          ? entry.content(plan.addressOf, plan.served(record))
          : { ...entry.content(plan.addressOf), id: record.id };
      try {
        return await writeVersion(parts, session, record, content, writing, plan.known);
      } catch (failure) {
        throw translate(failure, expressionOfColumn(record.variant));
      }
    });
    results.set(entry.index, [result]);
  }
  return results;
}

/** Whether other entries may have moved its row, or taken it away: findings go with their reports. */
function hasRelatives({ variant: { variant } }: ResourceRecord): boolean {
  return (
    variant.source.parent !== undefined || variant.source.child?.resourceType !== undefined || variant.source.rowless === true
  );
}

/** Results of resources that were written more than once show the one version that came of it. */
function withVersions(results: BundleResults, versions: ReadonlyMap<number, number>): BundleResults {
  if (versions.size === 0) return results;
  const shown = ({ record, ...result }: WriteResult): WriteResult => {
    const version = versions.get(record.rid);
    return { ...result, record: version === undefined ? record : { ...record, version } };
  };
  return new Map([...results].map(([index, list]) => [index, list.map(shown)]));
}

/** The second of two equal ifNoneExist finds what the first has made. */
function aliasOf(results: readonly WriteResult[] | undefined): readonly WriteResult[] {
  return (results ?? []).map(({ record }) => ({ outcome: 'unchanged', record, issues: [] }));
}

/** A fault of one entry, found while it is written, is said as this entry's. */
async function blaming<Result>(index: number, work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (failure) {
    throw isRefusal(failure) ? new EntriesRefused(new Map([[index, failure]])) : failure;
  }
}
