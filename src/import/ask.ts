/** What is known of the resources that the lines of a chunk are, or refer to. */
import type { Session } from '../db/pool.ts';
import { findEarlier } from './earlier-lines.ts';
import { findSearched } from './find-searched.ts';
import type { Job } from './job.ts';
import {
  type Address,
  addressKey,
  canBeAlias,
  findAliases,
  findOwn,
  findPatients,
  type Identifier,
  identifiersOf,
} from './look-up.ts';
import type { Parsed } from './parse-line.ts';
import type { ImportParts } from './parts.ts';
import { predictedPatients } from './predicted-patients.ts';
import type { ChunkState, NewAlias } from './prepared.ts';
import type { Mention } from './references.ts';
import { localId } from './source.ts';

/** Asks the database once for the whole chunk. */
export async function askFor(
  { parts, store, registry }: ImportParts,
  job: Job,
  parsed: readonly Parsed[],
  mentions: readonly Mention[],
) {
  const wanted: Address[] = parsed.filter(({ type }) => registry.get(type)).map(({ type, id }) => ({ type, id }));
  const urns = new Set<string>();
  const identifiers: Identifier[] = [];
  const searched = new Map<string, { readonly type: string; readonly query: string }>();
  for (const { meaning } of mentions) {
    if (meaning.kind === 'own' && registry.get(meaning.type)) wanted.push({ type: meaning.type, id: meaning.id });
    if (meaning.kind === 'urn') urns.add(meaning.id);
    if (meaning.kind === 'identifier' || (meaning.kind === 'identified' && meaning.type === 'Patient'))
      identifiers.push({ system: meaning.system, value: meaning.value });
    if (meaning.kind === 'searched' && meaning.query !== null && registry.get(meaning.type))
      searched.set(meaning.text, { type: meaning.type, query: meaning.query });
  }
  const { own, aliases } = await findOwn(store.session, job.source, wanted, [...urns], registry.resourceTypes);
  const rids = parsed.flatMap(({ type, id }) => own.get(addressKey(type, id))?.rid ?? []);
  const earlier = await findEarlier(store.session, rids);
  const names = new Map<string, { readonly type: string; readonly id: string | null }>();
  const predicted = job.options.dryRun ? await predictedNames(store.session, job, wanted, [...urns]) : [];
  for (const { type, id, localType, localId: local } of predicted)
    names.set(addressKey(type, id), { type: localType, id: local });
  for (const alias of aliases.values()) names.set(addressKey(alias.type, alias.id), { type: alias.localType, id: alias.localId });
  for (const [name, { type, id }] of own) names.set(name, { type, id });
  for (const one of parsed) {
    if (one.type === 'Patient' && !own.has(addressKey('Patient', one.id))) identifiers.push(...identifiersOf(one.resource));
  }
  const { found, stale } = await findPatients(parts, store.session, identifiers);
  const foreseen = job.options.dryRun ? await predictedPatients(store.session, predictedSource(job), identifiers) : [];
  const identified = new Map([...foreseen, ...found, ...(await findSearched(parts, store.session, searched))]);
  return { own: new Map(own), names, identified, stale, predicted, earlier };
}

/** What a dry run would have made in other chunks. */
async function predictedNames(session: Session, job: Job, wanted: readonly Address[], urns: readonly string[]) {
  const ids = [...new Set([...wanted.map(({ id }) => id), ...urns])];
  return [...(await findAliases(session, predictedSource(job), ids)).values()];
}

/** Predictions lie among the aliases under a name that no source can have. */
export function predictedSource(job: Job): string {
  return `?${job.id}`;
}

/** Names for the resources of this very chunk, and the aliases that must be kept for those to come. */
export function namesOf(
  { names, job, chunk }: ChunkState,
  parsed: readonly Parsed[],
  isServed: (type: string) => boolean,
): readonly NewAlias[] {
  const aliases: NewAlias[] = [];
  for (const { type, id, urn } of parsed) {
    const local = isServed(type) ? localId(job.source, id) : null;
    if (urn !== undefined && canBeAlias(urn)) aliases.push({ id: urn, type: 'urn', localType: type, localId: local });
    if (local === null && chunk.kind === 'bundle') aliases.push({ id, type: 'urn', localType: type, localId: null });
    if (urn !== undefined && !names.has(addressKey('urn', urn))) names.set(addressKey('urn', urn), { type, id: local });
    if (type !== 'Patient' && !names.has(addressKey('urn', id))) names.set(addressKey('urn', id), { type, id: local });
  }
  return aliases;
}

/** References by our own absolute URL: their keys are needed like any other's. */
export async function addOurs({ given, keys }: ChunkState, text: string): Promise<void> {
  if (keys.has(text)) return;
  const [type = '', id = ''] = text.split('/');
  const record = given.registry.get(type) ? await given.repository.read(type, id) : null;
  const key = record?.stored?.row[record.variant.variant.source.key];
  if (typeof key === 'number') keys.set(text, key);
}
