/** The columns of every entry of a transaction, worked out before any is written: references to other entries stand for keys yet to come. */
import { error, FhirError, fault } from '../fhir/outcome.ts';
import type { CompiledVariant } from '../mapping/compile.ts';
import type { JsonObject } from '../mapping/lift.ts';
import { type ColumnPlan, neededReferences, planColumns } from '../mapping/plan.ts';
import { liftedContentOf, renderLifted, withoutServerOwned } from '../mapping/render.ts';
import { renderResource } from '../mapping/render-resource.ts';
import type { Env, NeededReference, Stored } from '../mapping/types.ts';
import type { Writing } from './books.ts';
import type { DatabaseParts } from './parts.ts';
import type { Session } from './pool.ts';
import type { ResourceRecord } from './repository.ts';
import { addressOf as addressOfReference, livingKeys, resolveReferences } from './resolve-references.ts';
import { datetimeOf } from './select.ts';
import { type AddressOf, EntriesRefused, isRefusal, type TransactionBundle } from './transaction-bundle-entries.ts';
import type { Identified, NewEntry } from './transaction-bundle-identify.ts';

/** A new resource whose columns are known but for the keys of other new ones: those are negative, `-1` that of the first draft. */
export interface Draft extends NewEntry {
  readonly variant: CompiledVariant;
  readonly plan: ColumnPlan;
  readonly placeholderKey: number;
}

export interface BundlePlan {
  readonly drafts: readonly Draft[];
  readonly env: Env;
  /** `YYYY-MM-DD HH:MM:SS` UTC. */
  readonly timestamp: string;
  /** Keys by address; grows as rows are inserted. */
  readonly known: Map<string, number | null>;
  /** Addresses by provisional ones; grows as rows are inserted. */
  readonly addresses: Map<string, string>;
  readonly addressOf: AddressOf;
  served(record: ResourceRecord): JsonObject;
}

interface Wish {
  readonly index: number;
  readonly variant: CompiledVariant;
  readonly content: JsonObject;
  readonly lifted: JsonObject;
  readonly needed: readonly NeededReference[];
  readonly current: { readonly stored: Stored; readonly lifted: JsonObject } | null;
  readonly create: NewEntry | null;
}

/** @throws EntriesRefused with all issues of all entries */
export async function planBundle(
  parts: DatabaseParts,
  session: Session,
  bundle: TransactionBundle,
  identified: Identified,
  writing: Writing,
): Promise<BundlePlan> {
  const env = parts.env();
  const failures = new Map<number, FhirError>();
  const addresses = new Map(identified.addresses);
  for (const [index, of] of identified.aliases) aliasAddress(bundle, addresses, index, of);
  const known = new Map<string, number | null>();
  const provisional: AddressOf = (address) => addresses.get(address) ?? address;
  const served = (record: ResourceRecord) => renderResource(record, env);

  for (const [at, { entry }] of identified.creates.entries()) known.set(provisional(entry.provisional) ?? '', -1 - at);
  for (const { found } of identified.updates) known.set(`${found.resourceType}/${found.id}`, keyOf(found));
  for (const { found } of identified.deletes) for (const record of found) known.set(`${record.resourceType}/${record.id}`, null);

  const wishes = [
    ...identified.creates.map((create) => attempt(failures, create.entry.index, () => wishOf(parts, env, provisional, create))),
    ...identified.updates.map((update) =>
      attempt(failures, update.entry.index, () => changeOf(parts, env, provisional, served, update)),
    ),
  ].filter((wish) => wish !== null);

  // What is withdrawn has no row that others could refer to by key.
  for (const { create, variant } of wishes)
    if (create && variant.variant.source.rowless) known.set(provisional(create.entry.provisional) ?? '', null);
  await learnKeys(parts, session, known, bundle, wishes);
  for (const { index, resourceType, id } of bundle.reads)
    if ((known.get(`${resourceType}/${id}`) ?? null) === null)
      failures.set(index, fault('not-found', 'not-found', `There is no ${resourceType} with the id ${id}.`));

  const timestamp = datetimeOf(writing.lastUpdated).slice(0, 19);
  const drafts: Draft[] = [];
  for (const wish of wishes) {
    const { variant, content: resource, lifted, needed, current } = wish;
    try {
      const resolved = await resolveReferences(session, needed, parts.references, parts.findByIdentifier, known);
      const plan = planColumns({ variant, resource, lifted, current, resolve: resolved.key, env, timestamp });
      if (wish.create)
        drafts.push({ ...wish.create, variant, plan, placeholderKey: -1 - identified.creates.indexOf(wish.create) });
    } catch (failure) {
      if (!isRefusal(failure)) throw failure;
      failures.set(wish.index, merged(failures.get(wish.index), failure));
    }
  }
  if (failures.size > 0) throw new EntriesRefused(failures);
  return { drafts, env, timestamp, known, addresses, addressOf: (address) => addresses.get(address), served };
}

