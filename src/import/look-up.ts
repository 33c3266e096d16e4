/** Asks the database, in a few statements for a whole chunk, what is known of the resources that its lines are or refer to. */
import { hash } from 'node:crypto';
import { findByIdentifiers } from '../db/bulk-identifiers.ts';
import { rowsOfParts } from '../db/in-list.ts';
import type { DatabaseParts } from '../db/parts.ts';
import type { Session } from '../db/pool.ts';
import { isObject, type JsonObject } from '../mapping/lift.ts';
import { localId } from './source.ts';

/** A resource here. */
export interface Known {
  readonly rid: number;
  readonly type: string;
  readonly id: string;
  readonly variant: string;
  readonly key: number;
  readonly state: number;
  readonly version: number;
  readonly origin: string;
  /** What the source said of it last, and where. */
  readonly digest: string | null;
  readonly jobId: number | null;
  readonly lineNo: number;
  /** It is kept under an id that does not follow from the source's: others know it too. */
  readonly alias: boolean;
}

export interface Address {
  readonly type: string;
  readonly id: string;
}

export const addressKey = (type: string, id: string): string => `${type}/${id}`;

/** Resources of this server by `Type/id`. */
export async function findHere(session: Session, wanted: Iterable<Address>): Promise<Map<string, Known>> {
  const found = new Map<string, Known>();
  for (const [type, addresses] of Map.groupBy(wanted, (address) => address.type)) {
    const ids = [...new Set(addresses.map(({ id }) => id))];
    const rows = await rowsOfParts(
      session,
      'SELECT r.rid, r.type, r.id, r.variant, r.source_key, r.state, r.version, r.origin, l.digest, l.job_id, l.line_no FROM fhir_resource r LEFT JOIN fhir_import_line l ON l.rid = r.rid WHERE r.type = ? AND r.id IN (?) AND r.state < 2',
      ids,
      { before: [type] },
    );
    for (const [rid, foundType, id, variant, key, state, version, origin, digest, jobId, lineNo] of rows) {
      found.set(addressKey(String(foundType), String(id)), {
        rid: Number(rid),
        type: String(foundType),
        id: String(id),
        variant: String(variant),
        key: Number(key),
        state: Number(state),
        version: Number(version),
        origin: String(origin),
        digest: digest === null ? null : String(digest),
        jobId: jobId === null ? null : Number(jobId),
        lineNo: Number(lineNo),
        alias: false,
      });
    }
  }
  return found;
}

export interface Alias {
  readonly id: string;
  /** `urn` where the reference tells no type. */
  readonly type: string;
  readonly localType: string;
  readonly localId: string | null;
  readonly digest: string | null;
  readonly jobId: number;
  readonly lineNo: number;
}

/** Longer names, and those of other signs, are known within their chunk alone. */
export function canBeAlias(id: string): boolean {
  return /^[!-~]{1,64}$/.test(id);
}

/** Aliases of a source by `Type/id`, those whose type is not said by `urn/id`. */
export async function findAliases(session: Session, source: string, ids: readonly string[]): Promise<Map<string, Alias>> {
  const found = new Map<string, Alias>();
  const rows = await rowsOfParts(
    session,
    'SELECT id, type, local_type, local_id, digest, job_id, line_no FROM fhir_import_alias WHERE source = ? AND id IN (?)',
    ids.filter(canBeAlias),
    { before: [source] },
  );
  for (const [id, type, localType, local, digest, jobId, lineNo] of rows) {
    found.set(addressKey(String(type), String(id)), {
      id: String(id),
      type: String(type),
      localType: String(localType),
      localId: local === null ? null : String(local),
      digest: digest === null ? null : String(digest),
      jobId: Number(jobId),
      lineNo: Number(lineNo),
    });
  }
  return found;
}

