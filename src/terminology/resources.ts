/** The gateway's own CodeSystems, ValueSets, ConceptMaps and StructureDefinitions, made from what the mappings declare. */
import type { CodeSystem, ConceptMap, OperationDefinition, StructureDefinition, ValueSet } from 'fhir/r4.js';
import {
  type CodeMap,
  type CodeSet,
  type Concept,
  type Declared,
  type MapRow,
  systemUrl,
  type Vocabulary,
} from '../../mappings/terminology/declared.ts';
import { declaredTerminology } from '../../mappings/terminology/index.ts';
import type { TermTables } from '../../mappings/terms/term-table.ts';
import { about, type Publication } from './about.ts';
import { extensionStructures } from './extension-structures.ts';
import { operationDefinitions } from './operation-definitions.ts';

export type TerminologyResource = CodeSystem | ValueSet | ConceptMap | StructureDefinition | OperationDefinition;

export interface TerminologySettings extends Publication {
  readonly terms: TermTables;
}

export function terminologyResources(settings: TerminologySettings): readonly TerminologyResource[] {
  const declared = declaredTerminology(settings.terms);
  return [
    ...declared.vocabularies.map((vocabulary) => codeSystemOf(vocabulary, settings)),
    ...declared.vocabularies.map((vocabulary) => valueSetOfAll(vocabulary, settings)),
    ...declared.codeSets.map((set) => valueSetOf(set, settings)),
    ...declared.codeMaps.map((map) => conceptMapOf(map, declared, settings)),
    ...extensionStructures(settings),
    ...operationDefinitions(settings),
  ];
}

function codeSystemOf(vocabulary: Vocabulary, settings: TerminologySettings): CodeSystem {
  const { columns, concepts, isComplete, id } = vocabulary;
  const what = isComplete ? 'the values of' : 'texts that the gateway knows in';
  return {
    resourceType: 'CodeSystem',
    ...about('CodeSystem', vocabulary, settings),
    description: `${vocabulary.title}: ${what} ${columns.join(', ')} in MediMax.`,
    // Texts are compared as the database compares them: case and accents do not count. Units are the exception.
    caseSensitive: isComplete || id === 'medimax-unit',
    valueSet: `${settings.canonicalBase}/ValueSet/${id}`,
    content: isComplete ? 'complete' : 'fragment',
    count: concepts.length,
    concept: concepts.map(plainConcept),
  };
}

function plainConcept({ code, display, definition }: Concept): Concept {
  return { code, ...(display === undefined ? {} : { display }), ...(definition === undefined ? {} : { definition }) };
}

function valueSetOfAll(vocabulary: Vocabulary, settings: TerminologySettings): ValueSet {
  return {
    resourceType: 'ValueSet',
    ...about('ValueSet', vocabulary, settings),
    description: `All codes of ${vocabulary.title.charAt(0).toLowerCase()}${vocabulary.title.slice(1)}.`,
    compose: { include: [{ system: systemUrl(vocabulary.id, settings.canonicalBase) }] },
  };
}

function valueSetOf(set: CodeSet, settings: TerminologySettings): ValueSet {
  return {
    resourceType: 'ValueSet',
    ...about('ValueSet', set, settings),
    description: 'The codes that the gateway gives beside a text of MediMax, and by which it finds the text.',
    ...(set.copyright === undefined ? {} : { copyright: set.copyright }),
    compose: { include: [{ system: set.system, concept: set.concepts.map(plainConcept) }] },
  };
}

function conceptMapOf(map: CodeMap, { vocabularies }: Declared, settings: TerminologySettings): ConceptMap {
  const { canonicalBase } = settings;
  const isRead = map.direction === 'read';
  const verb = isRead ? 'is read as' : 'is written from';
  const shared = timesReached(map.rows);
  const displays = new Map(
    vocabularies.flatMap(({ id, concepts }) => concepts.map(({ code, display }) => [`${id}|${code}`, display])),
  );
  const displayOf = (system: string, code: string, known: string | undefined) => known ?? displays.get(`${system}|${code}`);
  const bySystem = Map.groupBy(map.rows, ({ to }) => to.system ?? '');
  return {
    resourceType: 'ConceptMap',
    ...about('ConceptMap', map, settings),
    description: `How ${map.columns.join(', ')} ${verb} ${map.elements.join(', ')}.`,
    ...(map.copyright === undefined ? {} : { copyright: map.copyright }),
    group: [...bySystem].map(([target, rows]) => ({
      source: systemUrl(map.fromSystem, canonicalBase),
      target: systemUrl(target, canonicalBase),
      element: [...Map.groupBy(rows, ({ from }) => from.code)].map(([code, same]) => ({
        code,
        ...optional('display', displayOf(map.fromSystem, code, same[0]?.from.display)),
        target: same.map(({ to, measures }) => ({
          ...optional('code', to.code),
          ...optional('display', displayOf(target, to.code ?? '', to.display)),
          equivalence:
            (shared.get(keyOf(to)) ?? 0) > 1 && map.version === undefined ? ('wider' as const) : ('equivalent' as const),
          ...(measures === undefined ? {} : { dependsOn: [{ property: `${canonicalBase}/kind-of-quantity`, value: measures }] }),
        })),
      })),
      ...(map.otherwise?.system === target && map.otherwise.code !== undefined
        ? { unmapped: { mode: 'fixed' as const, ...optional('code', map.otherwise.code) } }
        : {}),
    })),
  };
}

/** How many codes lead to each: where several do, the target says less than each of them. Texts of a reviewed table mean the same. */
function timesReached(rows: readonly MapRow[]): ReadonlyMap<string, number> {
  const times = new Map<string, number>();
  for (const { to } of rows) times.set(keyOf(to), (times.get(keyOf(to)) ?? 0) + 1);
  return times;
}

function keyOf({ system, code }: MapRow['to']): string {
  return `${system}|${code}`;
}

function optional<Key extends string>(key: Key, value: string | undefined): { [Name in Key]?: string } {
  return (value === undefined ? {} : { [key]: value }) as { [Name in Key]?: string }; // marked place: a computed key
}
