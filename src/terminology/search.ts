/** Which of our definitions a search finds: few parameters, each exact. https://hl7.org/fhir/R4/codesystem.html#search */
import { fold } from '../../mappings/terms/fold.ts';
import { type TerminologyType, terminologyTypes } from './about.ts';
import type { TerminologyResource } from './resources.ts';

export interface DefinitionParameter {
  readonly name: string;
  readonly type: 'uri' | 'token' | 'string';
  readonly types: readonly TerminologyType[];
  /** Texts, or `system|code` pairs of tokens. */
  readonly values: (resource: TerminologyResource) => readonly string[];
}

const all: readonly TerminologyType[] = terminologyTypes;
const publicationStatus = 'http://hl7.org/fhir/publication-status';

export const definitionParameters: readonly DefinitionParameter[] = [
  { name: '_id', type: 'token', types: all, values: ({ id }) => [`|${id}`] },
  { name: 'url', type: 'uri', types: all, values: ({ url }) => some(url) },
  { name: 'version', type: 'token', types: all, values: ({ version }) => [`|${version}`] },
  { name: 'name', type: 'string', types: all, values: ({ name }) => some(name) },
  { name: 'title', type: 'string', types: all, values: ({ title }) => some(title) },
  { name: 'status', type: 'token', types: all, values: ({ status }) => [`${publicationStatus}|${status}`] },
  {
    name: 'system',
    type: 'uri',
    types: ['CodeSystem'],
    values: (resource) => (resource.resourceType === 'CodeSystem' ? some(resource.url) : []),
  },
  {
    name: 'code',
    type: 'token',
    types: ['CodeSystem'],
    values: (resource) =>
      resource.resourceType === 'CodeSystem' ? (resource.concept ?? []).map(({ code }) => `${resource.url}|${code}`) : [],
  },
  {
    name: 'reference',
    type: 'uri',
    types: ['ValueSet'],
    values: (resource) =>
      resource.resourceType === 'ValueSet' ? (resource.compose?.include ?? []).flatMap(({ system }) => some(system)) : [],
  },
  { name: 'source-system', type: 'uri', types: ['ConceptMap'], values: (resource) => systemsOf(resource, 'source') },
  { name: 'target-system', type: 'uri', types: ['ConceptMap'], values: (resource) => systemsOf(resource, 'target') },
];

function systemsOf(resource: TerminologyResource, side: 'source' | 'target'): readonly string[] {
  return resource.resourceType === 'ConceptMap' ? (resource.group ?? []).flatMap((group) => some(group[side])) : [];
}

function some(text: string | undefined): readonly string[] {
  return text === undefined ? [] : [text];
}

export function parametersFor(type: TerminologyType): readonly DefinitionParameter[] {
  return definitionParameters.filter(({ types }) => types.includes(type));
}

export type StringModifier = 'exact' | 'contains' | undefined;

/** Alternatives in `wanted` are joined by "or". */
export function isFound(
  resource: TerminologyResource,
  { type, values }: DefinitionParameter,
  wanted: readonly string[],
  modifier: StringModifier,
): boolean {
  const has = values(resource);
  return wanted.some((text) => has.some((value) => tests[type](value, text, modifier)));
}

const tests: Readonly<Record<DefinitionParameter['type'], (value: string, text: string, modifier: StringModifier) => boolean>> = {
  uri: (value, text) => value === text,
  string(value, text, modifier) {
    if (modifier === 'exact') return value === text;
    return modifier === 'contains' ? fold(value).includes(fold(text)) : fold(value).startsWith(fold(text));
  },
  /** `code`, `system|code`, `|code` (no system) and `system|`. */
  token(value, text) {
    const [system, code] = split(value);
    const bar = text.indexOf('|');
    if (bar < 0) return code === text;
    const [wantedSystem, wantedCode] = split(text);
    return system === wantedSystem && (wantedCode === '' || code === wantedCode);
  },
};

function split(text: string): readonly [string, string] {
  const bar = text.indexOf('|');
  return [text.slice(0, bar), text.slice(bar + 1)];
}