/** What a source's ids are here: by alias, else by the id that follows from the source's. */
export async function findOwn(
  session: Session,
  source: string,
  wanted: readonly Address[],
  urns: readonly string[],
  servedTypes: readonly string[],
): Promise<{ readonly own: ReadonlyMap<string, Known>; readonly aliases: ReadonlyMap<string, Alias> }> {
  const ids = [...new Set([...wanted.map(({ id }) => id), ...urns])].filter((id) => id.length <= 64);
  const aliases = await findAliases(session, source, ids);
  const addresses: Address[] = [];
  for (const { type, id } of wanted) {
    const alias = aliases.get(addressKey(type, id));
    if (alias?.localId) addresses.push({ type: alias.localType, id: alias.localId });
    else addresses.push({ type, id: localId(source, id) });
  }
  for (const urn of urns) {
    const alias = aliases.get(addressKey('urn', urn));
    if (alias?.localId) addresses.push({ type: alias.localType, id: alias.localId });
    else if (!alias) for (const type of servedTypes) addresses.push({ type, id: localId(source, urn) });
  }
  const here = await findHere(session, addresses);
  const own = new Map<string, Known>();
  for (const { type, id } of wanted) {
    const alias = aliases.get(addressKey(type, id));
    const known = here.get(alias?.localId ? addressKey(alias.localType, alias.localId) : addressKey(type, localId(source, id)));
    if (known && alias) {
      const { digest, jobId, lineNo } = alias;
      own.set(addressKey(type, id), { ...known, digest, jobId, lineNo, alias: true });
    } else if (known) own.set(addressKey(type, id), known);
  }
  for (const urn of urns) {
    const alias = aliases.get(addressKey('urn', urn));
    const known = alias?.localId
      ? here.get(addressKey(alias.localType, alias.localId))
      : servedTypes.map((type) => here.get(addressKey(type, localId(source, urn)))).find(Boolean);
    if (known) own.set(addressKey('urn', urn), known);
  }
  return { own, aliases };
}

export interface Identifier {
  readonly system: string;
  readonly value: string;
}

/** Identifiers by which a patient is known again: those with system and value, MediMax's own key apart. */
export function identifiersOf(patient: JsonObject): readonly Identifier[] {
  const list: readonly unknown[] = Array.isArray(patient['identifier']) ? patient['identifier'] : [];
  return list.flatMap((one) => {
    if (!isObject(one)) return [];
    const { system, value, use } = one;
    return typeof system === 'string' && typeof value === 'string' && value.trim() !== '' && use !== 'old'
      ? [{ system, value }]
      : [];
  });
}

export function identifierDigest({ system, value }: Identifier): string {
  return hash('sha1', `${system}|${value}`, 'base64url').slice(0, 27);
}

/** Living patients by `system|value`, and digests that point to patients that are gone. */
export async function findPatients(
  parts: DatabaseParts,
  session: Session,
  wanted: readonly Identifier[],
): Promise<{ readonly found: ReadonlyMap<string, readonly Known[]>; readonly stale: ReadonlySet<string> }> {
  const byDigest = new Map(wanted.map((identifier) => [identifierDigest(identifier), identifier]));
  const found = new Map<string, Known[]>();
  const stale = new Set<string>();
  if (byDigest.size === 0) return { found, stale };
  const rows = await rowsOfParts(
    session,
    'SELECT i.digest, r.id, r.state FROM fhir_import_identifier i LEFT JOIN fhir_resource r ON r.rid = i.rid WHERE i.digest IN (?)',
    [...byDigest.keys()],
  );
  const ids = new Map<string, string[]>();
  const add = (identifier: Identifier, id: string) => {
    const name = `${identifier.system}|${identifier.value}`;
    ids.set(name, [...new Set([...(ids.get(name) ?? []), id])]);
  };
  for (const [digest, id, state] of rows) {
    const identifier = byDigest.get(String(digest));
    if (!identifier || id === null || Number(state) !== 0) stale.add(String(digest));
    else add(identifier, String(id));
  }
  const keys = new Map<number, Identifier[]>();
  const note = (key: number, identifier: Identifier) => keys.set(key, [...(keys.get(key) ?? []), identifier]);
  const sought: Identifier[] = [];
  for (const identifier of byDigest.values()) {
    const own = identifier.system === parts.references.identifierSystem && /^\d{1,9}$/.test(identifier.value);
    if (own) note(Number(identifier.value), identifier);
    else sought.push(identifier);
  }
  const matches = await findByIdentifiers(parts, session, 'Patient', sought);
  sought.forEach((identifier, index) => {
    for (const key of matches[index] ?? []) note(key, identifier);
  });
  if (keys.size > 0) {
    const living = await rowsOfParts(
      session,
      "SELECT id, source_key FROM fhir_resource WHERE type = 'Patient' AND variant = 'Patient' AND state = 0 AND source_key IN (?)",
      [...keys.keys()],
    );
    for (const [id, key] of living) for (const identifier of keys.get(Number(key)) ?? []) add(identifier, String(id));
  }
  const here = await findHere(
    session,
    [...new Set([...ids.values()].flat())].map((id) => ({ type: 'Patient', id })),
  );
  for (const [name, list] of ids) {
    found.set(
      name,
      list.flatMap((id) => here.get(addressKey('Patient', id)) ?? []),
    );
  }
  return { found, stale };
}
