/** From the entries of a transaction to writes as pure data; every fault that needs no database is found here, of all entries at once. */
import { randomUUID } from 'node:crypto';
import type {
  AddressOf,
  ConditionalReference,
  EntryWrite,
  TransactionBundle,
  WriteTarget,
} from '../../db/transaction-bundle-entries.ts';
import { FhirError, fault, type Issue } from '../../fhir/outcome.ts';
import { isObject, type JsonObject } from '../../mapping/lift.ts';
import { singleVersion } from '../conditional/if-match.ts';
import { matches, parseEntityTags } from '../etag.ts';
import { idSyntax, isId } from '../id.ts';
import { requireSameId, resourceIn, warningsOf } from '../incoming.ts';
import type { InteractionContext, InteractionRequest } from '../interaction.ts';
import { applyPatch, parsePatch } from '../patch/patched.ts';
import { reservedId } from '../update.ts';
import type { BundleEntry } from './entries.ts';
import { type EntryAddress, findLinks, type LinkedResource, withLinks } from './links.ts';
import { refusal } from './refusal.ts';

export interface PlannedTransaction {
  readonly bundle: TransactionBundle;
  readonly warnings: ReadonlyMap<number, readonly Issue[]>;
}

/** The type and id an entry's URL names. */
interface Place {
  readonly type: string;
  readonly id?: string;
}

/** @throws FhirError with the issues of every entry */
export function planTransaction(
  context: InteractionContext,
  request: InteractionRequest,
  entries: readonly BundleEntry[],
): PlannedTransaction {
  const failures = new Map<number, FhirError>();
  const writes: EntryWrite[] = [];
  const references: ConditionalReference[] = [];
  const reads: TransactionBundle['reads'][number][] = [];
  const warnings = new Map<number, readonly Issue[]>();
  const provisional = new Map(
    entries.map((entry) => [entry.index, `${placeOf(entry).type}/x${randomUUID().replaceAll('-', '')}`]),
  );
  const addresses = entryAddresses(entries, provisional);

  for (const entry of entries) {
    try {
      if (entry.method === 'GET' || entry.method === 'HEAD') {
        const { type, id } = placeOf(entry);
        if (id !== undefined && entry.path === `${type}/${id}` && context.registry.get(type))
          reads.push({ index: entry.index, resourceType: type, id });
        continue;
      }
      const made = writeOf(context, request, entry, {
        provisional: provisional.get(entry.index) ?? '',
        addressOf: addresses(entry),
      });
      writes.push(made.write);
      warnings.set(entry.index, made.warnings);
      for (const one of made.conditional)
        references.push({
          index: entry.index,
          text: one.text,
          resourceType: one.type,
          query: one.query,
          expression: one.expression,
        });
    } catch (failure) {
      if (!(failure instanceof FhirError)) throw failure;
      failures.set(entry.index, failure);
    }
  }
  if (failures.size > 0) throw refusal(failures);
  return { bundle: { entries: writes, references, reads, requireIfMatch: context.config.http.requireIfMatch }, warnings };
}

function placeOf({ path }: BundleEntry): Place {
  const [type = '', id] = path.split('/');
  return id === undefined ? { type } : { type, id };
}

/** Which entry a text in another entry names: by its fullUrl as it stands, or relative to the base of that entry's own fullUrl. */
function entryAddresses(
  entries: readonly BundleEntry[],
  provisional: ReadonlyMap<number, string>,
): (from: BundleEntry) => EntryAddress {
  const byUrl = new Map<string, string>();
  for (const { index, fullUrl, method } of entries) {
    const address = provisional.get(index);
    if (fullUrl !== undefined && address !== undefined && (method === 'POST' || method === 'PUT')) byUrl.set(fullUrl, address);
  }
  return ({ fullUrl = '' }) => {
    const base = /^(.*)\/[A-Z][A-Za-z]+\/[A-Za-z0-9.-]{1,64}$/.exec(fullUrl)?.[1];
    return (text) => byUrl.get(text) ?? (base === undefined ? undefined : byUrl.get(`${base}/${text}`));
  };
}

interface Surroundings {
  readonly provisional: string;
  readonly addressOf: EntryAddress;
}

interface Made {
  readonly write: EntryWrite;
  readonly conditional: LinkedResource['conditional'];
  readonly warnings: readonly Issue[];
}

