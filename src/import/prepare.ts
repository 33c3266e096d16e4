/** From the lines of a chunk to what must be written: all that can be said before a transaction is opened. */

import { type BulkItem, canBulkCreate } from '../db/bulk-create.ts';
import { claimsOn } from '../db/claims.ts';
import type { Session } from '../db/pool.ts';
import { datetimeOf } from '../db/select.ts';
import { error, FhirError, type Issue } from '../fhir/outcome.ts';
import { validate } from '../fhir/validate.ts';
import { lift } from '../mapping/lift.ts';
import { neededReferences, planColumns } from '../mapping/plan.ts';
import { contentOf } from '../mapping/render.ts';
import type { NeededReference } from '../mapping/types.ts';
import type { Chunk, Job, LineIssue, LineOutcome } from './job.ts';
import {
  type Address,
  addressKey,
  findAliases,
  findOwn,
  findPatients,
  type Identifier,
  identifierDigest,
  identifiersOf,
  type Known,
} from './look-up.ts';
import { isParsed, type Parsed, parseLine } from './parse-line.ts';
import type { ImportParts } from './parts.ts';
import { type Directory, type Mention, mentionsIn, rewrite } from './references.ts';
import { isOriginOf, localId, originOf } from './source.ts';

/** A new resource that goes in with the others of its chunk. */
export interface NewResource {
  readonly parsed: Parsed;
  readonly item: BulkItem;
  readonly identifiers: readonly string[];
  readonly issues: readonly LineIssue[];
  readonly open: LineOutcome['open'];
}

/** A resource that is written alone: an update, a merge, or one whose rows change other resources. */
export interface SingleWrite {
  readonly parsed: Parsed;
  readonly known: Known | null;
  readonly id: string;
  readonly merge: boolean;
  /** The patient was known here under another id than the source's gives: where the source's leads must be kept. */
  readonly aliased: boolean;
  readonly identifiers: readonly string[];
  readonly issues: readonly LineIssue[];
  readonly open: LineOutcome['open'];
}

export interface Prepared {
  /** By line; `pending` where there is something to write. */
  readonly ledger: LineOutcome[];
  readonly created: readonly NewResource[];
  readonly singles: readonly SingleWrite[];
  /** Where an id here does not follow from the source's: to be kept for references to come. */
  readonly aliases: readonly NewAlias[];
  /** Identifiers of patients that are gone. */
  readonly stale: ReadonlySet<string>;
}

export interface NewAlias {
  readonly id: string;
  readonly type: string;
  readonly localType: string;
  readonly localId: string | null;
}

/** Lines are numbered through all files of a job, so that the later of two lines is known. */
export function lineNoOf(chunk: Chunk, parsed: Parsed): number {
  return chunk.fileNo * 2 ** 32 + parsed.line.number;
}

interface State {
  readonly given: ImportParts;
  readonly job: Job;
  readonly chunk: Chunk;
  readonly ledger: LineOutcome[];
  readonly last: boolean;
  readonly own: Map<string, Known>;
  /** Ids here of what the source calls `Type/id` or `urn/id`; null: a type without a table. */
  readonly names: Map<string, { readonly type: string; readonly id: string | null }>;
  readonly identified: ReadonlyMap<string, readonly Known[]>;
  /** Keys of rows by `Type/id` here; stand-ins for those that are inserted with this chunk. */
  readonly keys: Map<string, number>;
  readonly created: NewResource[];
  /** Ids of new results that lie under a new report. */
  readonly taken: Set<string>;
  readonly singles: SingleWrite[];
  readonly timestamp: string;
  readonly setWise: boolean;
}

