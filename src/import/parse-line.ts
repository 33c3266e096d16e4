/** One line of text as a resource of its source, or what is wrong with it. Pure: it asks nobody. */
import { hash } from 'node:crypto';
import { isJsonObject, parseJson } from '../fhir/json.ts';
import { FhirError } from '../fhir/outcome.ts';
import { allResourceTypes } from '../fhir/references.ts';
import type { JsonObject } from '../mapping/lift.ts';
import type { FileKind, Line, LineIssue, LineOutcome } from './job.ts';

/** A resource and whose it is: `type` and `id` are the source's own words. */
export interface Parsed {
  readonly index: number;
  readonly line: Line;
  readonly digest: string;
  readonly type: string;
  readonly id: string;
  readonly resource: JsonObject;
  /** `urn:uuid:…` of the entry's fullUrl, without `urn:uuid:`, where it is not the id. */
  readonly urn?: string;
  /** What stands before Type/id in the entry's fullUrl: references below it are the source's own. */
  readonly base?: string;
}

export interface ParseSettings {
  readonly depthMax: number;
  isServed(type: string): boolean;
}

const idSyntax = /^[A-Za-z0-9\-.]{1,64}$/;
const urnPrefix = /^urn:(?:uuid|oid):/i;

/** Either the parsed resource or the line's outcome. Types without a table are outcomes already, but tell their id for references. */
export function parseLine(index: number, line: Line, kind: FileKind, settings: ParseSettings): Parsed | LineOutcome {
  if (line.fault !== undefined) return failed('-', issue('too-long', line.fault));
  if (isBlank(line.bytes)) return { s: 'blank' };
  let json: unknown;
  try {
    json = parseJson(line.bytes, { depthMax: settings.depthMax });
  } catch (thrown) {
    if (!(thrown instanceof FhirError)) throw thrown;
    return { s: 'failed', i: thrown.issues.map(({ code, text }) => ({ severity: 'error', code, text })) };
  }
  if (kind === 'bundle') return parseEntry(index, line, json, settings);
  return parseResource(index, line, json, {}, settings);
}

function parseEntry(index: number, line: Line, entry: unknown, settings: ParseSettings): Parsed | LineOutcome {
  if (!isJsonObject(entry)) return failed('-', issue('structure', 'The entry is not a JSON object'));
  if (typeof entry['resourceType'] === 'string') return parseResource(index, line, entry, {}, settings); // the file was no Bundle
  const { resource, fullUrl, request } = entry;
  const method = isJsonObject(request) ? request['method'] : undefined;
  if (method !== undefined && method !== 'POST' && method !== 'PUT') {
    const text = `An import takes entries with POST or PUT, not ${String(method)}`;
    return failed('-', { ...issue('not-supported', text), expression: 'Bundle.entry.request.method' });
  }
  if (resource === undefined)
    return failed('-', { ...issue('required', 'The entry has no resource'), expression: 'Bundle.entry.resource' });
  const named = method === 'PUT' && isJsonObject(request) ? idInUrl(request['url']) : undefined;
  const own = isJsonObject(resource) ? resource['id'] : undefined;
  if (named !== undefined && own !== undefined && own !== named) {
    const text = `The entry is a PUT to the id ${named}, and its resource has another`;
    return failed('-', { ...issue('invalid', text), expression: 'Bundle.entry.request.url' });
  }
  const address = { ...addressIn(fullUrl), ...(named === undefined ? {} : { id: named }) };
  return parseResource(index, line, resource, address, settings);
}

interface EntryAddress {
  readonly urn?: string;
  readonly base?: string;
  readonly id?: string;
}

function addressIn(fullUrl: unknown): EntryAddress {
  if (typeof fullUrl !== 'string') return {};
  if (urnPrefix.test(fullUrl)) return { urn: fullUrl.replace(urnPrefix, '') };
  const [, base, id] = /^(https?:\/\/.+)\/[A-Za-z]+\/([A-Za-z0-9\-.]{1,64})$/.exec(fullUrl) ?? [];
  return base !== undefined && id !== undefined ? { base, id } : {};
}

/** Of `Patient/4`, as a PUT has it. */
function idInUrl(url: unknown): string | undefined {
  return typeof url === 'string' ? /^[A-Za-z]+\/([A-Za-z0-9\-.]{1,64})$/.exec(url)?.[1] : undefined;
}

function parseResource(
  index: number,
  line: Line,
  json: unknown,
  address: EntryAddress,
  { isServed }: ParseSettings,
): Parsed | LineOutcome {
  if (!isJsonObject(json)) return failed('-', issue('structure', 'The line is not a JSON object; a FHIR resource was expected'));
  const type = json['resourceType'];
  if (typeof type !== 'string')
    return failed('-', { ...issue('required', 'resourceType is missing or not a string'), expression: 'resourceType' });
  if (!allResourceTypes.has(type))
    return failed('-', {
      ...issue('not-supported', `${type.slice(0, 40)} is not a resource type of FHIR R4`),
      expression: 'resourceType',
    });
  const given = json['id'] ?? address.id ?? address.urn;
  if (typeof given !== 'string' || !idSyntax.test(given)) {
    if (!isServed(type)) return { s: 'no-table', t: type };
    const text = 'The resource needs an id of 1 to 64 letters, digits, "-" and ".": by it a later file knows the resource again';
    return failed(type, { ...issue(given === undefined ? 'required' : 'value', text), expression: `${type}.id` });
  }
  const resource: JsonObject = { ...json };
  return {
    index,
    line,
    digest: digestOf(line.bytes),
    type,
    id: given,
    resource,
    ...(address.urn !== undefined && address.urn !== given ? { urn: address.urn } : {}),
    ...(address.base === undefined ? {} : { base: address.base }),
  };
}

/** By which a line is known again. */
export function digestOf(bytes: Buffer): string {
  return hash('sha1', bytes, 'base64url').slice(0, 22);
}

export function isParsed(one: Parsed | LineOutcome): one is Parsed {
  return 'resource' in one;
}

export function failed(type: string, ...issues: readonly LineIssue[]): LineOutcome {
  return type === '-' ? { s: 'failed', i: issues } : { s: 'failed', t: type, i: issues };
}

function issue(code: string, text: string): LineIssue {
  return { severity: 'error', code, text };
}

function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x09 && byte !== 0x0d) return false;
  return true;
}
