/** The search parameters a type is found by: HL7's definitions, made ready to index and to search. */
import { commonDefinitions, definitionsOf, type SearchDefinition, type SearchType } from './definitions.ts';
import { compileExpression, type Evaluate } from './expression.ts';
import { type IndexTable, parameterId } from './index-rows.ts';

export interface SearchParameter {
  readonly name: string;
  readonly resourceType: string;
  readonly type: SearchType;
  readonly definition: string;
  /** Of the official list; null where it has none. */
  readonly expression: string | null;
  /** Types that a reference may lead to. */
  readonly targets: readonly string[];
  /** Names under which its values stand in the index: its own, or those of the parameters that it is made of. */
  readonly indexedAs: readonly string[];
  /** Only references to this type count. */
  readonly onlyType?: string;
  /** Absent where other parameters' values serve it, or a column of the gateway's own. */
  readonly evaluate?: Evaluate;
  readonly column?: 'id' | 'last_updated';
  readonly components?: readonly SearchParameter[];
}

/** Parameters that no server can derive from what it serves, or that this one does not offer, with the reason; docs/search.md repeats it. */
export const refusedParameters: Readonly<Record<string, string>> = {
  _content: 'searching the whole content of resources as text is not offered; search the elements by their own parameters',
  _text: 'searching narratives is not offered; search the elements by their own parameters',
  _list: 'the gateway serves no List resources',
  _query: 'the gateway has no named queries',
  _filter: 'filter expressions are not offered; use the parameters of the type',
};

/** Parameters whose values are those of others: HL7 defines them as the union of these. */
const unions: Readonly<Record<string, readonly string[]>> = {
  'combo-code': ['code', 'component-code'],
  'combo-data-absent-reason': ['data-absent-reason', 'component-data-absent-reason'],
  'combo-value-concept': ['value-concept', 'component-value-concept'],
  'combo-value-quantity': ['value-quantity', 'component-value-quantity'],
};

/** The table of the index in which a type of parameter has its values. */
export const tableOf: Readonly<Record<Exclude<SearchType, 'composite'>, IndexTable>> = {
  token: 'token',
  uri: 'token',
  string: 'string',
  date: 'date',
  number: 'quantity',
  quantity: 'quantity',
  reference: 'reference',
};

const byType = new Map<string, ReadonlyMap<string, SearchParameter>>();

/** Every parameter of a type by name. */
export function parametersOf(resourceType: string): ReadonlyMap<string, SearchParameter> {
  const known = byType.get(resourceType);
  if (known) return known;
  const made = makeParameters(resourceType);
  byType.set(resourceType, made);
  return made;
}

/** Number in the index: of the parameter itself, or of what stands beside it (`:text`, `:of-type`, `:identifier`). */
export function idsOf({ resourceType, indexedAs }: SearchParameter, beside = ''): readonly number[] {
  return indexedAs.map((name) => parameterId(`${resourceType}.${name}${beside}`));
}

function makeParameters(resourceType: string): ReadonlyMap<string, SearchParameter> {
  const own = definitionsOf(resourceType);
  const all = new Map<string, SearchParameter>();
  for (const [name, definition] of Object.entries({ ...commonDefinitions, ...own })) {
    if (name in refusedParameters || definition.type === 'composite') continue;
    all.set(name, makeParameter(resourceType, name, definition, own));
  }
  for (const [name, definition] of Object.entries(own)) {
    if (definition.type === 'composite') all.set(name, makeComposite(resourceType, name, definition, all));
  }
  return all;
}

function makeParameter(
  resourceType: string,
  name: string,
  definition: SearchDefinition,
  own: Readonly<Record<string, SearchDefinition>>,
): SearchParameter {
  const made = {
    name,
    resourceType,
    type: definition.type,
    definition: definition.url,
    expression: definition.expression ?? null,
    targets: definition.target ?? [],
    indexedAs: [name],
  };
  if (name === '_id') return { ...made, column: 'id' };
  if (name === '_lastUpdated') return { ...made, column: 'last_updated' };
  const parts = unions[name];
  if (parts) return { ...made, indexedAs: parts };
  const typed = /^(.*)\.where\(resolve\(\) is (\w+)\)$/.exec(definition.expression ?? '');
  const whole = Object.entries(own).find(([, other]) => typed && other.expression === typed[1]);
  if (typed?.[2] && whole) return { ...made, indexedAs: [whole[0]], onlyType: typed[2] };
  return {
    ...made,
    evaluate: compileExpression((definition.expression ?? '').replace(/^Resource\./, `${resourceType}.`), resourceType),
  };
}

function makeComposite(
  resourceType: string,
  name: string,
  definition: SearchDefinition,
  all: ReadonlyMap<string, SearchParameter>,
): SearchParameter {
  const components = (definition.component ?? []).map((component) => {
    const found = [...all.values()].find((parameter) => parameter.definition === component.definition);
    if (!found) throw new Error(`${resourceType}.${name}: no parameter ${component.definition}`);
    return found;
  });
  return {
    name,
    resourceType,
    type: 'composite',
    definition: definition.url,
    expression: definition.expression ?? null,
    targets: [],
    indexedAs: [],
    components,
  };
}
