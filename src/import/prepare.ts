/** From the lines of a chunk to what must be written: all that can be said before a transaction is opened. */
import { claimsOn } from '../db/claims.ts';
import { datetimeOf } from '../db/select.ts';
import { addOurs, askFor, namesOf } from './ask.ts';
import type { Chunk, Job, LineOutcome } from './job.ts';
import { addressKey } from './look-up.ts';
import { isParsed, type Parsed, parseLine } from './parse-line.ts';
import type { ImportParts } from './parts.ts';
import { prepareLine } from './prepare-line.ts';
import { type ChunkState, type NewResource, overtaken, type Prepared, type SingleWrite } from './prepared.ts';
import { type Mention, mentionsIn } from './references.ts';
import { localId } from './source.ts';
import type { Stopwatch } from './stopwatch.ts';

/** `setWise` false: every line is written alone, so that one that the database refuses does not take others along. */
export async function prepareChunk(
  given: ImportParts,
  job: Job,
  chunk: Chunk,
  { setWise, watch }: { readonly setWise: boolean; readonly watch?: Stopwatch },
): Promise<Prepared> {
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
  watch?.lap('parseMs');
  const { own, names, identified, stale, predicted, earlier } = await askFor(given, job, parsed, [...mentions.values()].flat());
  const state: ChunkState = {
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
    earlier,
    claims: [],
    timestamp: datetimeOf(parts.clock.now()).slice(0, 19),
    setWise,
  };
  for (const { localType, localId: id } of predicted) if (id !== null) state.keys.set(addressKey(localType, id), 0);
  for (const known of [...identified.values()].flat()) state.keys.set(addressKey(known.type, known.id), known.key);
  const aliases = namesOf(state, parsed, isServed);
  for (const reference of [...mentions.values()].flat()) {
    if (reference.meaning.kind === 'ours') await addOurs(state, reference.meaning.text);
  }

  watch?.lap('lookUpMs');

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
  watch?.lap('mapMs');
  const { created, singles, claims } = state;
  return { ledger, created: created.map(stillOpen), singles: singles.map(stillOpen), aliases, stale, claims };
}

/** Patients first, whom all others need; what takes in the rows of others last. */
function rankOf(registry: ImportParts['registry'], type: string): number {
  if (type === 'Patient') return 0;
  return registry.get(type)?.variants.some(({ variant }) => variant.source.child?.taken) ? 2 : 1;
}

/** Results that a report has named before they came are put under it, one by one. */
async function singleOutClaimed({ given: { store }, created, singles }: ChunkState): Promise<void> {
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
