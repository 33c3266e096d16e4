/** A dry run of a chunk: nothing is written but what later chunks ask for. */
import { sameJson } from '../fhir/json.ts';
import { contentOf, renderContent } from '../mapping/render.ts';
import { predictedSource } from './ask.ts';
import { described } from './described.ts';
import type { Job, LineOutcome } from './job.ts';
import { keepAliases } from './keep-aliases.ts';
import { mergePatient } from './merge-patient.ts';
import type { ImportParts } from './parts.ts';
import type { NewAlias, Prepared } from './prepared.ts';

/** A dry run: what would be written, and what later chunks may then refer to. */
export async function predict(
  given: ImportParts,
  job: Job,
  { ledger: before, created, singles, aliases }: Prepared,
): Promise<LineOutcome[]> {
  const { store, repository, parts, registry } = given;
  const ledger = [...before];
  for (const one of created)
    ledger[one.parsed.index] = { s: 'created', ...described(one), id: one.item.id, table: one.item.variant.variant.source.table };
  for (const one of singles) {
    const { type, resource } = one.parsed;
    const id = one.known?.id ?? one.id;
    const record = await repository.read(type, id);
    const base = { ...described(one), id, table: (record?.variant ?? registry.variantFor(type, resource)).variant.source.table };
    if (!record?.stored) {
      ledger[one.parsed.index] = { s: 'created', ...base };
      continue;
    }
    const env = parts.env();
    const merged = one.merge ? mergePatient(repository.render(record), resource, job.options.merge) : null;
    const now = renderContent(record.variant, record.stored, record.overlay, record.refined, env);
    const same = merged
      ? merged.merged === null
      : sameJson(contentOf(record.variant, resource, env), contentOf(record.variant, { ...now }, env));
    ledger[one.parsed.index] = {
      s: merged ? 'merged' : same ? 'unchanged' : 'updated',
      ...base,
      ...described(one, [...one.issues, ...(merged?.issues ?? [])]),
      v: record.version + (same ? 0 : 1),
    };
  }
  const predicted: NewAlias[] = [...created, ...singles].flatMap(({ parsed }) => {
    const { id } = ledger[parsed.index] ?? {};
    if (id === undefined) return [];
    return [parsed.type, 'urn'].map((type) => ({ id: parsed.id, type, localType: parsed.type, localId: id }));
  });
  await store.transaction((on) => keepAliases(on, predictedSource(job), job.id, [...aliases, ...predicted]));
  return ledger;
}
