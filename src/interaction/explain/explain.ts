/** $explain: where each element of a resource or a draft comes from, and which resources a row of MediMax is part of. docs/explain.md */
import { explain } from '../../explain/explain.ts';
import { lossReport } from '../../explain/loss.ts';
import { fault } from '../../fhir/outcome.ts';
import type { AnyView } from '../../mapping/view.ts';
import { gone } from '../gone.ts';
import { isId } from '../id.ts';
import { resourceIn, warningsOf } from '../incoming.ts';
import type { Interaction } from '../interaction.ts';
import { onlyParameters } from '../parameters.ts';
import { notFound, targetOf, typeOf } from '../target.ts';
import { parametersOut } from '../terminology/parameters-out.ts';
import { explanationOut } from './explanation-out.ts';

/** `GET [type]/[id]/$explain` */
export const explainResource: Interaction = async ({ repository, inspection, config }, request) => {
  const target = targetOf(request);
  onlyParameters(request.query, [], '$explain');
  const record = isId(target.id) ? await repository.read(target.resourceType, target.id) : null;
  if (record === null) throw notFound(target);
  const { stored } = record;
  if (record.state === 'deleted' || stored === null) throw gone(record);
  const env = inspection.env();
  const explanation = explain({ ...record, stored }, env, inspection.codeMaps, repository.render(record));
  return parametersOut([
    { name: 'resource', valueUri: `${record.resourceType}/${record.id}` },
    { name: 'version', valueString: String(record.version) },
    { name: 'origin', valueString: record.origin },
    ...explanationOut(explanation, config.clinic.canonicalBase),
  ]);
};

/** `POST [type]/$explain` with a draft: what a create would do, without doing it. */
export const explainDraft: Interaction = async ({ inspection, config }, request) => {
  const resourceType = typeOf(request);
  onlyParameters(request.query, [], '$explain');
  const { id: _ignored, ...resource } = resourceIn(request.body, resourceType);
  warningsOf(resource, resourceType);
  const preview = await inspection.preview(resourceType, resource);
  const explanation = explain(preview, inspection.env(), inspection.codeMaps);
  return parametersOut([
    ...preview.issues.map(({ text }) => ({ name: 'warning', valueString: text })),
    ...lossReport(preview, inspection.env()).map(({ text }) => ({ name: 'loss', valueString: text })),
    ...explanationOut(explanation, config.clinic.canonicalBase),
  ]);
};

/** `GET $explain?table=Medical_History&key=7` */
export const explainRow: Interaction = async ({ inspection, registry }, { query }) => {
  onlyParameters(query, ['table', 'key'], '$explain');
  const table = query.get('table');
  const key = query.get('key');
  if (table === null || key === null || !/^[0-9]{1,10}$/.test(key))
    throw fault('malformed', 'required', 'Say the row: table=Medical_History&key=7.', table === null ? 'table' : 'key');
  const found = await inspection.resourcesOf(table, Number(key));
  if (found === null) throw fault('not-found', 'not-found', 'MediMax has no such table.', 'table');
  return parametersOut([
    { name: 'table', valueString: table },
    { name: 'key', valueString: key },
    ...found.map(({ resourceType, id, isDeleted, as }) => ({
      name: 'resource',
      part: [
        { name: 'reference', valueUri: `${resourceType}/${id}` },
        { name: 'row', valueCode: as },
        { name: 'deleted', valueBoolean: isDeleted ? true : undefined },
        ...registry.views
          .filter(({ of }) => of === resourceType)
          .map((view) => ({ name: 'view', valueUri: `${view.resourceType}/${id}` })),
      ],
    })),
  ]);
};

/** A view's elements are told of what it shows. */
export function explainView(view: AnyView): Interaction {
  return (context, request) => explainResource(context, { ...request, resourceType: view.of });
}
