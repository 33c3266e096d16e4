/** Runs an interaction on what a view shows: the same reads, and each resource rendered as the view. */
import type { ResourceRecord } from '../../db/repository.ts';
import type { AnyView } from '../../mapping/view.ts';
import type { Interaction, InteractionContext } from '../interaction.ts';

export function viewed(view: AnyView, interaction: Interaction): Interaction {
  return (context, request) => interaction(viewContext(context, view), { ...request, resourceType: view.resourceType });
}

/** Asked for the view's type (or for the viewed one), its repository and history answer with records of the view's. */
export function viewContext(context: InteractionContext, view: AnyView): InteractionContext {
  const { repository, history } = context;
  const typeOf = (resourceType: string) => (resourceType === view.resourceType ? view.of : resourceType);
  const shown = (record: ResourceRecord): ResourceRecord =>
    record.resourceType === view.of ? { ...record, resourceType: view.resourceType } : record;
  const orNull = (record: ResourceRecord | null) => record && shown(record);
  return {
    ...context,
    repository: {
      ...repository,
      read: async (type, id) => orNull(await repository.read(typeOf(type), id)),
      readVersion: async (type, id, version) => orNull(await repository.readVersion(typeOf(type), id, version)),
      readMany: async (type, rids) => (await repository.readMany(typeOf(type), rids)).map(shown),
      render: (record) =>
        record.resourceType === view.resourceType
          ? { ...view.toFhir(repository.render({ ...record, resourceType: view.of })) }
          : repository.render(record),
    },
    history: {
      ...history,
      async read(query) {
        const page = await history.read({ ...query, resourceType: view.of });
        return page && { ...page, entries: page.entries.map((entry) => ({ ...entry, record: shown(entry.record) })) };
      },
    },
  };
}
