/** Routes of views: whatever reads what they show, and nothing that writes. */

import { explainView } from '../interaction/explain/explain.ts';
import { history } from '../interaction/history.ts';
import { read } from '../interaction/read.ts';
import { searchView } from '../interaction/view/search-view.ts';
import { viewed } from '../interaction/view/viewed.ts';
import { vread } from '../interaction/vread.ts';
import type { AnyView } from '../mapping/view.ts';
import { explainOperation } from './explain-routes.ts';
import type { Route } from './route.ts';

export function viewRoutes(view: AnyView): readonly Route[] {
  const { resourceType, of, documentation } = view;
  const instead = `${resourceType} only shows what ${of} says: write the ${of} of the same id.`;
  const searchedBy = Object.keys(view.search);
  const row = { resourceType, instead, documentation, searchedBy, method: 'GET', body: 'none' } as const;
  const past = viewed(view, history);
  const search = searchView(view);
  const operation = explainOperation;
  return [
    {
      ...row,
      path: `/${resourceType}/:id/$explain`,
      level: 'instance',
      codes: ['operation'],
      operation,
      interaction: explainView(view),
    },
    {
      ...row,
      path: `/${resourceType}/:id/_history/:version`,
      level: 'instance',
      codes: ['vread'],
      interaction: viewed(view, vread),
    },
    { ...row, path: `/${resourceType}/:id/_history`, level: 'instance', codes: ['history-instance'], interaction: past },
    { ...row, path: `/${resourceType}/_history`, level: 'type', codes: ['history-type'], interaction: past },
    {
      ...row,
      path: `/${resourceType}/_search`,
      level: 'type',
      codes: ['search-type'],
      interaction: search,
      method: 'POST',
      body: 'form',
    },
    { ...row, path: `/${resourceType}/:id`, level: 'instance', codes: ['read'], interaction: viewed(view, read) },
    { ...row, path: `/${resourceType}`, level: 'type', codes: ['search-type'], interaction: search },
    { ...row, path: `/Patient/:compartment/${resourceType}`, level: 'type', codes: ['search-compartment'], interaction: search },
  ];
}
