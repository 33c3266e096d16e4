/** The one table of FHIR routes: an interaction more is a row more. The CapabilityStatement and 405's Allow follow from it. */

import { views } from '../../mappings/index.ts';
import { asynchronously, asyncStatus, cancelAsync } from '../interaction/async/respond-async.ts';
import { bundle } from '../interaction/bundle/bundle.ts';
import { conditionalDelete } from '../interaction/conditional/delete.ts';
import { conditionalUpdate } from '../interaction/conditional/update.ts';
import { create } from '../interaction/create.ts';
import { remove } from '../interaction/delete.ts';
import { everything } from '../interaction/everything.ts';
import { history } from '../interaction/history.ts';
import { metadata } from '../interaction/metadata.ts';
import { patch } from '../interaction/patch/patch.ts';
import { read } from '../interaction/read.ts';
import { search, searchSystem } from '../interaction/search.ts';
import { update } from '../interaction/update.ts';
import { vread } from '../interaction/vread.ts';
import { explainRoutes } from './explain-routes.ts';
import { importRoutes } from './import-routes.ts';
import type { Method, Route } from './route.ts';
import { terminologyRoutes } from './terminology-routes.ts';
import { viewRoutes } from './view-routes.ts';

export type { Method, Route } from './route.ts';

/** Where two paths fit a URL, the earlier row wins: fixed words stand before `:type`, `_history` before `:id`. */
export const routes: readonly Route[] = [
  ...terminologyRoutes,
  ...importRoutes,
  ...views.flatMap(viewRoutes),
  ...explainRoutes,
  { method: 'GET', path: '/metadata', level: 'system', codes: ['capabilities'], body: 'none', interaction: metadata },
  {
    method: 'GET',
    path: '/',
    level: 'system',
    codes: ['search-system'],
    body: 'none',
    interaction: asynchronously(searchSystem),
  },
  {
    method: 'POST',
    path: '/',
    level: 'system',
    codes: ['transaction', 'batch'],
    body: 'json',
    interaction: asynchronously(bundle),
  },
  { method: 'GET', path: '/$async/:job', level: 'system', codes: [], body: 'none', interaction: asyncStatus },
  { method: 'DELETE', path: '/$async/:job', level: 'system', codes: [], body: 'none', interaction: cancelAsync },
  {
    method: 'POST',
    path: '/_search',
    level: 'system',
    codes: ['search-system'],
    body: 'form',
    interaction: asynchronously(searchSystem),
  },
  {
    method: 'POST',
    path: '/:type/_search',
    level: 'type',
    codes: ['search-type'],
    body: 'form',
    interaction: asynchronously(search),
  },
  { method: 'GET', path: '/_history', level: 'system', codes: ['history-system'], body: 'none', interaction: history },
  { method: 'GET', path: '/:type/_history', level: 'type', codes: ['history-type'], body: 'none', interaction: history },
  {
    method: 'GET',
    path: '/:type/:id/_history',
    level: 'instance',
    codes: ['history-instance'],
    body: 'none',
    interaction: history,
  },
  { method: 'GET', path: '/:type/:id/_history/:version', level: 'instance', codes: ['vread'], body: 'none', interaction: vread },
  ...(['GET', 'POST'] as const).map(
    (method): Route => ({
      method,
      path: '/:type/:id/$everything',
      level: 'instance',
      codes: ['operation'],
      operation: {
        name: 'everything',
        definition: 'http://hl7.org/fhir/OperationDefinition/Patient-everything',
        types: ['Patient'],
      },
      body: method === 'GET' ? 'none' : 'form',
      interaction: everything,
    }),
  ),
  { method: 'GET', path: '/:type/:id', level: 'instance', codes: ['read'], body: 'none', interaction: read },
  { method: 'PUT', path: '/:type/:id', level: 'instance', codes: ['update'], body: 'json', interaction: update },
  { method: 'DELETE', path: '/:type/:id', level: 'instance', codes: ['delete'], body: 'none', interaction: remove },
  { method: 'POST', path: '/:type', level: 'type', codes: ['create', 'conditional-create'], body: 'json', interaction: create },
  { method: 'PATCH', path: '/:type/:id', level: 'instance', codes: ['patch'], body: 'patch', interaction: patch },
  { method: 'PUT', path: '/:type', level: 'type', codes: ['conditional-update'], body: 'json', interaction: conditionalUpdate },
  {
    method: 'DELETE',
    path: '/:type',
    level: 'type',
    codes: ['conditional-delete'],
    body: 'none',
    interaction: conditionalDelete,
  },
  { method: 'PATCH', path: '/:type', level: 'type', codes: [], body: 'patch', interaction: patch },
  { method: 'GET', path: '/:type', level: 'type', codes: ['search-type'], body: 'none', interaction: asynchronously(search) },
  {
    method: 'GET',
    path: '/Patient/:compartment/\\*',
    level: 'type',
    codes: ['search-compartment'],
    body: 'none',
    interaction: asynchronously(search),
  },
  {
    method: 'GET',
    path: '/Patient/:compartment/:type',
    level: 'type',
    codes: ['search-compartment'],
    body: 'none',
    interaction: asynchronously(search),
  },
  {
    method: 'POST',
    path: '/Patient/:compartment/:type/_search',
    level: 'type',
    codes: ['search-compartment'],
    body: 'form',
    interaction: asynchronously(search),
  },
];

/** Rows by path, in the order of the table. */
export function byPath(rows: readonly Route[]): ReadonlyMap<string, readonly Route[]> {
  return Map.groupBy(rows, ({ path }) => path);
}

/** The value of Allow: these methods, HEAD beside GET, and OPTIONS, which is always answered. */
export function allowed(rows: readonly { readonly method: Method }[]): string {
  return [...rows.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])), 'OPTIONS'].join(', ');
}
