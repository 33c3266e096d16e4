/** The official R4 examples of the served types, sent to a gateway one by one, patients first: what came back the same, what was refused. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Repository } from '../../src/db/repository.ts';
import { parseJson, sameJson } from '../../src/fhir/json.ts';
import { FhirError, type Issue } from '../../src/fhir/outcome.ts';
import { validate } from '../../src/fhir/validate.ts';
import { isObject, type JsonObject } from '../../src/mapping/lift.ts';

/** Beside the project; a newcomer's checkout does not have them. */
export const examplesFolder = join(import.meta.dirname, '../../../shared/data/r4-examples');

export interface ExampleResult {
  readonly file: string;
  readonly resourceType: string;
  readonly outcome: 'same' | 'different' | 'refused';
  /** Why it was refused; errors only. */
  readonly issues: readonly Issue[];
}

export function haveExamples(): boolean {
  return existsSync(examplesFolder);
}

/** Sends every example of these types; `ownIdentifierSystem` is the one the server adds to every patient. */
export async function sendExamples(
  repository: Repository,
  resourceTypes: readonly string[],
  ownIdentifierSystem: string,
): Promise<readonly ExampleResult[]> {
  const examples = readdirSync(examplesFolder)
    .filter((file) => file.endsWith('.json') && !file.startsWith('_'))
    .map((file) => ({ file, resource: parseJson(readFileSync(join(examplesFolder, file))) as JsonObject }))
    .filter(({ resource }) => resourceTypes.includes(String(resource['resourceType'])))
    .toSorted((a, b) => order(a.resource) - order(b.resource) || a.file.localeCompare(b.file));
  const options = () => ({ origin: 'client', deadline: Date.now() + 30_000 });
  const present = new Set(examples.map(({ resource }) => `${resource['resourceType']}/${resource['id']}`));
  for (const id of missingPatients(
    examples.map(({ resource }) => resource),
    present,
  )) {
    await repository.update(
      'Patient',
      id,
      { resourceType: 'Patient', id, name: [{ text: `Patient of an example (${id})` }] },
      options(),
    );
  }
  const results: ExampleResult[] = [];
  for (const { file, resource } of examples) {
    const { resourceType, id } = resource as { resourceType: string; id: string };
    try {
      const errors = validate(resource, resourceType).filter((issue) => issue.severity === 'error');
      if (errors.length > 0) throw new FhirError('unprocessable', errors);
      await repository.update(resourceType, id, resource, options());
      const record = await repository.read(resourceType, id);
      const served = record ? repository.render(record) : {};
      const same = sameJson(comparable(resource, ownIdentifierSystem), comparable(served, ownIdentifierSystem));
      results.push({ file, resourceType, outcome: same ? 'same' : 'different', issues: [] });
    } catch (thrown) {
      if (!(thrown instanceof FhirError)) throw thrown;
      const issues = thrown.issues.filter((issue) => issue.severity === 'error');
      results.push({ file, resourceType, outcome: 'refused', issues });
    }
  }
  return results;
}

/** Patients that examples are about and that HL7 publishes no example of: somebody has registered them before. */
function missingPatients(resources: readonly JsonObject[], present: ReadonlySet<string>): ReadonlySet<string> {
  const ids = new Set<string>();
  for (const resource of resources) {
    const subject = resource['subject'] ?? resource['patient'];
    const [, id] = /^Patient\/([A-Za-z0-9.-]{1,64})$/.exec(String(isObject(subject) ? subject['reference'] : '')) ?? [];
    if (id !== undefined && !present.has(`Patient/${id}`)) ids.add(id);
  }
  return ids;
}

/** Patients before what refers to them, appointments before their symptoms. */
function order(resource: JsonObject): number {
  return ['Patient', 'Appointment'].indexOf(String(resource['resourceType'])) + 1 || 3;
}

/** All but the server's part of meta and the key MediMax gives a patient. */
function comparable(resource: JsonObject, ownIdentifierSystem: string): JsonObject {
  const { meta, identifier, ...content } = resource;
  const compared: JsonObject = { ...content };
  if (isObject(meta)) {
    const { versionId: _version, lastUpdated: _updated, source: _source, ...said } = meta;
    if (Object.keys(said).length > 0) compared['meta'] = said;
  }
  const identifiers = Array.isArray(identifier)
    ? identifier.filter((one) => !(isObject(one) && one['system'] === ownIdentifierSystem))
    : identifier;
  if (identifiers !== undefined && !(Array.isArray(identifiers) && identifiers.length === 0))
    compared['identifier'] = identifiers;
  return compared;
}
