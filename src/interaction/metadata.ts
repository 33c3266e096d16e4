/** Capabilities: what this gateway does, generated from what runs. https://hl7.org/fhir/R4/http.html#capabilities */
import type { Config } from '../config.ts';
import { fault } from '../fhir/outcome.ts';
import type { JsonObject } from '../mapping/lift.ts';
import type { Interaction, InteractionCode, InteractionContext, Level, OtherCode, Served } from './interaction.ts';
import { onlyParameters } from './parameters.ts';
import { definitionSearchClaims, terminologyClaims } from './terminology/claims.ts';

export const metadata: Interaction = (context, { query, baseUrl }) => {
  onlyParameters(query, ['mode'], 'The CapabilityStatement');
  const mode = query.get('mode') ?? 'full';
  const make = Object.hasOwn(modes, mode) ? modes[mode] : undefined;
  if (make === undefined) throw fault('malformed', 'value', `mode is none of ${Object.keys(modes).join(', ')}.`, 'mode');
  return { status: 200, headers: {}, body: make(context, baseUrl) };
};

type Make = (context: InteractionContext, baseUrl: string) => JsonObject;

const modes: Readonly<Record<string, Make | undefined>> = {
  full: (context, baseUrl) => capabilityStatement(context, baseUrl, typesOf(context)),
  normative: (context, baseUrl) =>
    capabilityStatement(
      context,
      baseUrl,
      typesOf(context).filter((type) => normativeTypes.includes(type)),
    ),
  terminology: (context, baseUrl) => ({
    resourceType: 'TerminologyCapabilities',
    ...about(context, baseUrl),
    kind: 'instance',
    ...terminologyClaims(context.terminology),
  }),
};

/** Those of the registry, and those that have rows of their own in the route table. */
function typesOf({ registry, served }: InteractionContext): readonly string[] {
  return [...new Set([...registry.resourceTypes, ...served.flatMap(({ resourceType }) => resourceType ?? [])])];
}

/** The clinical types whose content is normative in R4. https://hl7.org/fhir/R4/resourcelist.html */
const normativeTypes: readonly string[] = [
  'Patient',
  'Observation',
  'CodeSystem',
  'ValueSet',
  'StructureDefinition',
  'OperationDefinition',
];

function capabilityStatement(context: InteractionContext, baseUrl: string, types: readonly string[]): JsonObject {
  return {
    resourceType: 'CapabilityStatement',
    ...about(context, baseUrl),
    kind: 'instance',
    fhirVersion: '4.0.1',
    format: ['json', 'application/fhir+json'],
    ...(context.served.some(({ codes }) => codes.includes('patch'))
      ? { patchFormat: ['application/json-patch+json', 'application/fhir+json'] }
      : {}),
    rest: [rest(context, types)],
  };
}

function about({ software, startedAt }: InteractionContext, baseUrl: string): JsonObject {
  return {
    status: 'active',
    date: startedAt,
    publisher: software.name,
    software: { name: software.name, version: software.version },
    implementation: { description: 'FHIR R4 gateway in front of a living MediMax database', url: baseUrl },
  };
}

/** What docs/other-writer.md says of this mode, in short. */
const withoutTriggers =
  'This gateway may not watch MediMax as it writes. What MediMax changes is found by comparing content, when a resource is read and by a sweep now and then: several changes in between are one version, made when it was found; what was inserted and deleted in between was never there; a search may not yet know what the next sweep finds.';

function rest(context: InteractionContext, types: readonly string[]): JsonObject {
  const { served, config } = context;
  const interaction = interactionsAt('system', served);
  const operation = operationsAt(config, ['system'], served);
  return {
    mode: 'server',
    ...(config.db.triggers ? {} : { documentation: withoutTriggers }),
    security: {
      cors: config.http.corsOrigins.length > 0,
      description:
        'The gateway itself does not authenticate: it listens on loopback, or behind a proxy that authenticates and encrypts.',
    },
    resource: types.map((type) => restResource(context, type)),
    ...(interaction.length > 0 ? { interaction } : {}),
    ...(operation.length > 0 ? { operation } : {}),
  };
}

function restResource(context: InteractionContext, type: string): JsonObject {
  const { config } = context;
  const isOfRegistry = context.registry.get(type) !== undefined;
  const served = context.served.filter((row) => (row.resourceType === undefined ? isOfRegistry : row.resourceType === type));
  const has = (code: InteractionCode | OtherCode) => served.some(({ codes }) => codes.includes(code));
  const documentation = served.find((row) => row.documentation !== undefined)?.documentation;
  const operation = operationsAt(config, ['type', 'instance'], served, type);
  const searchParam = has('search-type') ? (definitionSearchClaims(type) ?? searchClaims(context, type, served)) : [];
  return {
    type,
    profile: `http://hl7.org/fhir/StructureDefinition/${type}`,
    ...(documentation === undefined ? {} : { documentation }),
    interaction: [...interactionsAt('instance', served), ...interactionsAt('type', served)],
    versioning: !has('vread') ? 'no-version' : config.http.requireIfMatch ? 'versioned-update' : 'versioned',
    readHistory: has('vread'),
    updateCreate: has('update'),
    conditionalCreate: has('conditional-create'),
    conditionalRead: has('vread') ? 'full-support' : 'not-match',
    conditionalUpdate: has('conditional-update'),
    conditionalDelete: conditionalDeletes(has('conditional-delete'), config.limits.conditionalDeletesMax),
    ...(searchParam.length > 0 ? { searchParam } : {}),
    ...(operation.length > 0 ? { operation } : {}),
  };
}

function conditionalDeletes(served: boolean, max: number): string {
  if (!served) return 'not-supported';
  return max > 1 ? 'multiple' : 'single';
}

function searchClaims({ searchParameters }: InteractionContext, type: string, served: readonly Served[]) {
  const names = served.find(({ searchedBy }) => searchedBy !== undefined)?.searchedBy;
  return searchParameters(type).filter(({ name }) => names?.includes(name) ?? true);
}

/** What the CapabilityStatement has no code for is said elsewhere in it. */
const notListed: readonly OtherCode[] = [
  'capabilities',
  'operation',
  'search-compartment',
  'conditional-create',
  'conditional-update',
  'conditional-delete',
];

function isListed(code: InteractionCode | OtherCode): code is InteractionCode {
  return !notListed.some((other) => other === code);
}

function interactionsAt(level: Level, served: readonly Served[]): JsonObject[] {
  const codes = served.filter((route) => route.level === level).flatMap((route) => route.codes.filter(isListed));
  return [...new Set(codes)].map((code) => ({ code }));
}

function operationsAt({ clinic }: Config, levels: readonly Level[], served: readonly Served[], type?: string): JsonObject[] {
  const byName = new Map<string, string>();
  for (const { level, operation } of served) {
    if (operation === undefined || !levels.includes(level)) continue;
    if (type !== undefined && operation.types?.includes(type) === false) continue;
    byName.set(operation.name, new URL(operation.definition, `${clinic.canonicalBase}/`).href);
  }
  return [...byName].map(([name, definition]) => ({ name, definition }));
}
