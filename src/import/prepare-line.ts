/** One line of a chunk: an outcome at once, or what is to be written for it. */
import { type BulkItem, canBulkCreate } from '../db/bulk-create.ts';
import { error, FhirError, type Issue } from '../fhir/outcome.ts';
import { validate } from '../fhir/validate.ts';
import { neededReferences, planColumns } from '../mapping/plan.ts';
import { liftedContentOf } from '../mapping/render.ts';
import type { NeededReference } from '../mapping/types.ts';
import type { LineIssue, LineOutcome } from './job.ts';
import { addressKey, identifierDigest, identifiersOf, type Known } from './look-up.ts';
import type { Parsed } from './parse-line.ts';
import { type ChunkState, lineNoOf, overtaken, toLineIssue } from './prepared.ts';
import { type Directory, type Mention, rewrite } from './references.ts';
import { isOriginOf, localId, originOf } from './source.ts';

/** One line: an outcome at once, or `pending` with what is to be written for it. */
export function prepareLine(state: ChunkState, one: Parsed, mentions: readonly Mention[]): LineOutcome {
  const { given, job, chunk, own } = state;
  const { type, id } = one;
  const known = own.get(addressKey(type, id));
  const place = lineNoOf(chunk, one);
  if (known) {
    const table = given.registry.variant(type, known.variant)?.variant.source.table;
    const here = {
      t: type,
      id: known.id,
      v: known.version,
      ...(table !== undefined && known.state === 0 ? { table, key: known.key } : {}),
    };
    if (known.jobId === job.id && known.lineNo > place) return { ...overtaken(type, known.id, 'a later line'), ...here };
    const earlier = state.earlier.get(known.rid);
    if (known.digest === one.digest) {
      state.claims.push({ parsed: one, known, lineNo: place, hasEarlier: earlier !== undefined });
      if (known.jobId === job.id && known.lineNo === place && known.origin === originOf(job.source, job.id))
        return { s: known.version === 1 ? 'created' : 'updated', ...here };
      if (known.state === 0) return { s: 'unchanged', ...here };
      const text = `${type}/${known.id} was deleted here since; the same line does not bring it back`;
      return { s: 'unchanged', ...here, i: [{ severity: 'information', code: 'deleted', text }] };
    }
    if (earlier?.has(one.digest) && !state.last) return { s: 'waiting', t: type };
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

  const hurries = job.hurries === 'all' || (job.hurries === 'patients' && type === 'Patient');
  const { missing, open, unversioned } = rewrite(mentions, directoryOf(state), {
    source: job.source,
    sourceBase: job.options.base ?? `${given.config.clinic.canonicalBase}/source/${job.source}`,
    isServed: (other) => given.registry.get(other) !== undefined,
    last: hurries,
  });
  if (missing.length > 0 && !hurries) return { s: 'waiting', t: type };
  for (const { text, expression } of missing) {
    issues.push({
      severity: 'warning',
      code: 'not-found',
      text: `${expression}: ${text} has not come and is not known here`,
      expression,
    });
  }
  for (const { version, expression } of unversioned) {
    const text = `${expression}: it names version ${version}, which is left out: the reference leads to the resource as it is now`;
    issues.push({ severity: 'warning', code: 'not-supported', text, expression });
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

/** Whether a new patient is somebody already known, by identifier. */
function identify(
  { identified, created }: ChunkState,
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

function directoryOf({ names, identified, own }: ChunkState): Directory {
  const only = (name: string) => (identified.get(name)?.length === 1 ? identified.get(name)?.[0] : undefined);
  return {
    own: (type, id) => names.get(addressKey(type, id)) ?? own.get(addressKey(type, id)),
    urn: (id) => names.get(addressKey('urn', id)),
    identified: (type, system, value) => (type === 'Patient' ? only(`${system}|${value}`) : undefined),
    searched: only,
  };
}

/** Enters what is to be written; `pending` until it is. */
function enter(
  state: ChunkState,
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
  const lifted = liftedContentOf(variant, resource, env);
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
function takenWith(
  state: ChunkState,
  variant: BulkItem['variant'],
  needed: readonly NeededReference[],
): readonly string[] | null {
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
function mergesAgain({ job }: ChunkState, type: string, known: Known): boolean {
  return type === 'Patient' && (known.alias || !isOriginOf(job.source, known.origin));
}

const bulk = new WeakMap<object, boolean>();

function canBulkCreateOnce({ given: { registry } }: ChunkState, variant: BulkItem['variant']): boolean {
  const known = bulk.get(variant);
  if (known !== undefined) return known;
  const answer = canBulkCreate(registry, variant);
  bulk.set(variant, answer);
  return answer;
}

function keyOf({ keys, identified }: ChunkState, { reference, target }: NeededReference): number | undefined {
  const text = reference.reference;
  if (text !== undefined) {
    if (!text.startsWith(`${target}/`)) return undefined;
    return keys.get(text);
  }
  const { system, value } = reference.identifier ?? {};
  const matches = target === 'Patient' ? identified.get(`${system ?? ''}|${value ?? ''}`) : undefined;
  return matches?.length === 1 ? matches[0]?.key : undefined;
}

function patientOf({ identified }: ChunkState, need: NeededReference | undefined): string | null {
  const { system, value } = need?.reference.identifier ?? {};
  return identified.get(`${system ?? ''}|${value ?? ''}`)?.[0]?.id ?? null;
}

/** dom-6 advises a narrative; machines send none, and to say so a million times hides what matters. */
function isAdviceOnNarrative({ severity, code, expression }: Issue, type: string): boolean {
  return severity === 'warning' && code === 'invariant' && expression?.[0] === `${type}.text`;
}
