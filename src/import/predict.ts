/** A dry run of a chunk: nothing is written but what later chunks ask for. */
import { sameJson } from '../fhir/json.ts';
import { contentOf, renderContent } from '../mapping/render.ts';
import { predictedSource } from './ask.ts';
import { described } from './described.ts';
import type { Chunk, Job, LineOutcome } from './job.ts';
import { keepAliases, keepLater, type Predicted } from './keep-aliases.ts';
import { type Alias, addressKey, findAliases } from './look-up.ts';
import { mergePatient } from './merge-patient.ts';
import type { ImportParts } from './parts.ts';
import { predictedIdentifiers } from './predicted-patients.ts';
import { lineNoOf, type NewResource, overtaken, type Prepared, type SingleWrite } from './prepared.ts';
import { localId } from './source.ts';

/** A dry run: what would be written, and what later chunks may then refer to. */
export async function predict(
  given: ImportParts,
  job: Job,
  chunk: Chunk,
  { ledger: before, created, singles, aliases, claims }: Prepared,
): Promise<LineOutcome[]> {
  const { store } = given;
  const ledger = [...before];
  for (const one of created) ledger[one.parsed.index] = foreseeNew(one);
  for (const one of singles) ledger[one.parsed.index] = await foreseeSingle(given, job, one);

  const source = predictedSource(job);
  const predicted = [...created, ...singles].flatMap((one): readonly { one: typeof one; made: Predicted }[] => {
    const { parsed } = one;
    const { id } = ledger[parsed.index] ?? {};
    if (id === undefined) return [];
    const made = { id: parsed.id, type: parsed.type, localType: parsed.type, localId: id };
    return [{ one, made: { ...made, digest: parsed.digest, lineNo: lineNoOf(chunk, parsed) } }];
  });
  await store.transaction(async (on) => {
    const claimed = claims
      .filter(({ hasEarlier }) => hasEarlier)
      .map(
        ({ parsed, known, lineNo }): Predicted => ({
          id: parsed.id,
          type: parsed.type,
          localType: known.type,
          localId: known.id,
          digest: parsed.digest,
          lineNo,
        }),
      );
    const kept = predicted.flatMap(({ one, made }) => [
      made,
      { ...made, type: 'urn' },
      ...(made.type === 'Patient' ? predictedIdentifiers(one.parsed, made.localId ?? '') : []),
    ]);
    // Whoever comes later waits here for the lines that another worker is at.
    await keepAliases(on, source, job.id, [...aliases, ...claimed, ...kept].toSorted(byKey));
    for (const one of claimed) await keepLater(on, source, one);
    const there = await findAliases(
      on,
      source,
      predicted.map(({ made }) => made.id),
    );
    for (const { one, made } of predicted) {
      const other = there.get(addressKey(made.type, made.id));
      if (!other || other.lineNo === made.lineNo) continue;
      ledger[one.parsed.index] = foreseeAgain(job, one, made, other);
      await keepLater(on, source, made);
    }
  });
  return ledger;
}

function byKey(a: Predicted | Prepared['aliases'][number], b: typeof a): number {
  const [one, other] = [addressKey(a.id, a.type), addressKey(b.id, b.type)];
  return one < other ? -1 : Number(one > other);
}

function foreseeNew(one: NewResource): LineOutcome {
  const { id, variant, plan } = one.item;
  const { table, child } = variant.variant.source;
  const children = child && !child.taken ? (plan.children?.length ?? 0) : 0;
  const rows: LineOutcome['rows'] = { [table]: [1, 0], ...(child && children > 0 ? { [child.table]: [children, 0] } : {}) };
  return { s: 'created', ...described(one), id, table, rows };
}

async function foreseeSingle(given: ImportParts, job: Job, one: SingleWrite): Promise<LineOutcome> {
  const { repository, parts, registry } = given;
  const { type, resource } = one.parsed;
  const id = one.known?.id ?? one.id;
  const record = await repository.read(type, id);
  const { table } = (record?.variant ?? registry.variantFor(type, resource)).variant.source;
  if (!record?.stored) {
    if (one.merge) return { s: 'merged', ...described(one), id, table }; // somebody whom this dry run would have made
    return { s: 'created', ...described(one), id, table, rows: { [table]: [1, 0] } };
  }
  const env = parts.env();
  const merged = one.merge ? mergePatient(repository.render(record), resource, job.options.merge) : null;
  const now = renderContent(record.variant, record.stored, record.overlay, record.refined, env);
  const same = merged
    ? merged.merged === null
    : sameJson(contentOf(record.variant, resource, env), contentOf(record.variant, { ...now }, env));
  return {
    s: merged ? 'merged' : same ? 'unchanged' : 'updated',
    ...described(one, [...one.issues, ...(merged?.issues ?? [])]),
    id,
    table,
    v: record.version + (same ? 0 : 1),
    ...(same ? {} : { rows: { [table]: [0, 1] as const } }),
  };
}

/** Another line of the job is about the same resource. */
function foreseeAgain(job: Job, one: NewResource | SingleWrite, made: Predicted, other: Alias): LineOutcome {
  const { type } = made;
  const id = other.localId ?? made.localId ?? '';
  if (other.lineNo > made.lineNo) return overtaken(type, id, 'a later line');
  if (other.digest === made.digest) return { s: 'unchanged', t: type, id };
  return { s: id === localId(job.source, made.id) ? 'updated' : 'merged', ...described(one), id };
}
