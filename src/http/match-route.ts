/** Finds the row of the route table for a method and a path, for requests that come inside a Bundle. */
import { error, FhirError, fault } from '../fhir/outcome.ts';
import type { RoutedInteraction } from '../interaction/interaction.ts';
import type { Registry } from '../mapping/registry.ts';
import { allowed, type Route } from './routes.ts';
import { refuseUnknownType } from './unknown.ts';

/** @throws FhirError `not-found` for paths and types that are not served, `method-not-allowed` */
export function routeFinder(routes: readonly Route[], registry: Registry): (method: string, path: string) => RoutedInteraction {
  const rows = routes.map((row) => ({ row, parts: row.path.replace('\\*', '*').split('/').filter(Boolean) }));
  return (method, path) => {
    const given = path.split('/').filter(Boolean).map(decoded);
    const fitting = rows.filter(
      ({ parts }) => parts.length === given.length && parts.every((part, at) => part.startsWith(':') || part === given[at]),
    );
    const [first] = fitting;
    if (!first) throw fault('not-found', 'not-found', 'There is nothing at this path.', 'url');
    const same = fitting.filter(({ row }) => row.path === first.row.path);
    const values = Object.fromEntries(
      first.parts.flatMap((part, at) => (part.startsWith(':') ? [[part.slice(1), given[at] ?? '']] : [])),
    );
    const { type, id, ...others } = values;
    if (type !== undefined) refuseUnknownType(registry, type, id);
    const found = same.find(({ row }) => row.method === method && row.body !== 'form');
    if (!found) {
      const allow = allowed(same.map(({ row }) => row));
      throw new FhirError(
        'method-not-allowed',
        [
          error(
            'not-supported',
            `${method} is not supported here; supported are ${allow}. ${first.row.instead ?? ''}`.trim(),
            'url',
          ),
        ],
        { headers: { Allow: allow } },
      );
    }
    const target = { ...(type === undefined ? {} : { resourceType: type }), ...(id === undefined ? {} : { id }), path: others };
    return { interaction: found.row.interaction, target };
  };
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw fault('malformed', 'value', 'The path of the URL is not valid percent-encoded UTF-8.', 'url');
  }
}