/** Two equal ifNoneExist are one resource: who refers to the second refers to the first. */
function aliasAddress({ entries }: TransactionBundle, addresses: Map<string, string>, index: number, of: number): void {
  const entry = entries.find((one) => one.index === index);
  const maker = entries.find((one) => one.index === of);
  if (entry?.kind === 'create' && maker?.kind === 'create') addresses.set(entry.provisional, maker.provisional);
}

function attempt<Result>(failures: Map<number, FhirError>, index: number, work: () => Result): Result | null {
  try {
    return work();
  } catch (failure) {
    if (!isRefusal(failure)) throw failure;
    failures.set(index, merged(failures.get(index), failure));
    return null;
  }
}

function merged(before: FhirError | undefined, failure: FhirError): FhirError {
  return before ? new FhirError(before.kind, [...before.issues, ...failure.issues]) : failure;
}

function wishOf(parts: DatabaseParts, env: Env, addressOf: AddressOf, create: NewEntry): Wish {
  const content = create.entry.content(addressOf);
  const variant = parts.registry.variantFor(create.entry.resourceType, content);
  const lifted = liftedContentOf(variant, content, env);
  return {
    index: create.entry.index,
    variant,
    content,
    lifted,
    needed: neededReferences(variant, lifted),
    current: null,
    create,
  };
}

/** What an update will write, to have all its refusals before anything is done; it is planned again under its turn. */
function changeOf(
  parts: DatabaseParts,
  env: Env,
  addressOf: AddressOf,
  served: (record: ResourceRecord) => JsonObject,
  { entry, found }: Identified['updates'][number],
): Wish | null {
  const { stored } = found;
  if (!stored) return null;
  const content = entry.kind === 'patch' ? entry.content(addressOf, served(found)) : entry.content(addressOf);
  const variant = parts.registry.variantAfter(found.variant, content);
  const lifted = liftedContentOf(variant, content, env);
  const currentLifted = withoutServerOwned(variant, renderLifted(variant, stored, found.overlay, found.refined, env));
  return {
    index: entry.index,
    variant,
    content,
    lifted,
    needed: neededReferences(variant, lifted),
    current: variant === found.variant ? { stored, lifted: currentLifted } : null,
    create: null,
  };
}

/** Keys of all resources of others that the Bundle refers to or reads, in one statement. */
async function learnKeys(
  parts: DatabaseParts,
  session: Session,
  known: Map<string, number | null>,
  { reads }: TransactionBundle,
  wishes: readonly Wish[],
): Promise<void> {
  const unknown = new Map<string, { readonly type: string; readonly id: string }>();
  const learn = (address: { readonly type: string; readonly id: string } | null) => {
    if (address && !known.has(`${address.type}/${address.id}`)) unknown.set(`${address.type}/${address.id}`, address);
  };
  for (const { needed } of wishes)
    for (const { reference } of needed) learn(addressOfReference(reference.reference, parts.references.baseUrl));
  for (const { resourceType, id } of reads) learn({ type: resourceType, id });
  const found = await livingKeys(session, [...unknown.values()]);
  for (const address of unknown.keys()) known.set(address, found.get(address) ?? null);
}

/** Null for what has no row. */
export function keyOf({ variant, stored }: ResourceRecord): number | null {
  return variant.variant.source.rowless ? null : Number(stored?.row[variant.variant.source.key]);
}

/** For rules between rows that only their keys can decide. */
export function refused(index: number, text: string, expression: string): EntriesRefused {
  return new EntriesRefused(new Map([[index, new FhirError('unprocessable', [error('business-rule', text, expression)])]]));
}
