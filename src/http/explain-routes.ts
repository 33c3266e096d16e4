/** Routes of $explain, an operation of this gateway's own. */
import { explainDraft, explainResource, explainRow } from '../interaction/explain/explain.ts';
import type { Route } from './route.ts';

/** Our own OperationDefinition, below the canonical base. */
export const explainOperation = {
  name: 'explain',
  definition: 'OperationDefinition/medimax-explain',
};
const row = { codes: ['operation'], operation: explainOperation } as const;

export const explainRoutes: readonly Route[] = [
  { ...row, method: 'GET', path: '/$explain', level: 'system', body: 'none', interaction: explainRow },
  { ...row, method: 'GET', path: '/:type/:id/$explain', level: 'instance', body: 'none', interaction: explainResource },
  { ...row, method: 'POST', path: '/:type/$explain', level: 'type', body: 'json', interaction: explainDraft },
];
