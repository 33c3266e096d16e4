/** Routes of imports. */
import {
  cancelImport,
  importReport,
  importStatus,
  listImports,
  retryImport,
  startImport,
  undoImport,
} from '../interaction/import.ts';
import type { Route } from './route.ts';

const operation = { name: 'import', definition: 'OperationDefinition/medimax-import' };
const common = { level: 'system', codes: ['operation'] } as const;

export const importRoutes: readonly Route[] = [
  { ...common, method: 'POST', path: '/$import', operation, body: 'stream', interaction: startImport },
  { ...common, method: 'GET', path: '/$import', body: 'none', interaction: listImports },
  { ...common, method: 'GET', path: '/$import/:job', body: 'none', interaction: importStatus },
  { ...common, method: 'DELETE', path: '/$import/:job', body: 'none', interaction: cancelImport },
  { ...common, method: 'POST', path: '/$import/:job/$undo', body: 'form', interaction: undoImport },
  { ...common, method: 'POST', path: '/$import/:job/$retry', body: 'form', interaction: retryImport },
  { ...common, method: 'GET', path: '/$import/:job/:report', body: 'none', writes: 'ndjson', interaction: importReport },
];
