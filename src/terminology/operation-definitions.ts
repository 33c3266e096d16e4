/** OperationDefinitions of the gateway's own operations. https://hl7.org/fhir/R4/operationdefinition.html */
import type { OperationDefinition, OperationDefinitionParameter } from 'fhir/r4.js';
import { about, type Publication } from './about.ts';

interface Operation {
  readonly code: string;
  readonly title: string;
  readonly description: string;
  readonly affectsState: boolean;
  /** Where it can be called. */
  readonly at: readonly ('system' | 'type' | 'instance')[];
  readonly parameter: OperationDefinitionParameter[];
}

type ParameterType = NonNullable<OperationDefinitionParameter['type']>;

const input = (name: string, type: ParameterType, documentation: string): OperationDefinitionParameter => ({
  name,
  use: 'in',
  min: 0,
  max: '1',
  type,
  documentation,
});

const withParts = (name: string, documentation: string): OperationDefinitionParameter => ({
  name,
  use: 'in',
  min: 0,
  max: '1',
  documentation,
});

const required = (parameter: OperationDefinitionParameter): OperationDefinitionParameter => ({ ...parameter, min: 1 });

const output = (
  name: string,
  documentation: string,
  ...part: readonly OperationDefinitionParameter[]
): OperationDefinitionParameter => ({
  name,
  use: 'out',
  min: 0,
  max: '*',
  documentation,
  ...(part.length > 0 ? { part: [...part] } : { type: 'string' }),
});

const typed = (type: ParameterType, parameter: OperationDefinitionParameter): OperationDefinitionParameter => ({
  ...parameter,
  type,
});

const columnParts = [
  output('table', 'Table of MediMax.'),
  output('column', 'Column of it.'),
  typed('integer', output('key', 'Key of the row; a draft has none.')),
];

const operations: readonly Operation[] = [
  {
    code: 'explain',
    title: 'Explain',
    description:
      'Where each element of a resource or of a draft comes from, what reads each column, and which resources a row of MediMax is part of.',
    affectsState: false,
    at: ['system', 'type', 'instance'],
    parameter: [
      input('table', 'string', 'At system level: a table of MediMax.'),
      input('key', 'integer', 'At system level: the key of a row of it.'),
      input('resource', 'Any', 'At type level: the draft, which is the body itself.'),
      output(
        'element',
        'An element of the resource and its origin.',
        output('path', 'Its path.'),
        output('value', 'Its value as text.'),
        typed('code', output('from', 'columns, overlay, mapping or server.')),
        output('pair', 'The pair of the mapping that owns it.'),
        output('column', 'A column that decides it.', ...columnParts),
        output('until-changed', 'A column whose change ends it.', ...columnParts),
        output('code-map', 'The entry of a ConceptMap that made it.'),
      ),
      output(
        'column',
        'A column, and what reads and writes it.',
        ...columnParts,
        typed('code', output('role', 'content, key, owner, kind or not-shown.')),
        output('value', 'Its value as text.'),
        output('says', 'An element it decides.'),
        output('ends', 'An element that its change would end.'),
        output('written-by', 'An element that is written to it.'),
      ),
      output('warning', 'Of a draft: what a create would warn of.'),
      output('loss', 'Of a draft: what MediMax would not show, or show in another way.'),
    ],
  },
  {
    code: 'import',
    title: 'Import',
    description:
      'Takes files of resources in bulk, by the asynchronous pattern: the file itself as the body, or these parameters with the addresses of files.',
    affectsState: true,
    at: ['system'],
    parameter: [
      required(input('inputFormat', 'code', 'application/fhir+ndjson, or application/fhir+json for Bundles.')),
      required(input('inputSource', 'uri', 'Where the resources are from; absolute references below it are their own.')),
      {
        ...withParts('storageDetail', 'How the files are kept.'),
        part: [
          required(input('type', 'code', 'https.')),
          { ...input('contentEncoding', 'code', 'gzip or identity; either is told from the answer.'), max: '*' },
        ],
      },
      {
        ...required(withParts('input', 'A file.')),
        max: '*',
        part: [
          required(input('type', 'code', 'Resource type of its lines, which say it themselves.')),
          required(input('url', 'url', 'Its address, which the settings of the gateway must allow.')),
        ],
      },
    ],
  },
];

export function operationDefinitions(publication: Publication): readonly OperationDefinition[] {
  return operations.map(({ code, title, description, affectsState, at, parameter }) => ({
    resourceType: 'OperationDefinition',
    ...about('OperationDefinition', { id: `medimax-${code}`, title }, publication),
    kind: 'operation',
    description,
    affectsState,
    code,
    system: at.includes('system'),
    type: at.includes('type'),
    instance: at.includes('instance'),
    ...(parameter.length > 0 ? { parameter } : {}),
  }));
}