/** `setWise` false: every line is written alone, so that one that the database refuses does not take others along. */
export async function prepareChunk(given: ImportParts, job: Job, chunk: Chunk, setWise: boolean): Promise<Prepared> {
  const { registry, config, parts } = given;
  const isServed = (type: string) => registry.get(type) !== undefined;
  const ledger: LineOutcome[] = chunk.ledger ? [...chunk.ledger] : chunk.lines.map(() => ({ s: 'pending' }));
  const parsed: Parsed[] = [];
  chunk.lines.forEach((line, index) => {
    const before = ledger[index];
    if (before && before.s !== 'pending' && before.s !== 'waiting') return;
    const result = parseLine(index, line, chunk.kind, { depthMax: config.limits.jsonDepthMax, isServed });
    if (isParsed(result)) parsed.push(result);
    else ledger[index] = result;
  });

  const mentions = new Map<Parsed, readonly Mention[]>();
  for (const one of parsed) {
    const theirs = [...(job.options.base ? [job.options.base] : []), ...(one.base ? [one.base] : [])];
    if (isServed(one.type)) mentions.set(one, mentionsIn(one.resource, { here: config.http.baseUrl, theirs }));
  }
  const { own, names, identified, stale, predicted } = await ask(given, job, parsed, [...mentions.values()].flat());
  const state: State = {
    given,
    job,
    chunk,
    ledger,
    last: job.lastPass,
    own,
    names,
    identified,
    keys: new Map(
      [...own.values()].filter(({ state: living }) => living === 0).map(({ type, id, key }) => [addressKey(type, id), key]),
    ),
    created: [],
    taken: new Set(),
    singles: [],
    timestamp: datetimeOf(parts.clock.now()).slice(0, 19),
    setWise,
  };
  for (const { localType, localId: id } of predicted) if (id !== null) state.keys.set(addressKey(localType, id), 0);
  for (const known of [...identified.values()].flat()) state.keys.set(addressKey(known.type, known.id), known.key);
  const aliases = namesOf(state, parsed, isServed);
  for (const reference of [...mentions.values()].flat()) {
    if (reference.meaning.kind === 'ours') await addOurs(state, reference.meaning.text);
  }

  // Of several lines for one resource the last that can be kept counts, so the last is looked at first; patients before all others.
  const settled = new Map<string, Parsed>();
  const inTurn = parsed.toReversed().sort((a, b) => rankOf(registry, a.type) - rankOf(registry, b.type));
  for (const one of inTurn) {
    if (!isServed(one.type)) {
      ledger[one.index] = { s: 'no-table', t: one.type };
      continue;
    }
    const name = addressKey(one.type, one.id);
    const later = settled.get(name);
    if (later) {
      ledger[one.index] =
        later.digest === one.digest
          ? { s: 'unchanged', t: one.type, id: localId(job.source, one.id) }
          : overtaken(one.type, localId(job.source, one.id), `line ${later.line.number} of the same file`);
      continue;
    }
    const outcome = prepareLine(state, one, mentions.get(one) ?? []);
    ledger[one.index] = outcome;
    if (outcome.s !== 'failed') settled.set(name, one);
  }
  await singleOutClaimed(state);
  const stillOpen = <Write extends NewResource | SingleWrite>(write: Write): Write => {
    const open = write.open?.filter(([type, id]) => !state.keys.has(addressKey(type, id)));
    return open?.length === write.open?.length ? write : { ...write, open };
  };
  return { ledger, created: state.created.map(stillOpen), singles: state.singles.map(stillOpen), aliases, stale };
}

/** Patients first, whom all others need; what takes in the rows of others last. */
function rankOf(registry: ImportParts['registry'], type: string): number {
  if (type === 'Patient') return 0;
  return registry.get(type)?.variants.some(({ variant }) => variant.source.child?.taken) ? 2 : 1;
}