function writeOf(context: InteractionContext, request: InteractionRequest, entry: BundleEntry, around: Surroundings): Made {
  const { index, method } = entry;
  const place = placeOf(entry);
  const { type: resourceType, id } = place;
  refuseUnknownType(context, entry, resourceType);
  if (entry.path !== (id === undefined ? resourceType : `${resourceType}/${id}`)) throw wrongUrl(entry);
  if (method === 'POST') {
    if (id !== undefined || entry.query !== '') throw wrongUrl(entry);
    refuseConditions(entry, ['ifNoneExist']);
    const { id: _ignored, ...resource } = resourceIn(entry.resource, resourceType);
    const made = linked(resource, around, resourceType);
    const unless = entry.ifNoneExist === undefined ? {} : { unless: entry.ifNoneExist };
    return {
      ...made,
      write: { kind: 'create', index, resourceType, provisional: around.provisional, ...unless, content: made.content },
    };
  }
  const target = targetOf(entry, place);
  const ifMatch = singleVersion(entry.ifMatch);
  if (method === 'DELETE') {
    refuseConditions(entry, ['ifMatch']);
    const deletesMax = 'query' in target ? context.config.limits.conditionalDeletesMax : 1;
    const cascade =
      String(request.headers['x-cascade'] ?? '')
        .trim()
        .toLowerCase() === 'delete';
    return {
      write: { kind: 'delete', index, resourceType, target, ifMatch, cascade, deletesMax },
      conditional: [],
      warnings: [],
    };
  }
  if (method === 'PATCH') return patchOf(entry, resourceType, target, ifMatch, around);
  refuseConditions(entry, ['ifMatch', 'ifNoneMatch']);
  const resource = resourceIn(entry.resource, resourceType);
  if ('id' in target) requireSameId(resource, target.id);
  const made = linked(resource, around, resourceType);
  const ownId = typeof resource['id'] === 'string' ? resource['id'] : undefined;
  const newId = 'id' in target ? target.id : ownId;
  return {
    ...made,
    write: {
      kind: 'update',
      index,
      resourceType,
      provisional: around.provisional,
      target,
      ifMatch,
      ownId,
      mustNotExist: mustNotExist(entry),
      mayNotCreate: newId === undefined ? undefined : reservedId(context.registry, { resourceType, id: newId }),
      content: made.content,
    },
  };
}

function patchOf(
  entry: BundleEntry,
  resourceType: string,
  target: WriteTarget,
  ifMatch: number | undefined,
  { addressOf }: Surroundings,
): Made {
  refuseConditions(entry, ['ifMatch']);
  const body = entry.resource ?? {};
  const { sites, conditional, issues } = findLinks(body, addressOf);
  parsePatch(body, undefined);
  if (issues.length > 0) throw new FhirError('unprocessable', issues);
  const content = (final: AddressOf, served: JsonObject): JsonObject =>
    applyPatch(parsePatch(withLinks(body, sites, final), undefined), served, resourceType);
  return { write: { kind: 'patch', index: entry.index, resourceType, target, ifMatch, content }, conditional, warnings: [] };
}

/** The resource with its links found, valid as far as it can be told before ids are known. */
function linked(resource: JsonObject, { addressOf }: Surroundings, resourceType: string) {
  const { sites, conditional, issues } = findLinks(resource, addressOf);
  const content = (final: AddressOf): JsonObject => withLinks(resource, sites, final);
  const warnings = warningsOf(
    content((provisional) => provisional),
    resourceType,
  );
  if (issues.length > 0) throw new FhirError('unprocessable', issues);
  return { content, conditional, warnings };
}

function refuseUnknownType({ registry }: InteractionContext, { index, resource }: BundleEntry, type: string): void {
  if (registry.get(type)) return;
  const named = isObject(resource) && typeof resource['resourceType'] === 'string' ? resource['resourceType'] : type;
  const list = registry.resourceTypes.join(', ');
  const view = registry.views.find(({ resourceType }) => resourceType === named);
  const instead = view ? ` ${named} only shows what ${view.of} says: send that.` : '';
  throw fault(
    'unprocessable',
    'not-supported',
    `Entry ${index}: the gateway keeps no ${named}; it keeps ${list}.${instead} The transaction is refused as a whole.`,
  );
}

function targetOf(entry: BundleEntry, { id }: Place): { readonly id: string } | { readonly query: string } {
  if (id === undefined) {
    if (entry.query === '') throw wrongUrl(entry);
    return { query: entry.query };
  }
  if (entry.query !== '') throw wrongUrl(entry);
  if (!isId(id)) throw fault('malformed', 'value', `The id in the URL cannot be one: ${idSyntax}.`, 'id');
  return { id };
}

function wrongUrl({ method, path }: BundleEntry): FhirError {
  return fault('malformed', 'value', `${method} ${path} is no interaction that a transaction may hold.`, 'url');
}

function mustNotExist({ ifNoneMatch }: BundleEntry): boolean {
  if (ifNoneMatch === undefined) return false;
  const tags = parseEntityTags('If-None-Match', ifNoneMatch);
  if (tags !== '*') throw fault('malformed', 'value', 'On a write ifNoneMatch must be *.', 'http.If-None-Match');
  return matches(tags, 0);
}

const conditionHeaders = {
  ifNoneExist: 'If-None-Exist',
  ifMatch: 'If-Match',
  ifNoneMatch: 'If-None-Match',
  ifModifiedSince: 'If-Modified-Since',
} as const;

function refuseConditions(entry: BundleEntry, kept: readonly (keyof typeof conditionHeaders)[]): void {
  for (const [key, name] of Object.entries(conditionHeaders) as [keyof typeof conditionHeaders, string][])
    if (entry[key] !== undefined && !kept.includes(key))
      throw fault('malformed', 'not-supported', `${key} has no meaning on ${entry.method}.`, `http.${name}`);
}
