/** StructureDefinitions of the gateway's own extensions. https://hl7.org/fhir/R4/defining-extensions.html */
import type { ElementDefinition, StructureDefinition } from 'fhir/r4.js';
import { codeSystems, extensions } from '../../mappings/local-terms.ts';
import { type ExtensionDefinition, extensionDefinitions } from '../../mappings/terminology/extensions.ts';
import { about, type Publication } from './about.ts';

export function extensionStructures(settings: Publication): readonly StructureDefinition[] {
  return Object.entries(extensionDefinitions).map(([name, definition]) => {
    const id = extensions[name as keyof typeof extensions]; // marked place: Object.entries forgets the keys
    return structureOf(id, definition, settings);
  });
}

function structureOf(id: string, definition: ExtensionDefinition, settings: Publication): StructureDefinition {
  const { title, description, context } = definition;
  const head = about('StructureDefinition', { id, title }, settings);
  const elements = elementsOf(head.url, definition, settings.canonicalBase);
  return {
    resourceType: 'StructureDefinition',
    ...head,
    description,
    fhirVersion: '4.0.1',
    kind: 'complex-type',
    abstract: false,
    context: context.map((expression) => ({ type: 'element' as const, expression })),
    type: 'Extension',
    baseDefinition: 'http://hl7.org/fhir/StructureDefinition/Extension',
    derivation: 'constraint',
    differential: { element: elements },
  };
}

function elementsOf(url: string, definition: ExtensionDefinition, canonicalBase: string): ElementDefinition[] {
  const { title, description, type, binding, target } = definition;
  return [
    { id: 'Extension', path: 'Extension', short: title, definition: description, min: 0, max: '1' },
    { id: 'Extension.extension', path: 'Extension.extension', max: '0' },
    { id: 'Extension.url', path: 'Extension.url', fixedUri: url },
    {
      id: 'Extension.value[x]',
      path: 'Extension.value[x]',
      min: 1,
      type: [
        {
          code: type,
          ...(target === undefined ? {} : { targetProfile: [`http://hl7.org/fhir/StructureDefinition/${target}`] }),
        },
      ],
      ...(binding === undefined
        ? {}
        : { binding: { strength: 'required', valueSet: `${canonicalBase}/ValueSet/${codeSystems[binding]}` } }),
    },
  ];
}
