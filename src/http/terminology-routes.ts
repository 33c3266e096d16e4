/** Routes of the definitions that come with the gateway: fixed types that are in no registry. */
import type { Interaction } from '../interaction/interaction.ts';
import { lookup, validateCode } from '../interaction/terminology/code-system.ts';
import { translate } from '../interaction/terminology/concept-map.ts';
import { readDefinition } from '../interaction/terminology/read-definition.ts';
import { searchDefinitions } from '../interaction/terminology/search-definitions.ts';
import { expand, validateMember } from '../interaction/terminology/value-set.ts';
import { type TerminologyType, terminologyTypes } from '../terminology/about.ts';
import type { Route } from './route.ts';

interface Operation {
  readonly type: TerminologyType;
  readonly name: string;
  readonly interaction: Interaction;
  readonly onInstance: boolean;
}

const operations: readonly Operation[] = [
  { type: 'CodeSystem', name: 'lookup', interaction: lookup, onInstance: false },
  { type: 'CodeSystem', name: 'validate-code', interaction: validateCode, onInstance: true },
  { type: 'ValueSet', name: 'expand', interaction: expand, onInstance: true },
  { type: 'ValueSet', name: 'validate-code', interaction: validateMember, onInstance: true },
  { type: 'ConceptMap', name: 'translate', interaction: translate, onInstance: true },
];

const instead = 'Definitions come with the gateway and cannot be written.';

export const terminologyRoutes: readonly Route[] = [
  ...operations.flatMap(operationRoutes),
  ...terminologyTypes.flatMap(typeRoutes),
];

function operationRoutes({ type, name, interaction, onInstance }: Operation): Route[] {
  const operation = { name, definition: `http://hl7.org/fhir/OperationDefinition/${type}-${name}` };
  const at = (path: string, level: Route['level']): Route[] =>
    (['GET', 'POST'] as const).map((method) => ({
      method,
      path,
      level,
      codes: ['operation'],
      operation,
      resourceType: type,
      body: method === 'GET' ? 'none' : 'json',
      interaction,
    }));
  return [...at(`/${type}/$${name}`, 'type'), ...(onInstance ? at(`/${type}/:id/$${name}`, 'instance') : [])];
}

function typeRoutes(type: TerminologyType): Route[] {
  const search = searchDefinitions(type);
  const row = { resourceType: type, instead };
  return [
    {
      ...row,
      method: 'POST',
      path: `/${type}/_search`,
      level: 'type',
      codes: ['search-type'],
      body: 'form',
      interaction: search,
    },
    {
      ...row,
      method: 'GET',
      path: `/${type}/:id`,
      level: 'instance',
      codes: ['read'],
      body: 'none',
      interaction: readDefinition(type),
    },
    { ...row, method: 'GET', path: `/${type}`, level: 'type', codes: ['search-type'], body: 'none', interaction: search },
  ];
}