async function ask({ parts, store, registry }: ImportParts, job: Job, parsed: readonly Parsed[], mentions: readonly Mention[]) {
  const wanted: Address[] = parsed.filter(({ type }) => registry.get(type)).map(({ type, id }) => ({ type, id }));
  const urns = new Set<string>();
  const identifiers: Identifier[] = [];
  for (const { meaning } of mentions) {
    if (meaning.kind === 'own' && registry.get(meaning.type)) wanted.push({ type: meaning.type, id: meaning.id });
    if (meaning.kind === 'urn') urns.add(meaning.id);
    if (meaning.kind === 'identifier' || (meaning.kind === 'identified' && meaning.type === 'Patient'))
      identifiers.push({ system: meaning.system, value: meaning.value });
  }
  const { own, aliases } = await findOwn(store.session, job.source, wanted, [...urns], registry.resourceTypes);
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
  return { own: new Map(own), names, identified: found, stale, predicted };
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
function namesOf(
  { names, job, chunk }: State,
  parsed: readonly Parsed[],
  isServed: (type: string) => boolean,
): readonly NewAlias[] {
  const aliases: NewAlias[] = [];
  for (const { type, id, urn } of parsed) {
    const local = isServed(type) ? localId(job.source, id) : null;
    if (urn !== undefined) aliases.push({ id: urn, type: 'urn', localType: type, localId: local });
    if (local === null && chunk.kind === 'bundle') aliases.push({ id, type: 'urn', localType: type, localId: null });
    if (urn !== undefined && !names.has(addressKey('urn', urn))) names.set(addressKey('urn', urn), { type, id: local });
    if (type !== 'Patient' && !names.has(addressKey('urn', id))) names.set(addressKey('urn', id), { type, id: local });
  }
  return aliases;
}

/** References by our own absolute URL: their keys are needed like any other's. */
async function addOurs({ given, keys }: State, text: string): Promise<void> {
  if (keys.has(text)) return;
  const [type = '', id = ''] = text.split('/');
  const record = given.registry.get(type) ? await given.repository.read(type, id) : null;
  const key = record?.stored?.row[record.variant.variant.source.key];
  if (typeof key === 'number') keys.set(text, key);
}

/** One line: an outcome at once, or `pending` with what is to be written for it. */
function prepareLine(state: State, one: Parsed, mentions: readonly Mention[]): LineOutcome {
  const { given, job, chunk, own } = state;
  const { type, id } = one;
  const known = own.get(addressKey(type, id));
  const place = lineNoOf(chunk, one);
  if (known) {
    const here = { t: type, id: known.id, v: known.version };
    if (known.jobId === job.id && known.lineNo > place) return overtaken(type, known.id, 'a later line');
    if (known.digest === one.digest) {
      if (known.jobId === job.id && known.lineNo === place && known.origin === originOf(job.source, job.id))
        return { s: known.version === 1 ? 'created' : 'updated', ...here };
      if (known.state === 0) return { s: 'unchanged', ...here };
      const text = `${type}/${known.id} was deleted here since; the same line does not bring it back`;
      return { s: 'unchanged', ...here, i: [{ severity: 'information', code: 'deleted', text }] };
    }
    if (known.digest === null && !isOriginOf(job.source, known.origin)) {
      const text = `${type}/${known.id} exists here and is not of this source`;
      return { s: 'failed', t: type, i: [{ severity: 'error', code: 'conflict', text, expression: `${type}.id` }] };
    }
  }
  const issues = validate(one.resource, type)
    .filter((issue) => !isAdviceOnNarrative(issue, type))
    .map(toLineIssue);
  if (issues.some(({ severity }) => severity === 'error')) return { s: 'failed', t: type, i: issues };

  const patient = type === 'Patient' ? identify(state, one, known) : null;
  if (patient && 's' in patient) return patient;

  const { missing, open } = rewrite(mentions, directoryOf(state), {
    source: job.source,
    sourceBase: job.options.base ?? `${given.config.clinic.canonicalBase}/source/${job.source}`,
    isServed: (other) => given.registry.get(other) !== undefined,
    last: state.last,
  });
  if (missing.length > 0 && !state.last) return { s: 'waiting', t: type };
  for (const { text, expression } of missing) {
    issues.push({
      severity: 'warning',
      code: 'not-found',
      text: `${expression}: ${text} has not come and is not known here`,
      expression,
    });
  }
  try {
    return enter(
      state,
      one,
      known ?? patient?.same ?? null,
      patient?.same !== undefined,
      issues,
      open,
      patient?.identifiers ?? [],
    );
  } catch (thrown) {
    if (!(thrown instanceof FhirError)) throw thrown;
    return { s: 'failed', t: type, i: [...issues, ...thrown.issues.map(toLineIssue)] };
  }
}

/** Results that a report has named before they came are put under it, one by one. */
async function singleOutClaimed({ given: { store }, created, singles }: State): Promise<void> {
  const claimed = new Set<string>();
  const singleOut = (one: NewResource) => {
    const { parsed, item, issues, open, identifiers } = one;
    created.splice(created.indexOf(one), 1); // behind all patients, which alone others stand on
    singles.push({ parsed, known: null, id: item.id, merge: false, aliased: false, identifiers, issues, open });
  };
  for (const [variant, group] of Map.groupBy(created, ({ item }) => item.variant)) {
    const { parent } = variant.variant.source;
    if (!parent?.resourceType) continue;
    const place = { resourceType: parent.resourceType, table: parent.table };
    const ids = group.map(({ item }) => item.id);
    const claims = await claimsOn(store.session, variant.resourceType, ids, place);
    for (const one of group) {
      const { id, plan } = one.item;
      if (!claims.get(id)?.some(({ patientKey }) => patientKey === plan.parent?.['patient_id'])) continue;
      claimed.add(id);
      singleOut(one);
    }
  }
  for (const one of [...created]) if (one.item.takes?.some((id) => claimed.has(id))) singleOut(one);
}

/** Whether a new patient is somebody already known, by identifier. */
function identify(
  { identified, created }: State,
  one: Parsed,
  known: Known | undefined,
): LineOutcome | { readonly same?: Known; readonly identifiers: readonly string[] } {
  const identifiers = identifiersOf(one.resource);
  const digests = [...new Set(identifiers.map(identifierDigest))];
  if (known) return { identifiers: digests };
  const matches = new Map<number, Known>();
  for (const { system, value } of identifiers)
    for (const match of identified.get(`${system}|${value}`) ?? []) matches.set(match.rid, match);
  if (matches.size > 1) {
    const text = `The identifiers belong to ${matches.size} different patients here: ${[...matches.values()].map((match) => `Patient/${match.id}`).join(', ')}`;
    return {
      s: 'failed',
      t: 'Patient',
      i: [{ severity: 'error', code: 'multiple-matches', text, expression: 'Patient.identifier' }],
    };
  }
  // Somebody of this very chunk: known after the chunk is in.
  if (created.some((other) => other.identifiers.some((digest) => digests.includes(digest))))
    return { s: 'waiting', t: 'Patient' };
  const [same] = matches.values();
  return same ? { same, identifiers: digests } : { identifiers: digests };
}

function directoryOf({ names, identified, own }: State): Directory {
  return {
    own: (type, id) => names.get(addressKey(type, id)) ?? own.get(addressKey(type, id)),
    urn: (id) => names.get(addressKey('urn', id)),
    identified(type, system, value) {
      const matches = type === 'Patient' ? identified.get(`${system}|${value}`) : undefined;
      return matches?.length === 1 ? matches[0] : undefined;
    },
  };
}

/** Enters what is to be written; `pending` until it is. */
function enter(
  state: State,
  one: Parsed,
  known: Known | null,
  merge: boolean,
  issues: readonly LineIssue[],
  open: LineOutcome['open'],
  identifiers: readonly string[],
): LineOutcome {
  const { given, job, names, keys, created, singles } = state;
  const { parts, registry } = given;
  const { type, resource } = one;
  const env = parts.env();
  const variant = registry.variantFor(type, resource);
  const id = known?.id ?? localId(job.source, one.id);
  const lifted = lift(contentOf(variant, resource, env), variant.slices, env);
  const needed = neededReferences(variant, lifted);
  const unresolved = needed.filter((need) => !need.optional && keyOf(state, need) === undefined);
  if (unresolved.length > 0) {
    if (!state.last) return { s: 'waiting', t: type };
    throw new FhirError(
      'unprocessable',
      unresolved.map(({ reference, expression }) =>
        error(
          'not-found',
          `${expression}: ${reference.reference ?? 'the patient of that identifier'} has not come and is not known here`,
          expression,
        ),
      ),
    );
  }
  const refersToNew = needed.some((need) => (keyOf(state, need) ?? 0) < 0);
  const patientName = { type: 'Patient', id };
  const takes = takenWith(state, variant, needed);
  if (known === null && state.setWise && takes !== null && canBulkCreateOnce(state, variant)) {
    const plan = planColumns({
      variant,
      resource,
      lifted,
      current: null,
      resolve: (need) => keyOf(state, need) ?? null,
      env,
      timestamp: state.timestamp,
    });
    const patient = needed.find(({ target }) => target === 'Patient');
    const patientId =
      variant.variant.source.patient === 'self' ? id : (patient?.reference.reference?.replace(/^Patient\//, '') ?? null);
    created.push({
      parsed: one,
      item: { variant, id, lifted, plan, takes, patientId: patientId ?? patientOf(state, patient) },
      identifiers,
      issues: [...issues, ...plan.issues.map(toLineIssue)],
      open,
    });
    keys.set(addressKey(type, id), -created.length);
  } else {
    if (refersToNew) return { s: 'pending', t: type }; // its turn comes when the others are in
    const again = known !== null && known.state === 0 && mergesAgain(state, type, known);
    singles.push({ parsed: one, known, id, merge: merge || again, aliased: merge, identifiers, issues, open });
  }
  if (type === 'Patient') {
    names.set(addressKey('Patient', one.id), patientName);
    names.set(addressKey('urn', one.id), patientName);
  }
  return { s: 'pending', t: type };
}

/**
 * The new results of this chunk that a report names, and no other one has: all of what it names, or null. Empty for what takes in nothing.
 * A report that names none might find its row among those that are there, which is for the repository to say.
 */
function takenWith(state: State, variant: BulkItem['variant'], needed: readonly NeededReference[]): readonly string[] | null {
  if (!variant.variant.source.child?.taken) return [];
  const named = new Set(needed.filter(({ optional }) => optional).map(({ reference }) => reference.reference ?? ''));
  const patient = needed.find(({ target }) => target === 'Patient');
  const patientKey = patient && keyOf(state, patient);
  const ids: string[] = [];
  for (const name of named) {
    const key = state.keys.get(name) ?? 0;
    const result = key < 0 ? state.created[-key - 1] : undefined;
    if (!result || state.taken.has(result.item.id) || result.item.plan.parent?.['patient_id'] !== patientKey) return null;
    ids.push(result.item.id);
  }
  if (ids.length === 0) return null;
  for (const id of ids) state.taken.add(id);
  return ids;
}

/** Patients that others know too, or have changed since: what the source may change of them is its setting. */
function mergesAgain({ job }: State, type: string, known: Known): boolean {
  return type === 'Patient' && (known.alias || !isOriginOf(job.source, known.origin));
}

const bulk = new WeakMap<object, boolean>();

function canBulkCreateOnce({ given: { registry } }: State, variant: BulkItem['variant']): boolean {
  const known = bulk.get(variant);
  if (known !== undefined) return known;
  const answer = canBulkCreate(registry, variant);
  bulk.set(variant, answer);
  return answer;
}

function keyOf({ keys, identified }: State, { reference, target }: NeededReference): number | undefined {
  const text = reference.reference;
  if (text !== undefined) {
    if (!text.startsWith(`${target}/`)) return undefined;
    return keys.get(text);
  }
  const { system, value } = reference.identifier ?? {};
  const matches = target === 'Patient' ? identified.get(`${system ?? ''}|${value ?? ''}`) : undefined;
  return matches?.length === 1 ? matches[0]?.key : undefined;
}

function patientOf({ identified }: State, need: NeededReference | undefined): string | null {
  const { system, value } = need?.reference.identifier ?? {};
  return identified.get(`${system ?? ''}|${value ?? ''}`)?.[0]?.id ?? null;
}

function overtaken(type: string, id: string, by: string): LineOutcome {
  const text = `${by} says what ${type}/${id} is now`;
  return { s: 'overtaken', t: type, id, i: [{ severity: 'information', code: 'informational', text }] };
}

/** dom-6 advises a narrative; machines send none, and to say so a million times hides what matters. */
function isAdviceOnNarrative({ severity, code, expression }: Issue, type: string): boolean {
  return severity === 'warning' && code === 'invariant' && expression?.[0] === `${type}.text`;
}

export function toLineIssue({ severity, code, text, expression }: Issue): LineIssue {
  return {
    severity: severity === 'fatal' ? 'error' : severity,
    code,
    text,
    ...(expression?.[0] === undefined ? {} : { expression: expression[0] }),
  };
}
